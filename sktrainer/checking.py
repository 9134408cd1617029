"""Validation of parameters, estimator and data before training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sktrainer.anatomy import Anatomy, dissect
from sktrainer.backends.registry import find_backend
from sktrainer.exceptions import (
    InputError,
    ParameterError,
)
from sktrainer.parameters import parameter_problems
from sktrainer.rows import count_dimensions, is_inputs
from sktrainer.running.metrics import resolve_scoring
from sktrainer.running.misfits import scorer_misfit
from sktrainer.stages.checks import RawInput, check_data
from sktrainer.types import CheckedData

__all__ = ["check_all", "for_the_network_alone"]


def for_the_network_alone(
    parameters: Mapping[str, Any], estimator: Any, X: Any
) -> Mapping[str, Any]:
    """Replace ``preprocessor="auto"`` by None if a network is fitted on X that is not a table.

    Dicts of arrays, and arrays with three or more dimensions (images, sequences), are not
    tables.
    """
    has_columns = not is_inputs(X) and count_dimensions(X) <= 2
    if has_columns or not isinstance(parameters["preprocessor"], str):
        return parameters
    try:
        alone = _takes_any_shape(dissect(estimator).model)
    except ParameterError:
        return parameters  # `check_all` reports the error together with all others
    return {**parameters, "preprocessor": None} if alone else parameters


def _takes_any_shape(model: Any) -> bool:
    return find_backend(model).traits(model, "classification").any_shape


def check_all(
    parameters: Mapping[str, Any], estimator: Any, raw: RawInput
) -> tuple[Anatomy, CheckedData]:
    """Check parameters, estimator and data, and raise one error that lists all mistakes."""
    problems = parameter_problems(parameters)
    try:
        anatomy = dissect(estimator)
    except ParameterError as error:
        raise ParameterError([*problems, *error.problems]) from None
    # y cannot be checked for an unknown task.
    if any(problem.startswith("task ") for problem in problems):
        raise ParameterError(problems)
    automatic = isinstance(parameters["preprocessor"], str)
    alone = parameters["preprocessor"] is None and not anatomy.steps
    refused = is_inputs(raw.X) and alone and not _takes_any_shape(anatomy.model)
    raw = replace(
        raw,
        tabular=refused or (automatic and not anatomy.transforms),
        time_column=parameters["time_column"],
    )
    try:
        data = check_data(raw, parameters["task"], anatomy.model)
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    problems = problems or _unfit_scorers(parameters, data)
    if problems:
        raise ParameterError(problems)
    return anatomy, data


def _unfit_scorers(parameters: Mapping[str, Any], data: CheckedData) -> list[str]:
    """Return an error text for each requested scorer that cannot score such targets."""
    asked = []
    if parameters["scoring"] is not None:
        scoring = resolve_scoring(parameters["scoring"], data.task, data.n_classes)
        asked = [name for name in scoring.scorers if name not in scoring.on_estimator]
        if isinstance(parameters["scoring"], Mapping):
            asked = [parameters["scoring"][name] for name in asked]
    if isinstance(parameters["eval_metric"], str) and parameters["eval_metric"] != "loss":
        asked.append(parameters["eval_metric"])
    misfits = (scorer_misfit(name, data.task, data.n_classes) for name in dict.fromkeys(asked))
    return [misfit for misfit in misfits if misfit is not None]

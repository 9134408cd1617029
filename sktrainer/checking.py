"""Validation of parameters, estimator and data before training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sktrainer.anatomy import EstimatorParts, unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.exceptions import (
    InputError,
    ParameterError,
)
from sktrainer.parameters import parameter_problems
from sktrainer.rows import count_dimensions, is_input_dict
from sktrainer.running.metrics import resolve_scoring
from sktrainer.running.misfits import scorer_problem
from sktrainer.stages.checks import FitInputs, validate_inputs
from sktrainer.types import FitData

__all__ = ["effective_params", "validate"]


def effective_params(
    parameters: Mapping[str, Any], estimator: Any, X: Any
) -> Mapping[str, Any]:
    """Replace ``preprocessor="auto"`` by None if a network is fitted on X that is not a table.

    Dicts of arrays, and arrays with three or more dimensions (images, sequences), are not
    tables.
    """
    has_columns = not is_input_dict(X) and count_dimensions(X) <= 2
    if has_columns or not isinstance(parameters["preprocessor"], str):
        return parameters
    try:
        alone = _takes_any_shape(unwrap_pipeline(estimator).model)
    except ParameterError:
        return parameters  # `validate` reports the error together with all others
    return {**parameters, "preprocessor": None} if alone else parameters


def _takes_any_shape(model: Any) -> bool:
    return find_backend(model).capabilities(model, "classification").accepts_nd


def validate(
    parameters: Mapping[str, Any], estimator: Any, raw: FitInputs
) -> tuple[EstimatorParts, FitData]:
    """Check parameters, estimator and data, and raise one error that lists all mistakes."""
    problems = parameter_problems(parameters)
    try:
        parts = unwrap_pipeline(estimator)
    except ParameterError as error:
        raise ParameterError([*problems, *error.problems]) from None
    # y cannot be checked for an unknown task.
    if any(problem.startswith("task ") for problem in problems):
        raise ParameterError(problems)
    automatic = isinstance(parameters["preprocessor"], str)
    alone = parameters["preprocessor"] is None and not parts.steps
    refused = is_input_dict(raw.X) and alone and not _takes_any_shape(parts.model)
    raw = replace(
        raw,
        tabular=refused or (automatic and not parts.has_transformer),
        time_column=parameters["time_column"],
    )
    try:
        data = validate_inputs(raw, parameters["task"], parts.model)
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    problems = problems or _scorer_problems(parameters, data)
    if problems:
        raise ParameterError(problems)
    return parts, data


def _scorer_problems(parameters: Mapping[str, Any], data: FitData) -> list[str]:
    """Return an error text for each requested scorer that cannot score such targets."""
    asked = []
    if parameters["scoring"] is not None:
        scoring = resolve_scoring(parameters["scoring"], data.task, data.n_classes)
        asked = [name for name in scoring.scorers if name not in scoring.user_defined]
        if isinstance(parameters["scoring"], Mapping):
            asked = [parameters["scoring"][name] for name in asked]
    if isinstance(parameters["eval_metric"], str) and parameters["eval_metric"] != "loss":
        asked.append(parameters["eval_metric"])
    misfits = (scorer_problem(name, data.task, data.n_classes) for name in dict.fromkeys(asked))
    return [misfit for misfit in misfits if misfit is not None]

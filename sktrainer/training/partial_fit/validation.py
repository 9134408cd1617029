"""Validation of the first chunk, and of later chunks against the first one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import is_regressor

from sktrainer.backends.estimators import EstimatorParts, unwrap_pipeline
from sktrainer.data.inputs import validate_inputs
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.runtime.seeds import root_seed
from sktrainer.scoring.predictor import Predictor
from sktrainer.training.parameters import parameter_problems
from sktrainer.training.partial_fit.state import (
    PartialFitInputs,
    PartialFitState,
    column_decisions,
)
from sktrainer.training.plan import FitPlan, make_plan
from sktrainer.training.validation import effective_params, validate
from sktrainer.types import Array, FitData, PreparedData

__all__ = [
    "FIT_ONLY_PARAMS",
    "check_class_weight",
    "validate_first_chunk",
    "validate_next_chunk",
]


FIT_ONLY_PARAMS: dict[str, Any] = {
    "split": "auto",
    "time_column": None,
    "test_size": None,
    "validation_size": "auto",
    "cv": None,
    "early_stopping": "auto",
    "refit": False,
}


def validate_first_chunk(
    parameters: Mapping[str, Any], estimator: Any, chunk: PartialFitInputs
) -> tuple[EstimatorParts, FitPlan, FitData]:
    """Validate parameters, estimator and first chunk, and build the recipe of the fit."""
    raw = chunk.raw(classes=chunk.classes)
    # Invalid values of ignored parameters are reported too, before the defaults replace them.
    if parameter_problems(parameters):
        validate(parameters, estimator, raw)  # raises, together with problems of the chunk
    parameters = effective_params({**parameters, **FIT_ONLY_PARAMS}, estimator, chunk.X)
    names_classes = chunk.classes is not None and parameters["task"] == "auto"
    if names_classes and not is_regressor(unwrap_pipeline(estimator).model):
        parameters = {**parameters, "task": "classification"}
    parts, data = validate(parameters, estimator, raw)
    seed = root_seed(parameters["random_state"])
    plan = make_plan(parameters, parts, data, seed).without_early_stopping()
    drawn = [step for _, step in parts.steps if hasattr(step, "fit_resample")]
    method, weights = plan.steps.imbalance, ["class_weight"]
    weights += ["auto"] if plan.steps.weights else []
    if method is not None and not (isinstance(method, str) and method in weights):
        drawn.append(method)
    if drawn:
        raise ParameterError([_sampling_problem(method) for method in drawn])
    return parts, plan, data


def _sampling_problem(method: Any) -> str:
    name = type(method).__name__
    if isinstance(method, str):
        name = f"handle_imbalance={method!r}"
    return (
        f"{name} resamples rows, which partial_fit does not support because a chunk may lack a "
        "class. Use handle_imbalance='class_weight' if the model supports sample weights (they "
        "are computed on the first chunk), or None."
    )


def check_class_weight(prepared: PreparedData, data: FitData) -> None:
    """Raise an error if class weights are used and the first chunk lacks a class."""
    if prepared.class_weight is None or data.classes is None:
        return
    missing = np.flatnonzero(np.asarray(prepared.class_counts["before"]) == 0)
    if len(missing):
        raise InputError(
            "class weights are computed on the first chunk, which has no row of "
            f"{data.classes.tolist()[missing[0]]!r}. Start with a chunk that contains every "
            "class, or leave out handle_imbalance."
        )


def validate_next_chunk(
    chunk: PartialFitInputs, fitted: Predictor, stream: PartialFitState
) -> FitData:
    """Validate a later chunk; `y` of the result holds positions in the known classes."""
    samplers = [s for _, s in fitted.pipeline.steps if hasattr(s, "fit_resample")]
    problems = [_sampling_problem(sampler) for sampler in samplers]
    known, tabular = None, bool(column_decisions(fitted.pipeline.steps))
    if fitted.classes is not None:
        known = fitted.classes[fitted.class_codes]
        problems += _classes_problems(chunk.classes, fitted.classes)
    data = None
    try:
        data = validate_inputs(
            chunk.raw(tabular=tabular, classes=known), fitted.task, fitted.model
        )
    except InputError as error:
        problems += error.problems
    else:
        problems += stream.schema.problems(data.X)
        if data.y.shape[1:] != stream.outputs:
            problems.append(
                f"the number of columns of y must stay {_n_outputs(stream.outputs)}, got "
                f"{_n_outputs(data.y.shape[1:])}. Pass the same targets in every chunk."
            )
    if problems or data is None:
        raise InputError(problems)
    return data


def _n_outputs(outputs: tuple[int, ...]) -> int:
    return outputs[0] if outputs else 1


def _classes_problems(classes: Any, before: Array) -> list[str]:
    named = before.tolist() if classes is None else np.ravel(classes).tolist()
    if set(named) == set(before.tolist()):
        return []
    problem = (
        f"classes must be those of the first call, {before.tolist()!r}, got {named!r}. Leave "
        "it out after the first call."
    )
    return [problem]

"""Validation of the first chunk, and of later chunks against the first one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import is_regressor

from sktrainer.anatomy import Anatomy, dissect
from sktrainer.checking import check_all, for_the_network_alone
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.incremental.stream import Chunk, Stream, decisions_in
from sktrainer.parameters import parameter_problems
from sktrainer.recipe import Recipe, make_recipe
from sktrainer.results.fitted import FittedModel
from sktrainer.running.seeding import root_seed
from sktrainer.stages.checks import check_data
from sktrainer.types import Array, CheckedData, Prepared

__all__ = ["OF_FIT_ALONE", "check_class_weight", "check_first", "check_next"]

OF_FIT_ALONE: dict[str, Any] = {
    "split": "auto",
    "time_column": None,
    "test_size": None,
    "validation_size": "auto",
    "cv": None,
    "early_stopping": "auto",
    "refit": False,
}
"""Parameters that `partial_fit` ignores, with their defaults."""


def check_first(
    parameters: Mapping[str, Any], estimator: Any, chunk: Chunk
) -> tuple[Anatomy, Recipe, CheckedData]:
    """Validate parameters, estimator and first chunk, and build the recipe of the fit."""
    raw = chunk.raw(classes=chunk.classes)
    # Invalid values of ignored parameters are reported too, before the defaults replace them.
    if parameter_problems(parameters):
        check_all(parameters, estimator, raw)  # raises, together with problems of the chunk
    parameters = for_the_network_alone({**parameters, **OF_FIT_ALONE}, estimator, chunk.X)
    names_classes = chunk.classes is not None and parameters["task"] == "auto"
    if names_classes and not is_regressor(dissect(estimator).model):
        parameters = {**parameters, "task": "classification"}
    anatomy, data = check_all(parameters, estimator, raw)
    seed = root_seed(parameters["random_state"])
    recipe = make_recipe(parameters, anatomy, data, seed).without_stopping()
    drawn = [step for _, step in anatomy.steps if hasattr(step, "fit_resample")]
    method, weights = recipe.steps.imbalance, ["class_weight"]
    weights += ["auto"] if recipe.steps.weights else []
    if method is not None and not (isinstance(method, str) and method in weights):
        drawn.append(method)
    if drawn:
        raise ParameterError([_sampling_problem(method) for method in drawn])
    return anatomy, recipe, data


def _sampling_problem(method: Any) -> str:
    name = type(method).__name__
    if isinstance(method, str):
        name = f"handle_imbalance={method!r}"
    return (
        f"{name} resamples rows, which partial_fit does not support because a chunk may lack a "
        "class. Use handle_imbalance='class_weight' if the model supports sample weights (they "
        "are computed on the first chunk), or None."
    )


def check_class_weight(prepared: Prepared, data: CheckedData) -> None:
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


def check_next(chunk: Chunk, fitted: FittedModel, stream: Stream) -> CheckedData:
    """Validate a later chunk; `y` of the result holds positions in the known classes."""
    samplers = [s for _, s in fitted.pipeline.steps if hasattr(s, "fit_resample")]
    problems = [_sampling_problem(sampler) for sampler in samplers]
    known, tabular = None, bool(decisions_in(fitted.pipeline.steps))
    if fitted.classes is not None:
        known = fitted.classes[fitted.class_codes]
        problems += _classes_problems(chunk.classes, fitted.classes)
    data = None
    try:
        data = check_data(chunk.raw(tabular=tabular, classes=known), fitted.task, fitted.model)
    except InputError as error:
        problems += error.problems
    else:
        problems += stream.schema.problems(data.X)
        if data.y.shape[1:] != stream.outputs:
            problems.append(
                f"the number of columns of y must stay {_width(stream.outputs)}, got "
                f"{_width(data.y.shape[1:])}. Pass the same targets in every chunk."
            )
    if problems or data is None:
        raise InputError(problems)
    return data


def _width(outputs: tuple[int, ...]) -> int:
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

"""Validation of the first chunk, and of later chunks against the first one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sktrainer.data.inputs import FitInputs, validate_inputs
from sktrainer.data.metadata import ProblemList
from sktrainer.exceptions import InputError
from sktrainer.scoring.predictor import Predictor
from sktrainer.training.partial_fit.state import PartialFitState, column_decisions
from sktrainer.training.tags import supports_multi_output
from sktrainer.training.validation import resampling_problem
from sktrainer.types import Array, FitData, PreparedData


def check_class_weight(prepared: PreparedData, data: FitData) -> None:
    """Raise an error if class weights are used and the first chunk lacks a class."""
    if prepared.summary.class_weight is None or data.classes is None:
        return
    missing = np.flatnonzero(np.asarray(prepared.summary.class_counts["before"]) == 0)
    if len(missing):
        raise InputError(
            "class weights are computed on the first chunk, which has no row of "
            f"{data.classes.tolist()[missing[0]]!r}. Start with a chunk that contains every "
            "class, or leave out handle_imbalance."
        )


def validate_next_chunk(
    inputs: FitInputs, predictor: Predictor, state: PartialFitState
) -> FitData:
    """Validate a later chunk; `y` of the result holds positions in the known classes."""
    steps, known = predictor.pipeline.steps, None
    problems = ProblemList(
        resampling_problem(step) for _, step in steps if hasattr(step, "fit_resample")
    )
    if predictor.decoded is not None:
        known = predictor.classes_[predictor.decoded.class_codes]
        problems += _classes_problems(inputs.classes, predictor.classes_)
    inputs = replace(
        inputs,
        tabular=bool(column_decisions(steps)),
        classes=known,
        multi_output=supports_multi_output(predictor.model),
    )
    data = None
    with problems.collect():
        data = validate_inputs(inputs, predictor.task, predictor.model)
    if data is not None:
        problems += state.schema.problems(data.X)
        if data.y.shape[1:] != state.outputs:
            problems.append(
                f"the number of columns of y must stay {_n_outputs(state.outputs)}, got "
                f"{_n_outputs(data.y.shape[1:])}. Pass the same targets in every chunk."
            )
    if problems or data is None:
        raise InputError(problems)
    return data


def _n_outputs(outputs: tuple[int, ...]) -> int:
    return outputs[0] if outputs else 1


def _classes_problems(classes: npt.ArrayLike | None, before: Array) -> list[str]:
    named = before.tolist() if classes is None else np.ravel(classes).tolist()
    if set(named) == set(before.tolist()):
        return []
    problem = (
        f"classes must be those of the first call, {before.tolist()!r}, got {named!r}. Leave "
        "it out after the first call."
    )
    return [problem]

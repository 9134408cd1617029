"""A fitted trainer as one ONNX file, compared with the trainer before it is put in place."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from sktrainer._optional import require
from sktrainer.encoding.table_encoder import TableEncoder
from sktrainer.exceptions import DataWarning, InputError
from sktrainer.results.fitted import FittedModel
from sktrainer.running.files import written_whole
from sktrainer.storage.onnx.answers import add_classes, add_numbers, facts_of, labels_of
from sktrainer.storage.onnx.canvas import Canvas
from sktrainer.storage.onnx.comparing import compare, run, with_gaps
from sktrainer.storage.onnx.fronts import (
    Feed,
    Value,
    encoded_by,
    feeds_of,
    planned_feeds,
)
from sktrainer.storage.onnx.models import add_model, add_step, model_problems
from sktrainer.types import Array

__all__ = ["write_onnx"]

_PACKAGES = ("onnx", "skl2onnx", "onnxmltools", "onnxruntime")


def write_onnx(trainer: Any, path: str | os.PathLike[str], X: Any) -> Path:
    """Write a fitted trainer as ONNX, whole or not at all.

    Parameters
    ----------
    trainer : ManagedTrainer
        Fitted.
    path : path-like
        Ends in ".onnx".
    X : array-like of shape (n_samples, n_features)
        Rows on which the file is compared with the trainer.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        A step or the model cannot be converted, or predicts something else.
    ImportError
        A package of the extra `onnx` is not installed.
    """
    target = Path(path)
    if target.suffix != ".onnx":
        raise InputError(f"the file must end in .onnx, got {target.name!r}")
    for package in _PACKAGES:
        require(package, "onnx")
    fitted = trainer._fitted
    if isinstance(X, dict) or fitted.inputs is not None:
        raise InputError("to_onnx takes tables and arrays of numbers, not dicts of arrays")
    X = fitted.taken(X)
    expected = trainer.predict(_head(X))  # X that is refused, is refused in the usual words
    steps = _steps(fitted)
    feeds = _feeds(fitted, steps, X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of converters, about what is compared below
        content = _content(trainer, steps, feeds, X, expected)
        doubt = _doubt(trainer, X, content, feeds)
    with written_whole(target) as part:
        part.write_bytes(content)
    if doubt:
        warnings.warn(doubt, DataWarning, stacklevel=3)
    return target


def _content(
    trainer: Any, steps: list[tuple[str, Any]], feeds: list[Feed], X: Any, expected: Any
) -> bytes:
    """Return the file's bytes, once what comes out of them is what the trainer says."""

    def made(wide: bool) -> bytes:
        canvas = Canvas()
        _fill(canvas, trainer, steps, feeds, X, expected, wide)
        content: bytes = canvas.model(facts_of(trainer._fitted)).SerializeToString()
        compare(trainer, X, run(content, _cells(feeds, X)))
        return content

    if all(isinstance(step, TableEncoder) for _, step in steps):
        return made(wide=False)
    try:  # in double precision, as scikit-learn counts, which not every operator knows
        return made(wide=True)
    except InputError:
        return made(wide=False)


def _cells(feeds: list[Feed], X: Any) -> dict[str, Array]:
    return {feed.name: feed.cells(X) for feed in feeds}


def _doubt(trainer: Any, X: Any, content: bytes, feeds: list[Feed]) -> str | None:
    """Say whether rows with missing cells, of which X may have none, come out otherwise."""
    rows = with_gaps(X)
    try:
        if rows is None:
            return None
        trainer.predict(rows)
    except Exception:
        return None  # nor does the trainer take them
    try:
        compare(trainer, rows, run(content, _cells(feeds, rows)))
    except InputError as error:
        return (
            "the exported model is for rows without missing cells: with some put into X, "
            f"{error.problems[0].partition('; nothing was written')[0]}"
        )
    return None


def _steps(fitted: FittedModel) -> list[tuple[str, Any]]:
    return [
        (name, step)
        for name, step in fitted.pipeline.steps[:-1]
        if step != "passthrough" and hasattr(step, "transform")
    ]


def _feeds(fitted: FittedModel, steps: list[tuple[str, Any]], X: Any) -> list[Feed]:
    """Choose the inputs, and say at once all that can be told to be in the way."""
    problems, feeds = model_problems(fitted.model), []
    encoded = bool(steps) and isinstance(steps[0][1], TableEncoder)
    try:
        feeds = planned_feeds(steps[0][1], X) if encoded else feeds_of(X)
    except InputError as error:
        problems += error.problems
    if fitted.task == "classification":
        try:
            labels_of(fitted)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return feeds


def _head(X: Any) -> Any:
    """Return two rows of X, which tell how wide it is after each step."""
    if not getattr(X, "shape", ()):
        raise InputError(
            f"to_onnx needs X as a table or a two-dimensional array, got {type(X).__name__}"
        )
    if not X.shape[0]:
        raise InputError("to_onnx needs rows to compare the file on, got none")
    return _safe_indexing(X, np.arange(min(2, X.shape[0])))


def _fill(
    canvas: Canvas,
    trainer: Any,
    steps: list[tuple[str, Any]],
    feeds: list[Feed],
    X: Any,
    expected: Any,
    wide: bool,
) -> None:
    fitted: FittedModel = trainer._fitted
    values = [feed.declared(canvas) for feed in feeds]
    names, rows = [feed.name for feed in feeds], _head(X)
    for position, (name, step) in enumerate(steps):
        if isinstance(step, TableEncoder):
            if position:  # what it would read is not the columns of X
                raise InputError(
                    f"step {name!r} (TableEncoder) follows another step, which to_onnx does "
                    "not export; put it first"
                )
            value = encoded_by(canvas, step, values, rows)
        else:
            inputs = dict(zip(names, values, strict=True))
            value = add_step(canvas, name, step, inputs, wide=wide)
        rows = step.transform(rows)
        values, names = [Value(value.name, value.kind, rows.shape[1])], ["X"]
    classifier = fitted.task == "classification"
    exact = all(isinstance(step, TableEncoder) for _, step in steps)
    answers = add_model(canvas, fitted.model, values, classifier=classifier, exact=exact)
    if classifier:
        has_proba = hasattr(trainer, "predict_proba")
        add_classes(canvas, answers, fitted, probabilities=has_proba)
    else:
        add_numbers(canvas, answers, expected.shape[1] if expected.ndim == 2 else None)

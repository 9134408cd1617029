"""Export of a fitted trainer to ONNX, with a check that the predictions agree."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from sktrainer._optional import require
from sktrainer.exceptions import DataWarning, InputError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.paths import as_path
from sktrainer.preprocessing.model_input import ModelInput
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.scoring.predictor import Predictor
from sktrainer.serialization.onnx.graph_builder import GraphBuilder
from sktrainer.serialization.onnx.inputs import (
    GraphValue,
    InputSpec,
    add_encoder,
    array_inputs,
    encoder_inputs,
)
from sktrainer.serialization.onnx.models import add_model, add_step, model_problems
from sktrainer.serialization.onnx.outputs import (
    add_class_outputs,
    add_regression_outputs,
    model_metadata,
    onnx_labels,
)
from sktrainer.serialization.onnx.parity_check import (
    compare_outputs,
    run_onnx,
    with_missing_values,
)
from sktrainer.types import Array

_PACKAGES = ("onnx", "skl2onnx", "onnxmltools", "onnxruntime")


def write_onnx(trainer: Any, path: str | os.PathLike[str], X: Any) -> Path:
    """Write a fitted trainer as an ONNX file, atomically.

    The parameters are those of `ManagedTrainer.to_onnx`.

    Raises
    ------
    InputError
        If a step or the model cannot be converted, or the predictions differ.
    ImportError
        If a package of the extra `onnx` is not installed.

    Warns
    -----
    DataWarning
        If the predictions differ for rows with missing values.
    """
    target = as_path(path)
    if target.suffix != ".onnx":
        raise InputError(f"the file must end in .onnx, got {target.name!r}")
    for package in _PACKAGES:
        require(package, "onnx")
    fitted = trainer._predictor
    if fitted.decoded is not None and fitted.decoded.threshold is not None:
        raise InputError(
            f"ONNX files do not hold the tuned threshold {fitted.decoded.threshold:.4g} and "
            "would predict other labels. Fit the trainer again to reset it, and compare the "
            "probabilities of the ONNX model with the threshold yourself"
        )
    if isinstance(X, dict) or fitted.inputs is not None:
        raise InputError("X must be a table or a numeric array, got a dict of arrays")
    X = fitted.align(X)
    expected = trainer.predict(_two_rows(X))  # raises the usual errors for an invalid X
    steps = _steps(fitted)
    feeds = _feeds(fitted, steps, X)
    with warnings.catch_warnings():
        # Converters warn of possible differences, which the comparison below detects.
        warnings.simplefilter("ignore")
        content = _content(trainer, steps, feeds, X, expected)
        doubt = _missing_value_warning(trainer, X, content, feeds)
    with atomic_write(target) as part:
        part.write_bytes(content)
    if doubt:
        warnings.warn(doubt, DataWarning, stacklevel=3)
    return target


def _content(
    trainer: Any, steps: list[tuple[str, Any]], feeds: list[InputSpec], X: Any, expected: Array
) -> bytes:
    """Return the bytes of an ONNX model whose predictions agree with the trainer."""

    def made(wide: bool) -> bytes:
        graph = GraphBuilder()
        _fill(graph, trainer, steps, feeds, X, expected, wide)
        content: bytes = graph.model(model_metadata(trainer._predictor)).SerializeToString()
        compare_outputs(trainer, X, run_onnx(content, _input_values(feeds, X)))
        return content

    if all(isinstance(step, TableEncoder) for _, step in steps):
        return made(wide=False)
    # scikit-learn's steps compute in double precision, which some ONNX operators lack.
    try:
        return made(wide=True)
    except InputError:
        return made(wide=False)


def _input_values(feeds: list[InputSpec], X: Any) -> dict[str, Array]:
    return {feed.name: feed.cells(X) for feed in feeds}


def _missing_value_warning(
    trainer: Any, X: Any, content: bytes, feeds: list[InputSpec]
) -> str | None:
    """Return a warning if predictions differ once missing values are inserted, else None."""
    rows = with_missing_values(X)
    try:
        if rows is None:
            return None
        trainer.predict(rows)
    except Exception:
        return None  # the trainer does not support missing values either
    try:
        compare_outputs(trainer, rows, run_onnx(content, _input_values(feeds, rows)))
    except InputError as error:
        # The end of that message is wrong here: the file is written with a warning.
        return (
            "use the exported model only for rows without missing values: with some values "
            f"of X missing, {error.problems[0].partition('; nothing was written')[0]}"
        )
    return None


def _steps(fitted: Predictor) -> list[tuple[str, Any]]:
    return [
        (name, step)
        for name, step in fitted.pipeline.steps[:-1]
        # The values of a dense table are not changed by ModelInput.
        if hasattr(step, "transform") and not isinstance(step, ModelInput)
    ]


def _feeds(fitted: Predictor, steps: list[tuple[str, Any]], X: Any) -> list[InputSpec]:
    """Return the inputs of the file, or raise one error with all obstacles known so far."""
    problems, feeds = model_problems(fitted.model), []
    encoded = bool(steps) and isinstance(steps[0][1], TableEncoder)
    try:
        feeds = encoder_inputs(steps[0][1], X) if encoded else array_inputs(X)
    except InputError as error:
        problems += error.problems
    if fitted.task == "classification":
        try:
            onnx_labels(fitted.classes)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return feeds


def _two_rows(X: Any) -> Any:
    """Return two rows of X, which are used to find the number of columns after each step."""
    if not getattr(X, "shape", ()):
        raise InputError(
            f"X must be a table or a two-dimensional array, got {type(X).__name__}"
        )
    if not X.shape[0]:
        raise InputError("X has no rows; to_onnx needs some to compare the predictions")
    return _safe_indexing(X, np.arange(min(2, X.shape[0])))


def _fill(
    graph: GraphBuilder,
    trainer: Any,
    steps: list[tuple[str, Any]],
    feeds: list[InputSpec],
    X: Any,
    expected: Array,
    wide: bool,
) -> None:
    fitted: Predictor = trainer._predictor
    values = [feed.declared(graph) for feed in feeds]
    names, rows = [feed.name for feed in feeds], _two_rows(X)
    for position, (name, step) in enumerate(steps):
        if isinstance(step, TableEncoder):
            if position:  # the inputs of the file are the columns of X
                raise InputError(
                    f"step {name!r} (TableEncoder) follows another step, which to_onnx does "
                    "not support; make it the first step"
                )
            value = add_encoder(graph, step, values, rows)
        else:
            inputs = dict(zip(names, values, strict=True))
            value = add_step(graph, name, step, inputs, wide=wide)
        rows = step.transform(rows)
        values, names = [GraphValue(value.name, value.kind, rows.shape[1])], ["X"]
    classifier = fitted.task == "classification"
    exact = all(isinstance(step, TableEncoder) for _, step in steps)
    outputs = add_model(graph, fitted.model, values, classifier=classifier, exact=exact)
    if classifier:
        has_proba = hasattr(trainer, "predict_proba")
        assert fitted.decoded is not None
        add_class_outputs(graph, outputs, fitted.decoded, probabilities=has_proba)
    else:
        add_regression_outputs(
            graph, outputs, expected.shape[1] if expected.ndim == 2 else None
        )

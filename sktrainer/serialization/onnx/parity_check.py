"""Comparison of the predictions of an exported model with those of the trainer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.exceptions import InputError
from sktrainer.types import Array

#: Tolerance for float32 rounding: relative to the value, and to the largest value.
RELATIVE, ABSOLUTE = 1e-4, 1e-5

#: Number of rows that are compared with inserted missing values.
MOST_GAPS = 1000


def run_onnx(content: bytes, feeds: dict[str, Array]) -> dict[str, Array]:
    """Run an ONNX model on the CPU and return its outputs by name.

    Raises
    ------
    InputError
        If onnxruntime cannot run the model on these rows.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # fatal only; errors raise an exception
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, feeds), strict=True))
    except Exception as error:
        raise InputError(
            f"onnxruntime cannot run the exported model: {error}; nothing was written. Save "
            'the trainer as a ".skt" file instead'
        ) from error


@dataclass(frozen=True)
class Difference:
    """Rows that differ by more than rounding, largest difference, and largest tolerance."""

    rows: Array
    largest: float
    allowed: float


def compare_outputs(trainer: Any, X: Any, outputs: dict[str, Array]) -> None:
    """Compare the outputs of an exported model with the predictions of the trainer for X.

    `outputs` has "prediction"; or "label" and, if the model supports it, "probabilities".

    Raises
    ------
    InputError
        If they differ by more than float32 rounding explains.
    """
    found = {name.rstrip("_"): values for name, values in outputs.items()}
    if "prediction" in found:
        _refuse("predictions", _difference(found["prediction"], trainer.predict(X)))
        return
    close = np.zeros(len(found["label"]), dtype=bool)
    if "probabilities" in found:
        expected = trainer.predict_proba(X)
        difference = _difference(found["probabilities"], expected)
        _refuse("probabilities", difference)
        # Rounding may decide between two classes of equal probability.
        close = _tied(expected, RELATIVE + ABSOLUTE)
    differs = (np.asarray(found["label"]) != np.asarray(trainer.predict(X))) & ~close
    if differs.any():
        raise InputError(
            f"the exported model and the trainer predict different classes in "
            f"{int(differs.sum())} of {len(differs)} rows (the first: row "
            f"{int(np.argmax(differs))}); nothing was written. The converter does not "
            "reproduce this model: use another model, or save the trainer as a "
            '".skt" file'
        )


def _difference(got: Array, expected: Any) -> Difference:
    got = np.asarray(got, dtype=np.float64)
    expected = np.asarray(expected, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        gaps = np.abs(got - expected)
        gaps = np.where((got == expected) | (np.isnan(got) & np.isnan(expected)), 0.0, gaps)
    largest = float(np.nanmax(np.abs(expected), initial=0.0))
    allowed = ABSOLUTE * largest + RELATIVE * np.abs(expected)
    beyond = ~(gaps <= allowed)  # unlike `gaps > allowed`, this is True for NaN
    rows = beyond if beyond.ndim == 1 else beyond.any(axis=1)
    return Difference(rows, float(np.max(gaps, initial=0.0)), float(np.max(allowed, initial=0)))


def _refuse(what: str, difference: Difference) -> None:
    if not difference.rows.any():
        return
    raise InputError(
        f"the {what} of the exported model differ from the trainer's in "
        f"{int(difference.rows.sum())} of {len(difference.rows)} rows, by up to "
        f"{difference.largest:.3g} (rounding to float32 explains {difference.allowed:.1g}); "
        "nothing was written. Either the converter does not reproduce this model, or a tree "
        "splits between values that are equal in float32, as can happen after a scaler: "
        "remove the scaler, fit on X rounded to float32, use another model, or save the "
        'trainer as a ".skt" file'
    )


def _tied(probabilities: Array, within: float) -> Array:
    """Return a mask of the rows whose two highest probabilities are equal up to rounding."""
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), dtype=bool)
    ordered = np.sort(probabilities, axis=1)
    tied: Array = ordered[:, -1] - ordered[:, -2] <= within
    return tied


def with_missing_values(X: Any) -> Any:
    """Return rows of X with every seventh value missing, or None if X cannot have such."""
    if isinstance(X, pd.DataFrame):
        frame = X.iloc[:MOST_GAPS]
        return frame.mask(_every_seventh(frame.shape))
    if not isinstance(X, np.ndarray) or X.dtype.kind != "f":
        return None
    rows = X[:MOST_GAPS]
    return np.where(_every_seventh(rows.shape), np.nan, rows)


def _every_seventh(shape: tuple[int, ...]) -> Array:
    cells: Array = np.arange(shape[0] * shape[1]).reshape(shape)
    # Shift by one per row. Otherwise, with a multiple of seven columns, the missing values
    # would always be in the same columns.
    gaps: Array = (cells + cells // shape[1]) % 7 == 0
    return gaps

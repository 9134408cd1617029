"""The predictions of an exported model beside those of the trainer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.exceptions import InputError
from sktrainer.types import Array

__all__ = ["compare", "run", "with_gaps"]

#: What float32 may explain: of the number itself, and of the largest of all.
RELATIVE, ABSOLUTE = 1e-4, 1e-5
#: Rows that are predicted with missing cells put in.
MOST_GAPS = 1000


def run(content: bytes, feeds: dict[str, Array]) -> dict[str, Array]:
    """Run a model on the CPU and return its outputs by name.

    Raises
    ------
    InputError
        onnxruntime refuses the model or the rows.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong comes as an exception
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, feeds), strict=True))
    except Exception as error:
        raise InputError(
            f"onnxruntime does not run what was made of this trainer: {error}; nothing was "
            'written. Save the trainer as a ".skt" file'
        ) from error


@dataclass(frozen=True)
class Difference:
    """How far two arrays are apart: rows beyond rounding, and the largest difference."""

    rows: Array
    largest: float
    allowed: float


def compare(trainer: Any, X: Any, outputs: dict[str, Array]) -> None:
    """Compare what the file gives with what the trainer gives for X.

    Parameters
    ----------
    trainer : ManagedTrainer
    X : array-like of shape (n_samples, n_features)
    outputs : dict of str to ndarray
        "prediction", or "label" and, where the model has them, "probabilities".

    Raises
    ------
    InputError
        They differ by more than float32 explains.
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
        close = _tied(expected, RELATIVE + ABSOLUTE)
    differs = (np.asarray(found["label"]) != np.asarray(trainer.predict(X))) & ~close
    if differs.any():
        raise InputError(
            f"the exported model predicts another class than the trainer in "
            f"{int(differs.sum())} of {len(differs)} rows (the first: row "
            f"{int(np.argmax(differs))}); nothing was written. Its converter does not do what "
            'the model does: take another model, or save the trainer as a ".skt" file'
        )


def _difference(got: Array, expected: Any) -> Difference:
    got = np.asarray(got, dtype=np.float64)
    expected = np.asarray(expected, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        gaps = np.abs(got - expected)
        gaps = np.where((got == expected) | (np.isnan(got) & np.isnan(expected)), 0.0, gaps)
    largest = float(np.nanmax(np.abs(expected), initial=0.0))
    allowed = ABSOLUTE * largest + RELATIVE * np.abs(expected)
    beyond = ~(gaps <= allowed)
    rows = beyond if beyond.ndim == 1 else beyond.any(axis=1)
    return Difference(rows, float(np.max(gaps, initial=0.0)), float(np.max(allowed, initial=0)))


def _refuse(what: str, difference: Difference) -> None:
    if not difference.rows.any():
        return
    raise InputError(
        f"{what} of the exported model differ from the trainer's in "
        f"{int(difference.rows.sum())} of {len(difference.rows)} rows, by up to "
        f"{difference.largest:.3g} (rounding to float32 explains {difference.allowed:.1g}); "
        "nothing was written. Either its converter does not do what the model does, or the "
        "model splits values that float32 cannot tell apart, as trees do behind a scaler: "
        "leave the scaler out, fit on X rounded to float32, take another model, or save the "
        'trainer as a ".skt" file'
    )


def _tied(probabilities: Array, within: float) -> Array:
    """Tell which rows have two classes that are likeliest, up to rounding."""
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), dtype=bool)
    ordered = np.sort(probabilities, axis=1)
    tied: Array = ordered[:, -1] - ordered[:, -2] <= within
    return tied


def with_gaps(X: Any) -> Any:
    """Return some rows of X with every seventh cell missing, None where X has no room for it.

    Whether a file treats missing cells as the trainer does shows only where there are some.
    """
    if isinstance(X, pd.DataFrame):
        frame = X.iloc[:MOST_GAPS]
        return frame.mask(_every_seventh(frame.shape))
    if not isinstance(X, np.ndarray) or X.dtype.kind != "f":
        return None
    rows = X[:MOST_GAPS]
    return np.where(_every_seventh(rows.shape), np.nan, rows)


def _every_seventh(shape: tuple[int, ...]) -> Array:
    cells: Array = np.arange(shape[0] * shape[1]).reshape(shape)
    # Columns of a multiple of seven would all have theirs in one row.
    gaps: Array = (cells + cells // shape[1]) % 7 == 0
    return gaps

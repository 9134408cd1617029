"""Repeat a fit from its records and compare the results."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.checkpoints.schedule import as_checkpoint
from sktrainer.data.fingerprint.differences import fingerprint_differences
from sktrainer.data.fingerprint.fingerprint import Fingerprint, fingerprint_inputs
from sktrainer.data.named_columns import pop_columns
from sktrainer.exceptions import InputError, SktrainerWarning
from sktrainer.reporting.text import label_lines
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.training.provenance import describe_params, library_versions
from sktrainer.types import Array

MOST_SHOWN = 8
IGNORED_PARAMS = frozenset({"checkpoint", "verbose", "n_jobs", "random_state"})


@dataclass(frozen=True)
class Verification:
    """Differences between a fit and its repetition; true if there are none.

    Attributes
    ----------
    data : tuple of str
        Differences between the data passed now and the data of the fit.
    parameters : tuple of str
        Parameters that were changed since the fit.
    versions : tuple of str
        Libraries that have another version now.
    predictions : str
        Difference between the predictions; empty if they are bit-identical.
    largest_difference : float or None
        Largest absolute difference between predictions (probabilities, decision values or
        numbers). None if they could not be compared.
    n_rows : int
        Number of rows that were predicted.
    """

    data: tuple[str, ...]
    parameters: tuple[str, ...]
    versions: tuple[str, ...]
    predictions: str
    largest_difference: float | None
    n_rows: int

    def __bool__(self) -> bool:
        return not (self.data or self.parameters or self.versions or self.predictions)

    def __str__(self) -> str:
        rows = [
            ("Data", _join_lines(self.data) or "identical"),
            ("Parameters", _join_lines(self.parameters) or "identical"),
            ("Versions", _join_lines(self.versions) or "identical"),
            ("Predictions", self.predictions or f"bit-identical on {self.n_rows:,} rows"),
        ]
        return f"{'Verified' if self else 'Not reproduced'}\n{label_lines(rows)}"

    def __repr__(self) -> str:
        return f"<Verification: {self}>".replace("\n", "\n  ")


def _join_lines(lines: tuple[str, ...]) -> str:
    shown = list(lines[:MOST_SHOWN])
    if len(lines) > MOST_SHOWN:
        shown.append(f"{len(lines) - MOST_SHOWN:,} more")
    return "; ".join(shown)


def verify(trainer: Any, X: Any, y: Any, others: Mapping[str, Any]) -> Verification:
    """Compare data, parameters and versions with the record, then repeat the fit.

    The fit uses the current parameters of the trainer and the recorded seed. The trainer is not
    modified. `others` are the other arguments that were passed to `fit`.

    Raises
    ------
    InputError
        If the trainer was trained with `partial_fit`, whose chunks are not known.
    """
    if trainer.stop_reason_ == "partial_fit":
        raise InputError(
            "verify repeats a fit, but the model was trained with partial_fit. To repeat that, "
            "call partial_fit on a clone with the same chunks, and compare the predictions"
        )
    try:
        data = _data_differences(trainer, fingerprint_inputs(X, y, **others))
    except InputError as error:
        data = (str(error),)
    predictions, largest, n_rows = _predictions(trainer, X, y, others)
    return Verification(
        data=data,
        parameters=_parameter_differences(trainer),
        versions=_version_differences(trainer),
        predictions=predictions,
        largest_difference=largest,
        n_rows=n_rows,
    )


def _data_differences(trainer: Any, now: Fingerprint) -> tuple[str, ...]:
    before = getattr(trainer, "fingerprint_", None)
    if before is None:
        return ("the fit recorded no fingerprint",)
    return tuple(fingerprint_differences(before, now))


def _parameter_differences(trainer: Any) -> tuple[str, ...]:
    own = trainer.get_params(deep=False)
    for name in ("callbacks", "trackers"):  # they are no part of the record
        own.pop(name, None)
    estimator = own.pop("estimator")
    now = describe_params(own, unwrap_pipeline(estimator))
    then = trainer.report_.parameters
    return tuple(
        f"{name} was {then.get(name, 'not set')}, is {now.get(name, 'not set')}"
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name) and name not in IGNORED_PARAMS
    )


def _version_differences(trainer: Any) -> tuple[str, ...]:
    then = trainer.report_.versions
    now = library_versions(then)
    return tuple(
        f"{name} was {version}, is {now.get(name, 'not installed')}"
        for name, version in then.items()
        if now.get(name) != version
    )


def _predictions(
    trainer: Any, X: Any, y: Any, others: Mapping[str, Any]
) -> tuple[str, float | None, int]:
    """Repeat the fit and describe how the predictions for X differ."""
    again = clone_estimator(trainer)
    again.set_params(random_state=trainer.report_.seeds["random_state"], verbose=0)
    try:
        table, _ = pop_columns(X, y=y)
        before = _model_outputs(trainer, table)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SktrainerWarning)  # the first fit has warned
            now = _model_outputs(_refit_clone(again, X, y, others), table)
    except Exception as error:  # data that differ from those of the fit may raise anything
        return f"not compared: {type(error).__name__}: {error}", None, 0
    if before.shape != now.shape:
        return f"shape was {before.shape}, is {now.shape}", None, len(before)
    # Compare bytes: `==` is false for NaN and true for 0.0 and -0.0.
    if before.dtype == now.dtype and before.tobytes() == now.tobytes():
        return "", 0.0, len(before)
    largest = _largest_difference(before, now)
    return f"largest difference {largest:.3g} in {len(before):,} rows", largest, len(before)


def _refit_clone(again: Any, X: Any, y: Any, others: Mapping[str, Any]) -> Any:
    """Fit; a checkpoint gets a new folder, because the old one holds the finished fit."""
    if again.checkpoint is None:
        return again.fit(X, y, **others)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = replace(as_checkpoint(again.checkpoint), folder=folder)
        return again.set_params(checkpoint=checkpoint).fit(X, y, **others)


def _model_outputs(trainer: Any, X: Any) -> Array:
    for method in ("predict_proba", "decision_function"):
        if hasattr(trainer, method):
            return np.asarray(getattr(trainer, method)(X))
    predicted = trainer.predict(X)
    if hasattr(trainer, "classes_"):  # positions of string labels can be subtracted
        predicted = np.searchsorted(trainer.classes_, predicted)
    return np.asarray(predicted)


def _largest_difference(before: Array, now: Array) -> float:
    apart = np.abs(before.astype(float) - now.astype(float))
    both_nan = np.isnan(before.astype(float)) & np.isnan(now.astype(float))
    return float(np.max(np.where(both_nan, 0.0, apart), initial=0.0))

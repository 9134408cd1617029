"""A fit done once more from what it recorded, and what came out the same."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sktrainer.anatomy import dissect
from sktrainer.checking import for_the_network_alone
from sktrainer.exceptions import InputError, SktrainerWarning
from sktrainer.receipt import parameter_texts
from sktrainer.results.text import labelled
from sktrainer.running.checkpoint import checkpoint_of
from sktrainer.running.cloning import clone_estimator
from sktrainer.running.resources import library_versions
from sktrainer.stages.checks import split_off_target
from sktrainer.storage.differences import differences
from sktrainer.storage.fingerprint import data_fingerprint
from sktrainer.types import Array

__all__ = ["Verification", "verify"]

MOST_SHOWN = 8
UNSEEN = frozenset({"verbose", "n_jobs", "random_state"})
"""Parameters that change no bit, and the seed, which is taken from the record."""


@dataclass(frozen=True)
class Verification:
    """What a fit and the same fit done anew have in common; true where that is all.

    Attributes
    ----------
    data : tuple of str
        A line for each thing in which the data differ from those of the fit.
    parameters : tuple of str
        Those that were changed since.
    versions : tuple of str
        Libraries of another version than then.
    predictions : str
        In what the predictions of the two differ; empty where they are the same to the bit.
    largest_difference : float or None
        Between two predictions (probabilities, decision values or numbers); None where they
        could not be compared.
    n_rows : int
        Rows that both predicted.
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
            ("Data", _listed(self.data) or "the same, every cell"),
            ("Parameters", _listed(self.parameters) or "the same"),
            ("Versions", _listed(self.versions) or "the same"),
            ("Predictions", self.predictions or f"the same to the bit, {self.n_rows:,} rows"),
        ]
        return f"{'Verified' if self else 'Not the same'}\n{labelled(rows)}"

    def __repr__(self) -> str:
        return f"<Verification: {self}>".replace("\n", "\n  ")


def _listed(lines: tuple[str, ...]) -> str:
    shown = list(lines[:MOST_SHOWN])
    if len(lines) > MOST_SHOWN:
        shown.append(f"{len(lines) - MOST_SHOWN:,} more")
    return "; ".join(shown)


def verify(trainer: Any, X: Any, y: Any, others: Mapping[str, Any]) -> Verification:
    """Compare data, parameters and versions with the record, then fit anew and predict.

    The fit is done with the parameters that the trainer has, and the seed that was used.

    Parameters
    ----------
    trainer : ManagedTrainer
        Fitted; it is not changed.
    X, y : array-like
    others : mapping of str to array-like
        What else was passed to `fit`.

    Returns
    -------
    Verification
    """
    try:
        data = _data_differences(trainer, data_fingerprint(X, y, **others))
    except InputError as error:
        data = (str(error),)
    predictions, largest, n_rows = _predictions(trainer, X, y, others)
    return Verification(
        data=data,
        parameters=_parameter_differences(trainer, X),
        versions=_version_differences(trainer),
        predictions=predictions,
        largest_difference=largest,
        n_rows=n_rows,
    )


def _data_differences(trainer: Any, now: Any) -> tuple[str, ...]:
    before = getattr(trainer, "fingerprint_", None)
    if before is None:
        return ("the fit has taken no fingerprint",)
    return tuple(differences(before, now))


def _parameter_differences(trainer: Any, X: Any) -> tuple[str, ...]:
    own = trainer.get_params(deep=False)
    estimator = own.pop("estimator")
    now = parameter_texts(for_the_network_alone(own, estimator, X), dissect(estimator))
    then = trainer.report_.parameters
    return tuple(
        f"{name} was {then.get(name, 'not there')}, is {now.get(name, 'not there')}"
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name) and name not in UNSEEN
    )


def _version_differences(trainer: Any) -> tuple[str, ...]:
    then = trainer.report_.versions
    now = library_versions(then)
    return tuple(
        f"{name} was {version}, is {now.get(name, 'not there')}"
        for name, version in then.items()
        if now.get(name) != version
    )


def _predictions(
    trainer: Any, X: Any, y: Any, others: Mapping[str, Any]
) -> tuple[str, float | None, int]:
    """Fit anew and say in what the predictions for the rows of X differ."""
    again = clone_estimator(trainer)
    again.set_params(random_state=trainer.report_.seeds["random_state"], verbose=0)
    try:
        table, _ = split_off_target(X, y)
        before = _answers(trainer, table)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SktrainerWarning)  # the first fit has told
            now = _answers(_fitted_anew(again, X, y, others), table)
    except Exception as error:  # of data that are not those of the fit, any may come
        return f"not compared: {type(error).__name__}: {error}", None, 0
    if before.shape != now.shape:
        return f"of shape {before.shape} then, {now.shape} now", None, len(before)
    if before.dtype == now.dtype and before.tobytes() == now.tobytes():
        return "", 0.0, len(before)
    largest = _largest_difference(before, now)
    return f"largest difference {largest:.3g} in {len(before):,} rows", largest, len(before)


def _fitted_anew(again: Any, X: Any, y: Any, others: Mapping[str, Any]) -> Any:
    """Fit; with a checkpoint in a new folder, as in the old one the fit would be found."""
    if again.checkpoint is None:
        return again.fit(X, y, **others)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = replace(checkpoint_of(again.checkpoint), folder=folder)
        return again.set_params(checkpoint=checkpoint).fit(X, y, **others)


def _answers(trainer: Any, X: Any) -> Array:
    for method in ("predict_proba", "decision_function"):
        if hasattr(trainer, method):
            return np.asarray(getattr(trainer, method)(X))
    predicted = trainer.predict(X)
    if hasattr(trainer, "classes_"):
        predicted = np.searchsorted(trainer.classes_, predicted)
    return np.asarray(predicted)


def _largest_difference(before: Array, now: Array) -> float:
    apart = np.abs(before.astype(float) - now.astype(float))
    both_nan = np.isnan(before.astype(float)) & np.isnan(now.astype(float))
    return float(np.max(np.where(both_nan, 0.0, apart), initial=0.0))

"""The `checkpoint` parameter: folder and schedule of the checkpoints of a fit."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

DEFAULT_EVERY = 50
DEFAULT_SECONDS = 30.0


@dataclass(frozen=True)
class Checkpoint:
    """Folder from which an interrupted fit resumes, and how often the fit saves to it.

    Parameters
    ----------
    folder : path-like
        Checkpoint folder, created if it does not exist. It belongs to one run of one
        trainer.
    every : int or None, default=None
        Iterations between two checkpoints. XGBoost, LightGBM and scikit-learn's gradient
        boosting are trained in segments of this length, each with its own seed, so the
        value affects the model and cannot change on resume. If None, 50 for these
        models; for all other models, `seconds` decides.
    seconds : float or None, default=None
        Minimum time between two checkpoints. If None, 30 for models that are not trained
        in segments and have `every=None`; otherwise there is no minimum.
    keep : int, default=2
        Number of checkpoints kept per fit. If the newest one is damaged, the previous one
        is used.
    per_fit : bool, default=False
        Whether each fit uses its own sub-folder, named by a digest of its data and
        parameters. Clones always do, so that the candidates and folds of a
        `GridSearchCV` do not share a folder.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sktrainer import Checkpoint, ManagedTrainer
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trainer = ManagedTrainer(
    ...         HistGradientBoostingClassifier(max_iter=20),
    ...         random_state=0,
    ...         checkpoint=Checkpoint(folder, every=10),
    ...     )
    ...     first = trainer.fit(X, y).predict_proba(X)
    ...     again = trainer.fit(X, y).predict_proba(X)  # loaded, not trained again
    >>> bool((first == again).all())
    True
    """

    folder: str | os.PathLike[str]
    every: int | None = None
    seconds: float | None = None
    keep: int = 2
    per_fit: bool = False


@dataclass(frozen=True)
class CheckpointSchedule:
    """Checkpoint schedule: at least `every` iterations and `seconds` between two files."""

    every: int
    seconds: float | None
    keep: int


def as_checkpoint(value: Checkpoint | str | os.PathLike[str]) -> Checkpoint:
    """Return the `checkpoint` parameter as a Checkpoint. A path gets the default schedule."""
    return value if isinstance(value, Checkpoint) else Checkpoint(Path(value))


def with_per_fit(value: object) -> Any:
    """Return `checkpoint` with one sub-folder per fit. Other values are returned unchanged.

    Examples
    --------
    >>> with_per_fit("runs/a").per_fit
    True
    """
    if isinstance(value, (Checkpoint, str, os.PathLike)):
        return replace(as_checkpoint(value), per_fit=True)
    return value


def with_text_folder(value: Any) -> Any:
    """Return `checkpoint` with its folder as a string, because paths depend on the system.

    Examples
    --------
    >>> with_text_folder(Path("runs/a")), with_text_folder(Checkpoint(Path("runs/b"))).folder
    ('runs/a', 'runs/b')
    """
    if isinstance(value, Checkpoint):
        return replace(value, folder=os.fspath(value.folder))
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def resolve_schedule(checkpoint: Checkpoint, *, segmented_training: bool) -> CheckpointSchedule:
    """Return the schedule of a checkpoint, with defaults for `every` and `seconds`.

    Examples
    --------
    >>> resolve_schedule(Checkpoint("runs/a"), segmented_training=True)
    CheckpointSchedule(every=50, seconds=None, keep=2)
    """
    every, seconds = checkpoint.every, checkpoint.seconds
    if not segmented_training and every is None and seconds is None:
        seconds = DEFAULT_SECONDS
    fallback = DEFAULT_EVERY if segmented_training else 1
    return CheckpointSchedule(fallback if every is None else every, seconds, checkpoint.keep)

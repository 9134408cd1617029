"""Where a fit keeps its checkpoints, and how often it writes one."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

__all__ = ["Checkpoint", "Rhythm", "apart", "checkpoint_of", "rhythm_of"]

DEFAULT_EVERY = 50
DEFAULT_SECONDS = 30.0


@dataclass(frozen=True)
class Checkpoint:
    """A folder that a killed fit goes on from, and how often the fit writes to it.

    Parameters
    ----------
    folder : path-like
        Made where it is missing. One run of one trainer owns it.
    every : int or None, default=None
        Iterations from one checkpoint to the next. XGBoost, LightGBM and scikit-learn's
        gradient boosting are trained in segments of so many rounds, each with a seed of
        its own, which is why the number is part of the run. None: 50 for those; for all
        others as `seconds` says.
    seconds : float or None, default=None
        Least time between two checkpoints. None: 30 where `every` is None too and the
        model is not trained in segments, else no limit.
    keep : int, default=2
        Checkpoints kept of each fit. A damaged one gives way to the one before it.
    apart : bool, default=False
        Every fit gets a sub-folder of its own, named by a digest of its data and
        parameters. Clones do so by themselves: the candidates and folds of a
        `GridSearchCV` never meet.

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
    ...     again = trainer.fit(X, y).predict_proba(X)  # found finished: not trained again
    >>> bool((first == again).all())
    True
    """

    folder: str | os.PathLike[str]
    every: int | None = None
    seconds: float | None = None
    keep: int = 2
    apart: bool = False


@dataclass(frozen=True)
class Rhythm:
    """When a fit writes: after `every` iterations, and no sooner than `seconds`."""

    every: int
    seconds: float | None
    keep: int


def checkpoint_of(value: Checkpoint | str | os.PathLike[str]) -> Checkpoint:
    """Return the caller's `checkpoint` as a Checkpoint; a path has the default rhythm.

    Examples
    --------
    >>> checkpoint_of("runs/a").keep
    2
    """
    return value if isinstance(value, Checkpoint) else Checkpoint(Path(value))


def apart(value: Any) -> Any:
    """Return the caller's `checkpoint` with a sub-folder for each fit; None stays None.

    Examples
    --------
    >>> apart("runs/a").apart
    True
    """
    known = isinstance(value, (Checkpoint, str, os.PathLike))
    return replace(checkpoint_of(value), apart=True) if known else value


def rhythm_of(checkpoint: Checkpoint, *, in_segments: bool) -> Rhythm:
    """Fill in what the caller left open.

    Examples
    --------
    >>> rhythm_of(Checkpoint("runs/a"), in_segments=True)
    Rhythm(every=50, seconds=None, keep=2)
    >>> rhythm_of(Checkpoint("runs/a"), in_segments=False)
    Rhythm(every=1, seconds=30.0, keep=2)
    """
    every, seconds = checkpoint.every, checkpoint.seconds
    if not in_segments and every is None and seconds is None:
        seconds = DEFAULT_SECONDS
    fallback = DEFAULT_EVERY if in_segments else 1
    return Rhythm(fallback if every is None else every, seconds, checkpoint.keep)

"""The Tracker Protocol: what sktrainer calls to send a run to a tracking service."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

FINISHED, FAILED, INTERRUPTED = "finished", "failed", "interrupted"

#: Name of the saved model among the artifacts of a run.
MODEL_FILE = "model.skt"

#: Name of the file with the input columns and the output type of the model.
MODEL_INPUTS_FILE = "model_inputs.json"


@dataclass(frozen=True)
class RunInfo:
    """A run that a tracker creates: a fit, a fold of it, or the parent of several fits.

    Attributes
    ----------
    id : str
        Unique and stable. A tracker that already has a run with this id continues it.
    name : str
    kind : {"fit", "fold", "search"}
    parent : str or None
        What `start_run` returned for the parent run.
    start : float
        Seconds since 1970.
    tags : dict of str to str
    """

    id: str
    name: str
    kind: str = "fit"
    parent: str | None = None
    start: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MetricRow:
    """Metrics of one iteration, or the final scores of a run.

    Attributes
    ----------
    step : int
        Iteration, counted from 1. 0 for final scores.
    time : float
        Seconds since 1970.
    metrics : dict of str to float
        Names such as "validation/loss" and "scores/test/roc_auc". Values may be NaN.
    """

    step: int
    time: float
    metrics: Mapping[str, float]


class Tracker(Protocol):
    """Protocol of a tracker. Any object with these methods can be passed in `trackers`.

    The methods are called in another thread than the fit, and for the built-in trackers in
    another process. If one raises an exception, it is called again later with the same
    arguments, so that a tracker must accept what it has received before.

    Examples
    --------
    >>> class Printer:
    ...     def start_run(self, run):
    ...         print("start", run.name)
    ...         return run.id
    ...
    ...     def log_params(self, run_id, params):
    ...         print(params["estimator__alpha"])
    ...
    ...     def log_metrics(self, run_id, rows):
    ...         for row in rows:
    ...             print(row.step, {name: round(v, 2) for name, v in row.metrics.items()})
    ...
    ...     def log_artifact(self, run_id, path):
    ...         print(path.name)
    ...
    ...     def end_run(self, run_id, status, end):
    ...         print(status)
    >>> import tempfile
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer import ManagedTrainer
    >>> from sktrainer.tracking import JsonlTracker
    >>> X, y = load_diabetes(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trackers = [Printer(), JsonlTracker(folder)]
    ...     trainer = ManagedTrainer(Ridge(), scoring="r2", trackers=trackers).fit(X, y)
    start Ridge
    1.0
    0 {'scores/train/r2': 0.52}
    config.yaml
    model.skt
    report.html
    report.json
    reproduce.py
    finished
    """

    def start_run(self, run: RunInfo) -> str:
        """Create a run, or continue the one with this id, and return the tracker's own id."""
        ...

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Store the parameters of a run. Called once per run."""
        ...

    def log_metrics(self, run_id: str, rows: Sequence[MetricRow]) -> None:
        """Store metrics of several iterations, in order."""
        ...

    def log_artifact(self, run_id: str, path: Path) -> None:
        """Store a file of a run: the configuration, the report, or the model."""
        ...

    def end_run(self, run_id: str, status: str, end: float) -> None:
        """Mark a run as "finished", "failed" or "interrupted", at a time since 1970."""
        ...


METHODS = ("start_run", "log_params", "log_metrics", "log_artifact", "end_run")


def is_tracker(value: object) -> bool:
    """Return whether an object has the methods of a tracker.

    Examples
    --------
    >>> is_tracker("mlflow"), is_tracker(print)
    (False, False)
    """
    return not isinstance(value, type) and all(hasattr(value, name) for name in METHODS)


def without_password(text: str) -> str:
    """Replace the user and password of each URI.

    Examples
    --------
    >>> without_password("cannot reach http://ana:secret@localhost:5000/api")
    'cannot reach http://***@localhost:5000/api'
    """
    return re.sub(r"(?<=://)[^/@\s]*:[^@\s]*@", "***@", text)

"""Send a recorded run to a tracker that has not received it."""

from __future__ import annotations

import os

from sktrainer.exceptions import InputError, ParameterError
from sktrainer.files.paths import as_path
from sktrainer.tracking.base import Tracker
from sktrainer.tracking.connection import Connection
from sktrainer.tracking.jsonl import RUNNING, JsonlTracker, end_if_dead
from sktrainer.tracking.mlflow import MlflowTracker
from sktrainer.tracking.registry import tracker_instances, tracker_problems
from sktrainer.tracking.wandb import WandbTracker


def replay(
    run: str | os.PathLike[str], tracker: str | MlflowTracker | WandbTracker | Tracker
) -> str:
    """Send what a tracker has not received of a run, once.

    The run is continued if the tracker has a part of it, and created otherwise. A second call
    sends nothing.

    Parameters
    ----------
    run : path-like
        Folder of the run, such as `trainer.run_path_`. A fit that was killed is marked as
        interrupted.
    tracker : str or Tracker
        "mlflow", "wandb" or a tracker, as in `trackers` of `ManagedTrainer`.

    Returns
    -------
    str
        The id of the run in the tracker.

    Raises
    ------
    InputError
        If the folder is not a run, if its fit is running, or if the tracker is not valid.
    ImportError
        If the package of the tracker is not installed.
    TrackingError
        If the tracker does not accept the run. Call `replay` again to send the rest.

    Examples
    --------
    >>> from sktrainer.tracking import replay
    >>> replay("runs/20260105-101500-1f2e3d4c", "mlflow")  # doctest: +SKIP
    '0a1b2c3d4e5f60718293a4b5c6d7e8f9'
    """
    folder = as_path(run).absolute()
    if problems := tracker_problems([tracker]):
        raise ParameterError([text.replace("trackers[0]", "tracker") for text in problems])
    (found,) = tracker_instances([tracker])
    if isinstance(found, JsonlTracker):
        raise ParameterError("tracker must be another one than 'jsonl': the run is local")
    if end_if_dead(folder)["status"] == RUNNING:
        raise InputError(f"the fit of {str(folder)!r} is running. Replay it after its end")
    connection = Connection(found)
    connection.start(folder)
    return connection.wait(folder)

"""Tracker for Weights & Biases, and for Trackio, which has the same interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sktrainer._optional import require
from sktrainer.tracking.base import FINISHED, MetricRow, RunInfo

# By default, W&B stores the command, the host, the user, the Git state, the installed
# packages and what is printed.
PRIVATE = {
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "disable_job_creation": True,
    "save_code": False,
    "silent": True,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}


@dataclass(frozen=True)
class WandbTracker:
    """Settings of the tracker "wandb".

    A fit is a run. Its folds, or the fits of a search, are further runs of one group. With the
    environment variable WANDB_MODE=offline, ``wandb sync`` uploads the runs later.

    Parameters
    ----------
    project : str, default="sktrainer"
    module : {"wandb", "trackio"}, default="wandb"
        "trackio" stores the runs in a local SQLite file, without an account.
    log_model : bool, default=False
        Whether to upload the model file as an artifact.
    timeout : float, default=30.0
        Seconds that `fit` waits at its end until the tracker has received the run. Sending
        continues in the background.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer import ManagedTrainer
    >>> trainer = ManagedTrainer(Ridge(), trackers=[WandbTracker("prices", module="trackio")])
    """

    project: str = "sktrainer"
    module: str = "wandb"
    log_model: bool = False
    timeout: float = 30.0
    name = "wandb"

    @property
    def extra(self) -> str:
        """Extra of sktrainer that installs the module."""
        return "trackio" if self.module == "trackio" else "tracking"

    def resolved(self) -> WandbTracker:
        """Return the settings."""
        return self

    def outer_run(self) -> None:
        """Return None: runs of W&B are not nested."""
        return

    def open(self) -> WandbRunTracker:
        """Return the tracker itself. It imports the module when it is first used."""
        return WandbRunTracker(self)


class WandbRunTracker:
    """Tracker that calls W&B or Trackio.

    Parameters
    ----------
    settings : WandbTracker
    """

    def __init__(self, settings: WandbTracker) -> None:
        self.settings = settings
        self._runs: dict[str, Any] = {}

    def start_run(self, run: RunInfo) -> str:
        """Create a run, or continue the one with this id."""
        if run.kind != "search" and run.id not in self._runs:  # a search is only a group
            self._runs[run.id] = self._open(run)
        return run.id

    def _open(self, run: RunInfo) -> Any:
        module = require(self.settings.module, self.settings.extra)
        common: dict[str, Any] = {
            "project": self.settings.project,
            "group": run.parent or run.id,
            "config": {**run.tags, "run": run.name, "kind": run.kind},
            "resume": "allow",
        }
        if self.settings.module == "trackio":  # it finds a run by its name
            return module.init(
                **common, name=run.id, embed=False, auto_log_cpu=False, auto_log_gpu=False
            )
        return module.init(
            **common,
            id=run.id,
            name=f"{run.name} {run.id}",
            job_type=run.kind,
            reinit="create_new",
            settings=PRIVATE,
        )

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Add the parameters to the configuration of the run."""
        self._runs[run_id].config.update(dict(params))

    def log_metrics(self, run_id: str, rows: Sequence[MetricRow]) -> None:
        """Log one step per iteration; the final scores have no step."""
        for row in rows:
            if row.step:
                self._runs[run_id].log(dict(row.metrics), step=row.step)
            else:
                self._runs[run_id].log(dict(row.metrics))

    def log_artifact(self, run_id: str, path: Path) -> None:
        """Upload a file."""
        if path.suffix == ".skt" and not self.settings.log_model:
            return
        kind = "model" if path.suffix == ".skt" else "report"
        name = f"{run_id}-{path.name}"
        self._runs[run_id].log_artifact(str(path), name=name, type=kind)

    def end_run(self, run_id: str, status: str, end: float) -> None:
        """Close the run."""
        run = self._runs.pop(run_id)
        if self.settings.module == "wandb":
            run.finish(exit_code=0 if status == FINISHED else 1)
        else:
            run.finish()

"""Tracker for MLflow, which runs in a process of its own."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer._optional import require
from sktrainer.tracking.base import (
    FINISHED,
    INTERRUPTED,
    MODEL_FILE,
    MODEL_INPUTS_FILE,
    MetricRow,
    RunInfo,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Limits of the MLflow server.
MOST_METRICS, MOST_PARAMS = 1_000, 100
MOST_VALUE, MOST_TAG = 6_000, 5_000

RUN_TAG, PARENT_TAG = "sktrainer.run_id", "mlflow.parentRunId"
LOADER = "sktrainer.serving.mlflow_model"

# A server that does not answer must not delay what other runs send. MLflow's own defaults
# are 120 seconds and 7 retries.
ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True)
class MlflowTracker:
    """Settings of the tracker "mlflow".

    A fit is a run, its folds are nested runs, and the fits of a search such as `GridSearchCV`
    are nested in one run. Inside ``with mlflow.start_run():``, the fit is nested in that run.

    Parameters
    ----------
    tracking_uri : str or None, default=None
        Such as "http://localhost:5000". None: the one that is set in `mlflow`, or the
        environment variable MLFLOW_TRACKING_URI.
    experiment : str or None, default=None
        Created if it does not exist. None: the one that is set in `mlflow`, or the
        environment variable MLFLOW_EXPERIMENT_NAME, otherwise "Default".
    log_model : bool, default=True
        Whether to log the model, for `mlflow.pyfunc.load_model` and ``mlflow models serve``.
        Models such as nearest neighbors contain training rows.
    timeout : float, default=30.0
        Seconds that `fit` waits at its end until MLflow has received the run. Sending
        continues in the background.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer import ManagedTrainer
    >>> tracker = MlflowTracker("http://localhost:5000", experiment="prices")
    >>> trainer = ManagedTrainer(Ridge(), trackers=[tracker])
    """

    tracking_uri: str | None = None
    experiment: str | None = None
    log_model: bool = True
    timeout: float = 30.0
    name = "mlflow"
    module = "mlflow"
    extra = "tracking"

    def resolved(self) -> MlflowTracker:
        """Return the settings with those of this process, which may change later."""
        mlflow = sys.modules.get("mlflow")  # its own import takes seconds
        uri = self.tracking_uri
        if uri is None and mlflow is not None:
            uri = mlflow.get_tracking_uri()
        return replace(self, tracking_uri=uri or os.environ.get("MLFLOW_TRACKING_URI"))

    def outer_run(self) -> str | None:
        """Return the id of the run that is active in this process."""
        mlflow = sys.modules.get("mlflow")
        active = None if mlflow is None else mlflow.active_run()
        return None if active is None else str(active.info.run_id)

    def open(self) -> MlflowClientTracker:
        """Return the tracker itself. It imports mlflow when it is first used."""
        return MlflowClientTracker(self)


class MlflowClientTracker:
    """Tracker that calls an MLflow server through its client.

    Parameters
    ----------
    settings : MlflowTracker
    """

    def __init__(self, settings: MlflowTracker) -> None:
        self.settings = settings
        self._client: MlflowClient | None = None
        self._experiment_id = ""

    def start_run(self, run: RunInfo) -> str:
        """Create a run, or return the id of the one with this id."""
        client = self._connect()
        found = client.search_runs(
            [self._experiment_id], f"tags.`{RUN_TAG}` = '{run.id}'", max_results=1
        )
        if found:
            return str(found[0].info.run_id)
        tags = {name: value[:MOST_TAG] for name, value in run.tags.items()}
        tags |= {RUN_TAG: run.id, "sktrainer.kind": run.kind}
        if run.parent is not None:
            tags[PARENT_TAG] = run.parent
        created = client.create_run(
            self._experiment_id, _milliseconds(run.start), tags, run_name=run.name
        )
        if run.kind == "search":  # it has no end of its own
            client.set_terminated(created.info.run_id)
        return str(created.info.run_id)

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Log the parameters."""
        from mlflow.entities import Param

        entries = [Param(_key(name), value[:MOST_VALUE]) for name, value in params.items()]
        for chunk in _chunks(entries, MOST_PARAMS):
            self._connect().log_batch(run_id, params=chunk)

    def log_metrics(self, run_id: str, rows: Sequence[MetricRow]) -> None:
        """Log the metrics of many iterations with few requests."""
        from mlflow.entities import Metric

        entries = [
            Metric(_key(name), value, _milliseconds(row.time), row.step)
            for row in rows
            for name, value in row.metrics.items()
        ]
        for chunk in _chunks(entries, MOST_METRICS):
            self._connect().log_batch(run_id, metrics=chunk)

    def log_artifact(self, run_id: str, path: Path) -> None:
        """Log a file; the model as an MLflow model."""
        if path.name != MODEL_FILE:
            self._connect().log_artifact(run_id, str(path))
        elif self.settings.log_model and not self._has_model(run_id):
            self._log_model(run_id, path)

    def end_run(self, run_id: str, status: str, end: float) -> None:
        """Set status and end of a run."""
        words = {FINISHED: "FINISHED", INTERRUPTED: "KILLED"}
        word = words.get(status, "FAILED")
        self._connect().set_terminated(run_id, word, _milliseconds(end))

    def _connect(self) -> MlflowClient:
        if self._client is None:
            for name, value in ENVIRONMENT.items():
                os.environ.setdefault(name, value)
            mlflow = require("mlflow", "tracking")
            if self.settings.tracking_uri is not None:
                mlflow.set_tracking_uri(self.settings.tracking_uri)
            client = mlflow.MlflowClient()
            self._experiment_id = self._find_experiment(client)
            self._client = client
        return self._client

    def _find_experiment(self, client: MlflowClient) -> str:
        name = self.settings.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME")
        if name is None:
            return os.environ.get("MLFLOW_EXPERIMENT_ID", "0")
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(client.create_experiment(name))
        except Exception:  # another process has created it in the meantime
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def _has_model(self, run_id: str) -> bool:
        outputs = self._connect().get_run(run_id).outputs
        return outputs is not None and bool(outputs.model_outputs)

    def _log_model(self, run_id: str, path: Path) -> None:
        """Log a model that MLflow loads with `sktrainer.load`, which runs no code from it."""
        import mlflow.pyfunc
        from mlflow.models import Model

        inputs = json.loads(path.with_name(MODEL_INPUTS_FILE).read_bytes())
        if inputs["needs_trust"]:  # MLflow could not load it
            self._connect().log_artifact(run_id, str(path))
            return
        Model.log(
            artifact_path=None,
            name="model",
            flavor=mlflow.pyfunc,
            run_id=run_id,
            loader_module=LOADER,
            data_path=str(path),
            signature=_signature(inputs),
            pip_requirements=inputs["requirements"],
        )


def _signature(inputs: Mapping[str, Any]) -> Any:
    """Return the signature: names and types of the columns, and the methods to choose from."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
    from mlflow.types.schema import AnyType

    if inputs["columns"] is None:
        shape = tuple(inputs["shape"])
        schema = Schema([TensorSpec(np.dtype(inputs["dtype"]), (-1, *shape))])
    else:
        columns = inputs["columns"]
        schema = Schema([ColSpec(kind or AnyType(), name) for name, kind in columns])
    method = ParamSpec("method", "string", "predict")
    return ModelSignature(inputs=schema, params=ParamSchema([method]))


def _key(name: str) -> str:
    """Replace the characters that MLflow does not accept in names.

    Examples
    --------
    >>> _key("validation/f1 ('bad')")
    'validation/f1 _bad_'
    """
    return re.sub(r"[^\w\-. /]+", "_", name)[:250]


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1_000)


def _chunks(entries: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]

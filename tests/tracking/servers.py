"""A real MLflow server on the loopback interface, with SQLite, and trackers as test doubles."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

from sktrainer.tracking import Tracker

SECONDS_TO_START = 120


class MlflowServer:
    """MLflow server that can be killed and started again with the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # These variables are what `mlflow server` sets before it starts uvicorn, too.
        settings = {
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{self.folder}/mlflow.db",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(self.folder / "artifacts"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        command = [sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app"]
        log = (self.folder / "server.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self.port)],
                env={**os.environ, **settings},
                stdout=log,
                stderr=log,
            )
        wait_for(self.url + "/health")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            with urlopen(url):
                return
        except (URLError, ConnectionError):
            assert time.monotonic() < end, f"{url} does not answer"
            time.sleep(0.1)


class MemoryTracker:
    """Tracker that keeps what it receives, and fails or blocks when it is told to."""

    name = "memory"

    def __init__(self, timeout: float = 60.0) -> None:
        self.timeout = timeout
        self.runs: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.fails_at: set[int] = set()  # numbers of calls, from 1
        self.is_down = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def _call(self, name: str) -> None:
        self.may_answer.wait()
        self.calls.append(name)
        if self.is_down or len(self.calls) in self.fails_at:
            raise ConnectionError("no route to https://ana:secret@host")

    def start_run(self, run):
        self._call("start_run")
        empty = {"info": run, "rows": [], "params": None, "files": [], "status": None}
        self.runs.setdefault(run.id, empty)
        return run.id

    def log_params(self, run_id, params):
        self._call("log_params")
        self.runs[run_id]["params"] = dict(params)

    def log_metrics(self, run_id, rows):
        self._call("log_metrics")
        self.runs[run_id]["rows"] += rows

    def log_artifact(self, run_id, path):
        self._call("log_artifact")
        self.runs[run_id]["files"].append(path.name)

    def end_run(self, run_id, status, end):
        self._call("end_run")
        self.runs[run_id]["status"] = status

    def steps(self, run_id: str) -> list[int]:
        """Iterations that were received of a run, without the final scores."""
        return [row.step for row in self.runs[run_id]["rows"] if row.step]


if TYPE_CHECKING:
    _: Tracker = MemoryTracker()

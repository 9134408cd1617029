"""Connections of a fit to its trackers: another process, or a thread for user-defined ones."""

from __future__ import annotations

import atexit
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sktrainer.exceptions import TrackingError
from sktrainer.tracking.base import Tracker
from sktrainer.tracking.mlflow import MlflowTracker
from sktrainer.tracking.sending import RunSender, forget_error, read_state
from sktrainer.tracking.wandb import WandbTracker

POLL_SECONDS = 0.1
USER_TIMEOUT = 10.0  # for user-defined trackers without an attribute `timeout`

# Environment variables with settings of the trackers.
_PREFIXES = ("MLFLOW_", "WANDB_", "TRACKIO_")

_PROCESSES: dict[tuple[int, str], SendingProcess] = {}
_LOCK = threading.Lock()
_WARNED: set[tuple[str, str]] = set()


class Connection:
    """Connection of the fits of this process to one tracker.

    Parameters
    ----------
    tracker : MlflowTracker, WandbTracker or Tracker
    """

    def __init__(self, tracker: MlflowTracker | WandbTracker | Tracker) -> None:
        self.tracker = tracker
        self.name = str(getattr(tracker, "name", None) or type(tracker).__name__)
        self._is_alive: Callable[[], bool] = lambda: False

    def start(self, run: Path) -> None:
        """Send this run from now on, in the background."""
        forget_error(run, self.name)
        if isinstance(self.tracker, MlflowTracker | WandbTracker):
            process = sending_process(self.tracker)
            process.send(run, self.tracker.outer_run())
            self._is_alive = process.is_alive
        else:
            sender = RunSender(run, self.tracker, self.name)
            thread = threading.Thread(
                target=_send_all, args=(sender,), name="sktrainer-tracker", daemon=True
            )
            thread.start()
            self._is_alive = thread.is_alive

    def finish(self, run: Path, *, wait: bool) -> str:
        """Wait until the tracker has received the run, at most for its `timeout`.

        Parameters
        ----------
        run : Path
        wait : bool
            False: only look whether there was an error.

        Returns
        -------
        str
            Why the tracker has not received all of it, or "".
        """
        timeout = float(getattr(self.tracker, "timeout", USER_TIMEOUT)) if wait else 0.0
        state, is_alive = self._poll(run, timeout)
        if state.get("ended") or (is_alive and not wait and not state.get("error")):
            return ""
        reason = state.get("error")
        if reason is None:
            reason = f"it is slow, and sending continues after {timeout:g} s"
            reason = reason if is_alive else "the process that sends it has ended"
        return (
            f"the tracker {self.name!r} has not received the whole run: {reason}. Nothing is "
            f"lost: the run is in {str(run)!r}. To send what is missing, call "
            f"sktrainer.tracking.replay({str(run)!r}, {self.name!r})"
        )

    def wait(self, run: Path) -> str:
        """Wait until the tracker has received the run, and return its id of the run.

        Raises
        ------
        TrackingError
            If the tracker does not accept the run.
        """
        state, _ = self._poll(run, math.inf)
        if not state.get("ended"):
            error = state.get("error", "the process that sends it has ended")
            raise TrackingError(f"the tracker {self.name!r} did not accept the run: {error}")
        return str(state["run_id"])

    def _poll(self, run: Path, timeout: float) -> tuple[dict[str, Any], bool]:
        """Wait, and return what was sent and whether sending continues."""
        end = time.monotonic() + timeout
        while True:
            is_alive = self._is_alive()
            state = read_state(run, self.name)  # after `is_alive`, so that it is the last one
            is_done = state.get("ended") or state.get("gave_up")
            if is_done or not is_alive or time.monotonic() >= end:
                return state, is_alive and not is_done
            time.sleep(POLL_SECONDS)

    def warns_about(self, run: str) -> bool:
        """Return whether this is the first problem of a run, or of the fits of a search."""
        key = self.name, run
        is_first = key not in _WARNED
        _WARNED.add(key)
        return is_first


class SendingProcess:
    """Process that sends the runs of this process to one tracker.

    It outlives this process until it has sent everything.
    """

    def __init__(self, tracker: MlflowTracker | WandbTracker) -> None:
        # The settings may contain a password, so they are not passed as arguments.
        self._settings = json.dumps([tracker.name, asdict(tracker)])
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def send(self, run: Path, outer_run: str | None) -> None:
        """Send a run. Start the process, or restart it if it has ended."""
        line = json.dumps([str(run), outer_run])
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = _start_process()
                self._write(self._settings)
            self._write(line)

    def is_alive(self) -> bool:
        """Return whether the process is running."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Let the process end as soon as it has sent everything."""
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
            if process.poll() is None:
                process.returncode = 0  # otherwise, Python warns about the running process

    def _write(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        with suppress(OSError):  # it has ended; `is_alive` tells
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


def sending_process(tracker: MlflowTracker | WandbTracker) -> SendingProcess:
    """Return the process for these settings. It is shared by all fits of this process."""
    # The process keeps the folder and the environment in which it was started.
    variables = [item for item in os.environ.items() if item[0].startswith(_PREFIXES)]
    key = os.getpid(), f"{Path.cwd()} {tracker} {sorted(variables)}"
    with _LOCK:
        if key not in _PROCESSES:
            _PROCESSES[key] = SendingProcess(tracker)
            atexit.register(_PROCESSES[key].close)
        return _PROCESSES[key]


def _start_process() -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "sktrainer.tracking.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,  # Ctrl-C in the terminal must not end it
    )


def _send_all(sender: RunSender) -> None:
    while not sender.step():
        time.sleep(POLL_SECONDS)

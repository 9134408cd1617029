"""Send a local run to a tracker, and continue where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.file_lock import file_lock
from sktrainer.tracking.base import (
    FAILED,
    FINISHED,
    MODEL_INPUTS_FILE,
    MetricRow,
    RunInfo,
    Tracker,
    without_password,
)
from sktrainer.tracking.jsonl import ARTIFACTS, RUNNING, end_if_dead, read_metrics

MOST_BYTES = 2**20  # of metrics.jsonl that are read and sent at once

PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between two calls of `send`
MOST_ERRORS = 2  # in a row, after the end of the fit


def state_path(run: Path, name: str) -> Path:
    """Return the file that records what a tracker has received of a run."""
    return run / f"{name}.sent.json"


def read_state(run: Path, name: str) -> dict[str, Any]:
    """Return what a tracker has received of a run; empty for nothing."""
    with suppress(OSError, ValueError):
        return dict(json.loads(state_path(run, name).read_bytes()))
    return {}


def forget_error(run: Path, name: str) -> None:
    """Remove the error of an earlier attempt from what was recorded."""
    state = read_state(run, name)
    if state.pop("gave_up", None) is not None:
        state.pop("error", None)
        _write_state(run, name, state)


def _write_state(run: Path, name: str, state: Mapping[str, object]) -> None:
    with atomic_write(state_path(run, name)) as part:
        part.write_text(json.dumps(state), encoding="utf-8")


class RunSender:
    """Sends one run to one tracker.

    What was sent is recorded in the folder of the run after each call, so that another
    process sends the rest. A call that was interrupted is repeated.

    Parameters
    ----------
    run : Path
    tracker : Tracker
    name : str
        Name of the tracker.
    outer_run : str or None, default=None
        The tracker's id of a run that contains this one.
    """

    def __init__(
        self, run: Path, tracker: Tracker, name: str, outer_run: str | None = None
    ) -> None:
        self.run = run
        self.name = name
        self.state: dict[str, Any] = {}
        self._tracker = tracker
        self._outer_run = outer_run
        self._values: dict[str, Any] = {}
        self._ids: dict[str, str] = {}  # of the tracker, by fold; "" is the run itself
        self._n_errors = 0
        self._next = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether the run has ended and the tracker has received all of it."""
        return bool(self.state.get("ended"))

    @property
    def has_ended(self) -> bool:
        """Whether the fit has ended."""
        return bool(self._values) and self._values["status"] != RUNNING

    def step(self) -> bool:
        """Send what is new, unless that was done a moment ago. Never raises an exception.

        After an error, wait longer and longer. After the end of the fit, give up.

        Returns
        -------
        bool
            Whether there is nothing more to do.
        """
        now = time.monotonic()
        if now < self._next and (self.has_ended or not self._read_end()):
            return False
        try:
            if self.send():
                return True
            self._n_errors, self._next = 0, now + PAUSE
        except Exception as error:
            self._n_errors += 1
            gives_up = self.has_ended and self._n_errors >= MOST_ERRORS
            self._fail(error, gave_up=gives_up)
            pause = PAUSE if self.has_ended else min(PAUSE * 2**self._n_errors, LONGEST_PAUSE)
            self._next = time.monotonic() + pause
            return gives_up
        return False

    def send(self) -> bool:
        """Send what is new. Return whether the tracker has received the complete run.

        Raises
        ------
        Exception
            Any exception of the tracker. Call again to continue.
        """
        with file_lock(self.run / f".{self.name}.lock") as is_free:
            if not is_free:  # another process sends it
                return False
            self.state = read_state(self.run, self.name)
            for key in ("error", "gave_up"):
                self.state.pop(key, None)
            return self._send()

    def _send(self) -> bool:
        self._values = end_if_dead(self.run)
        if self.is_complete:
            return True
        run_id = self._start("")
        if not self.state.get("params"):
            self._tracker.log_params(run_id, self._values["params"])
            self._save(params=True)
        while self._send_metrics():
            pass
        for fold in self._values.get("folds", ()):
            self._end_fold(fold)
        if self.has_ended:
            self._end()
        return self.is_complete

    def _read_end(self) -> bool:
        """Read `run.json`. Return whether the fit has ended in the meantime."""
        self._values = end_if_dead(self.run)
        return self.has_ended

    def _fail(self, error: Exception, *, gave_up: bool) -> None:
        """Record why the tracker did not receive the run."""
        self._ids.clear()  # the tracker may have to open its runs again
        text = without_password(f"{type(error).__name__}: {' '.join(str(error).split())}")
        with suppress(OSError):
            self._save(error=text[:300], gave_up=gave_up)

    def _start(self, fold: str) -> str:
        """Return the tracker's id of the run or one of its folds; create it at first."""
        if fold in self._ids:
            return self._ids[fold]
        values = self._values
        if fold:
            info = RunInfo(
                f"{values['id']}-fold-{fold}",
                f"fold {fold}",
                "fold",
                self._start(""),
                values["start"],
                {"fold": fold},
            )
        else:
            info = RunInfo(
                values["id"],
                values["name"],
                "fit",
                self._parent(),
                values["start"],
                values["tags"],
            )
        self._ids[fold] = self._tracker.start_run(info)
        if not fold and self.state.get("run_id") != self._ids[""]:
            self._save(run_id=self._ids[""])
        return self._ids[fold]

    def _parent(self) -> str | None:
        """Return the id of the run that contains this one: that of a search, or a given one."""
        parent = self._values.get("parent")
        if parent is None:
            return self._outer_run
        name = f"{self._values['name']} search"
        info = RunInfo(parent, name, "search", self._outer_run, self._values["start"])
        # The fits of a search run in several processes, and only one may create its run.
        lock = self.run.parent / f".{parent}.{self.name}.lock"
        while True:
            with file_lock(lock) as is_free:
                if is_free:
                    return self._tracker.start_run(info)
            time.sleep(PAUSE)

    def _send_metrics(self) -> bool:
        """Send the next lines of `metrics.jsonl`. Return whether there were some."""
        offset = self.state.get("offset", 0)
        rows: dict[str, list[MetricRow]] = {}
        ends: dict[str, int] = {}
        sent: dict[str, int] = self.state.get("sent", {})
        end = offset
        for end, fold, row in read_metrics(self.run, offset, MOST_BYTES):
            key = "" if fold is None else str(fold)
            if end > sent.get(key, 0):  # it may have been sent before another fold failed
                rows.setdefault(key, []).append(row)
                ends[key] = end
        for key, several in rows.items():
            self._tracker.log_metrics(self._start(key), several)
            self._save(sent={**self.state.get("sent", {}), key: ends[key]})
        if end > offset:
            self._save(offset=end)
        return end > offset

    def _end_fold(self, fold: Mapping[str, Any]) -> None:
        key = str(fold["fold"])
        if key in self.state.get("folds", ()):
            return
        run_id = self._start(key)
        self._log_scores(key, fold["end"], {"test": fold["scores"]})
        status = FINISHED if fold["error"] is None else FAILED
        self._tracker.end_run(run_id, status, fold["end"])
        self._save(folds=[*self.state.get("folds", ()), key])

    def _end(self) -> None:
        values, run_id = self._values, self._start("")
        self._log_scores("", values["end"], values.get("scores", {}))
        done = self.state.get("artifacts", [])
        folder = self.run / ARTIFACTS
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        for path in files:
            if path.name not in (*done, MODEL_INPUTS_FILE) and not path.name.startswith("."):
                self._tracker.log_artifact(run_id, path)
                done = [*done, path.name]
                self._save(artifacts=done)
        self._tracker.end_run(run_id, values["status"], values["end"])
        self._save(ended=True)

    def _log_scores(
        self, key: str, at: float, scores: Mapping[str, Mapping[str, float | None]]
    ) -> None:
        sent = self.state.get("scores", [])
        metrics = {
            f"scores/{part}/{name}": value
            for part, of_part in scores.items()
            for name, value in of_part.items()
            if value is not None
        }
        if metrics and key not in sent:
            self._tracker.log_metrics(self._start(key), [MetricRow(0, at, metrics)])
            self._save(scores=[*sent, key])

    def _save(self, **values: object) -> None:
        self.state |= values
        _write_state(self.run, self.name, self.state)

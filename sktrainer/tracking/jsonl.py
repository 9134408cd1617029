"""The local run: a folder with `run.json`, `metrics.jsonl` and artifacts."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sktrainer.exceptions import FileFormatError, InputError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.file_lock import file_lock
from sktrainer.files.paths import as_path, explain_write_errors
from sktrainer.tracking.base import INTERRUPTED, MetricRow

FORMAT_VERSION = 1
RUNNING = "running"
RUN_FILE, METRICS_FILE, LOCK_FILE = "run.json", "metrics.jsonl", ".lock"
ARTIFACTS = "artifacts"

# Columns of metrics.jsonl that are no metrics.
COLUMNS = ("time", "fold", "attempt", "iteration", "seconds")


@dataclass(frozen=True)
class JsonlTracker:
    """Settings of the local run, which every fit with `trackers` writes.

    Each fit writes a folder ``<folder>/<id>``: `run.json` with parameters, tags, fold scores
    and final scores, and `metrics.jsonl` with one line per iteration, which pandas can read
    while the fit runs. Other trackers are fed from this folder.

    Parameters
    ----------
    folder : path-like, default="runs"
        Created if it does not exist.
    artifacts : bool, default=False
        Whether to also save the HTML report and the model, as for other trackers.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from lightgbm import LGBMClassifier
    >>> from sktrainer import ManagedTrainer
    >>> from sktrainer.datasets import load_hypothyroid
    >>> X, y = load_hypothyroid(return_X_y=True)
    >>> model = LGBMClassifier(n_estimators=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trainer = ManagedTrainer(
    ...         model, validation_size=0.2, trackers=[JsonlTracker(folder)], random_state=0
    ...     ).fit(X, y)
    ...     metrics = pd.read_json(trainer.run_path_ / "metrics.jsonl", lines=True)
    >>> metrics[["iteration", "train/loss", "validation/loss"]].tail(1).round(3)
        iteration  train/loss  validation/loss
    19         20       0.026            0.056
    """

    folder: str | os.PathLike[str] = "runs"
    artifacts: bool = False
    name = "jsonl"


class LocalRun:
    """A run on disk, while its fit writes it. Thread-safe.

    Parameters
    ----------
    folder : Path
        Folder of all runs.
    values : mapping of str to object
        First content of `run.json`, as plain values.

    Raises
    ------
    FileWriteError
        If the folder cannot be written.
    """

    def __init__(self, folder: Path, values: Mapping[str, Any]) -> None:
        now = time.time()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        run_id = f"{stamp}-{uuid.uuid4().hex[:8]}"
        self.path = folder.absolute() / run_id
        self.values: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "id": run_id,
            "status": RUNNING,
            "start": now,
            "end": None,
            **values,
        }
        self._resources = ExitStack()
        self._lock = threading.Lock()
        with explain_write_errors(self.path):
            self.path.mkdir(parents=True)
            self._resources.enter_context(file_lock(self.path / LOCK_FILE))
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._descriptor = os.open(self.path / METRICS_FILE, flags, 0o644)
            self._resources.callback(os.close, self._descriptor)
            self.update()

    def append(self, row: Mapping[str, object]) -> None:
        """Append one line to `metrics.jsonl`. Readers never see a part of a line for long."""
        line = f"{json.dumps(row)}\n".encode()
        with self._lock:
            written = os.write(self._descriptor, line)
        if written < len(line):
            raise OSError(28, os.strerror(28))

    def update(self, **values: object) -> None:
        """Set values of `run.json`, and replace the file atomically."""
        with self._lock:
            self.values |= values
            _write_json(self.path / RUN_FILE, self.values)

    def end(self, status: str, **values: object) -> None:
        """Set the status and close the run."""
        try:
            self.update(status=status, end=time.time(), **values)
        finally:
            self.close()

    def close(self) -> None:
        """Close the files."""
        self._resources.close()


def read_run(path: Path) -> dict[str, Any]:
    """Return the content of `run.json`.

    Raises
    ------
    InputError
        If the folder is not a run.
    FileFormatError
        If the file is not valid, or was written by a later version.
    """
    file = as_path(path) / RUN_FILE
    try:
        values = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{str(path)!r} is not a run: it has no {RUN_FILE}. Pass the folder of a run, "
            "such as trainer.run_path_"
        ) from None
    except ValueError as error:
        raise FileFormatError(f"{file} is not valid JSON ({error})") from None
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise FileFormatError(f"{file} has format {version!r}, expected {FORMAT_VERSION}")
    return dict(values)


def end_if_dead(path: Path) -> dict[str, Any]:
    """Return `run.json`; if the process of the fit was killed, set its status first."""
    values = read_run(path)
    if values["status"] != RUNNING:
        return values
    with file_lock(path / LOCK_FILE) as is_dead:
        if is_dead:  # the fit releases the lock after its last update
            values = read_run(path)
            if values["status"] == RUNNING:
                values |= {"status": INTERRUPTED, "end": _last_change(path)}
                _write_json(path / RUN_FILE, values)
    return values


def read_metrics(path: Path, offset: int, limit: int) -> Iterator[tuple[int, Any, MetricRow]]:
    """Yield complete lines of `metrics.jsonl`: the end of the line in bytes, fold and row."""
    try:
        with (path / METRICS_FILE).open("rb") as file:
            file.seek(offset)
            lines = file.readlines(limit)
    except FileNotFoundError:
        return
    for line in lines:
        if not line.endswith(b"\n"):
            return
        offset += len(line)
        try:
            values = json.loads(line)
        except ValueError:  # a line that was cut off when the disk was full
            continue
        prefix = f"attempt_{values['attempt']}/" if values.get("attempt", 1) > 1 else ""
        metrics = {
            prefix + name: math.nan if value is None else float(value)
            for name, value in values.items()
            if name not in COLUMNS
        }
        yield offset, values["fold"], MetricRow(values["iteration"], values["time"], metrics)


def plain_number(value: float) -> float | None:
    """Return a number for JSON, which has neither NaN nor infinity.

    Examples
    --------
    >>> plain_number(0.5), plain_number(float("nan")), plain_number(float("-inf"))
    (0.5, None, -1.7976931348623157e+308)
    """
    number = float(value)
    if math.isnan(number):
        return None
    return math.copysign(sys.float_info.max, number) if math.isinf(number) else number


def _last_change(path: Path) -> float:
    return max(file.stat().st_mtime for file in path.iterdir())


def _write_json(path: Path, values: Mapping[str, object]) -> None:
    with atomic_write(path) as part:
        part.write_text(
            json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False), encoding="utf-8"
        )

"""Handling of Ctrl-C and SIGTERM during a fit with checkpoints."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sktrainer.exceptions import TrainingInterrupted

_LOCK = threading.Lock()  # not on the handler, which is pickled for pool workers


class SignalHandler:
    """Signal handler that lets a fit save a checkpoint before it stops.

    A fit that polls after each iteration (`deferred`) completes the current iteration and
    writes a checkpoint. If no fit polls, or at the second signal, the handler raises
    immediately, and the last checkpoint remains. `folder` is the checkpoint folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.signal: int | None = None
        self._n_polling = 0

    def __getstate__(self) -> dict[str, Any]:
        # A pool worker starts without the pending signals of its parent.
        return {"folder": self.folder, "signal": None, "_n_polling": 0}

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Defer signals to the end of the current iteration."""
        with _LOCK:
            self._n_polling += 1
        try:
            yield
        finally:
            with _LOCK:
                self._n_polling -= 1

    def error(self, saved: str = "") -> TrainingInterrupted:
        """Return the error that stops the fit."""
        name = "Ctrl-C" if self.signal == signal.SIGINT else "SIGTERM"
        reason = f"training was stopped by {name}; {saved or 'existing checkpoints are kept'}"
        return TrainingInterrupted(
            f"{reason}. To resume, call fit again with the same data, parameters and "
            f"checkpoint folder {self.folder!r}",
            reason,
            self.folder,
        )

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle both signals inside the context, in the main thread only.

        User-defined handlers and ignored signals are not changed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        defaults: dict[int, Any] = {
            signal.SIGINT: signal.default_int_handler,
            signal.SIGTERM: signal.SIG_DFL,
        }
        # Compare with the defaults, so that only Python's own handlers are replaced.
        replaced = [s for s, default in defaults.items() if signal.getsignal(s) is default]
        try:
            for number in replaced:
                signal.signal(number, self._handle)
            yield
            if self.signal is not None:  # received after the last poll
                raise self.error("the fit was complete and is saved")
        finally:
            for number in replaced:
                signal.signal(number, defaults[number])

    def _handle(self, number: int, frame: FrameType | None) -> None:
        is_repeated = self.signal is not None
        self.signal = number
        # Do not acquire _LOCK here: the interrupted thread may hold it (deadlock).
        if is_repeated or self._n_polling == 0:
            raise self.error()

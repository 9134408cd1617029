"""Ctrl-C and SIGTERM while a fit with a checkpoint runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sktrainer.exceptions import TrainingInterrupted

__all__ = ["Interrupts"]


class Interrupts:
    """What was asked by a signal, and who looks at it.

    A fit that looks after each of its iterations (`polled`) is left to end the one it is in
    and to write a checkpoint. Where none looks, and at the second signal, the handler
    raises at once; the last checkpoint stands.

    Parameters
    ----------
    where : str
        The checkpoint folder, for the message.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.signal: int | None = None
        self._n_polling = 0

    def __getstate__(self) -> dict[str, Any]:
        # A process of a pool is not asked by signals of its parent.
        return {"where": self.where, "signal": None, "_n_polling": 0}

    @contextmanager
    def polled(self) -> Iterator[None]:
        """Let signals wait for the end of the iteration, inside."""
        with _COUNTS:
            self._n_polling += 1
        try:
            yield
        finally:
            with _COUNTS:
                self._n_polling -= 1

    def error(self, saved: str = "") -> TrainingInterrupted:
        """Return the error that ends the fit."""
        name = "Ctrl-C" if self.signal == signal.SIGINT else "SIGTERM"
        kept = saved or "what the checkpoints hold is kept"
        return TrainingInterrupted(
            f"training was stopped by {name}; {kept}. To go on, call fit again with the "
            f"same data, parameters and checkpoint folder {self.where!r}"
        )

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Catch both signals, inside; only in the main thread, and only Python's own defaults.

        A handler of the caller's, and a signal that he ignores, stay as they are.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        defaults: dict[int, Any] = {
            signal.SIGINT: signal.default_int_handler,
            signal.SIGTERM: signal.SIG_DFL,
        }
        ours = [s for s, default in defaults.items() if signal.getsignal(s) is default]
        try:
            for number in ours:
                signal.signal(number, self._handle)
            yield
            if self.signal is not None:  # it came as the last iteration ended
                raise self.error("the fit had come to its end, and is kept")
        finally:
            for number in ours:
                signal.signal(number, defaults[number])

    def _handle(self, number: int, frame: Any) -> None:
        again = self.signal is not None
        self.signal = number
        # Read without the lock: the thread that it interrupts may hold it.
        if again or self._n_polling == 0:
            raise self.error()


_COUNTS = threading.Lock()

"""Connection of the fits in other processes to the observer of the run."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import ProcessError
from multiprocessing.connection import Client, Connection, Listener

from sktrainer.callbacks.base import IterationEvent
from sktrainer.callbacks.observer import FitObserver, PartEvent, RunObserver
from sktrainer.callbacks.progress import FitDisplay
from sktrainer.exceptions import CallbackError

_KEY_BYTES = 32
# Without callbacks, only the display reads the iterations.
_SECONDS_BETWEEN_EVENTS = 0.1

_SECONDS_TO_END = 10.0
_SECONDS_BETWEEN_CHECKS = 0.2


@dataclass(frozen=True)
class RemoteObserver:
    """Observer that sends iterations to the process of the run. It can be pickled.

    Attributes
    ----------
    address : str or tuple
        Address of the listener.
    key : bytes
        Shared secret, so that no other process can connect.
    reads_every_iteration : bool
        Whether the fit waits for an answer to each iteration.
    is_shown : bool
        Whether there is a display.
    """

    address: str | tuple[str, int]
    key: bytes
    reads_every_iteration: bool
    is_shown: bool

    @contextmanager
    def fit(
        self, label: str, total: int | None, fold: int | None = None
    ) -> Iterator[FitObserver | None]:
        """Observe one fit. If the process of the run does not answer, train without it."""
        try:
            connection = Client(self.address, authkey=self.key)
        except (OSError, EOFError, ProcessError):
            yield None
            return
        with connection:
            with suppress(OSError):
                connection.send((label, total))

            def send(event: IterationEvent | PartEvent) -> bool:
                return self._send(connection, event)

            pause = 0.0 if self.reads_every_iteration else _SECONDS_BETWEEN_EVENTS
            shown = _SECONDS_BETWEEN_EVENTS if self.is_shown else None
            yield FitObserver(send, total, fold, pause, shown)

    def _send(self, connection: Connection, event: IterationEvent | PartEvent) -> bool:
        try:
            connection.send(event)
            if not self.reads_every_iteration:
                return False
            answer = connection.recv()
        except (OSError, EOFError):  # the process of the run has ended
            return False
        if isinstance(answer, str):
            raise CallbackError(answer)
        return bool(answer)


@contextmanager
def accept_observers(run: RunObserver) -> Iterator[RemoteObserver]:
    """Accept fits in other processes while the enclosed block runs.

    Yields
    ------
    RemoteObserver
        To be passed to the other processes.
    """
    key = os.urandom(_KEY_BYTES)
    with Listener(authkey=key) as listener:
        thread = threading.Thread(
            target=_accept, args=(listener, run), name="sktrainer-observer", daemon=True
        )
        thread.start()
        try:
            shown = run.progress.enabled
            yield RemoteObserver(listener.address, key, run.reads_every_iteration, shown)
        finally:
            with suppress(OSError, EOFError), Client(listener.address, authkey=key) as last:
                last.send(None)
            thread.join(_SECONDS_TO_END)


def _accept(listener: Listener, run: RunObserver) -> None:
    """Start a thread for each connection, until one sends None."""
    threads = []
    while True:
        try:
            connection = listener.accept()
            first = connection.recv()
        except (OSError, EOFError, ProcessError):  # the other process ended, or is unknown
            continue
        if first is None:
            connection.close()
            break
        thread = threading.Thread(target=_receive, args=(connection, *first, run), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


def _receive(connection: Connection, label: str, total: int | None, run: RunObserver) -> None:
    """Pass the iterations of one fit on, until its process closes the connection."""
    last: IterationEvent | None = None
    with connection, ExitStack() as stack:
        display: FitDisplay | None = stack.enter_context(run.progress.fit_line(label, total))
        with suppress(OSError, EOFError):
            while True:
                # A fit that was interrupted may never close its connection.
                while not connection.poll(_SECONDS_BETWEEN_CHECKS):
                    if run.has_ended:
                        return
                event = connection.recv()
                last = event if isinstance(event, IterationEvent) else last
                try:
                    answer: bool | str = run.receive(event, display)
                except CallbackError as error:
                    answer = str(error)
                if run.reads_every_iteration:
                    connection.send(answer)
    run.fit_ended(label, last)

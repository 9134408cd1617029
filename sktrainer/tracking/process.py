"""Program that sends runs to one tracker: ``python -m sktrainer.tracking.process``.

The first line of its input are the settings of the tracker, each other line is a run. It ends
when the input ends and all runs are sent. A process of its own does not compete with the fit
for Python's global lock, leaves its environment and random generators alone, and survives it.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from sktrainer.tracking.mlflow import MlflowTracker
from sktrainer.tracking.sending import RunSender
from sktrainer.tracking.wandb import WandbTracker

SETTINGS: dict[str, type[MlflowTracker | WandbTracker]] = {
    "mlflow": MlflowTracker,
    "wandb": WandbTracker,
}
PAUSE = 0.1


def main(stream: TextIO) -> None:
    """Read the settings and the runs, and send them."""
    with suppress(AttributeError, OSError):
        os.nice(5)  # the fits need the processor more
    name, values = json.loads(stream.readline())
    tracker = SETTINGS[name](**values).open()
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(stream, lines), daemon=True).start()
    senders: list[RunSender] = []
    is_open = True
    while is_open or senders:
        while is_open and (not lines.empty() or not senders):
            line = lines.get()
            if line is None:
                is_open = False
            else:
                folder, outer_run = json.loads(line)
                senders.append(RunSender(Path(folder), tracker, name, outer_run))
        senders = [sender for sender in senders if not sender.step()]
        time.sleep(PAUSE)


def _read(stream: TextIO, lines: queue.SimpleQueue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


if __name__ == "__main__":
    main(sys.stdin)

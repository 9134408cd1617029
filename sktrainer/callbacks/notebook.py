"""Live display in a notebook: one output that is updated. Imported only when it is shown."""

from __future__ import annotations

import contextvars
import html
import io
import sys
import threading
from typing import Any

from rich.console import Console

from sktrainer.callbacks.progress_bars import REFRESH_PER_SECOND, ProgressBars

NOTEBOOK_WIDTH = 110
STYLE = (
    "margin:0; line-height:1.4; white-space:pre; overflow-x:auto; "
    "font-family:ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size:13px"
)


def notebook_shell() -> Any:
    """Return the shell of the notebook in which this process runs, or None."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    # The shells of Jupyter, VS Code and Colab are subclasses of this one.
    kinds = {kind.__name__ for kind in type(shell).__mro__}
    return shell if "ZMQInteractiveShell" in kinds else None


class NotebookBars(ProgressBars):
    """The lines of completed stages, and below them one line for each fit that is running.

    rich's own display needs ipywidgets, and its output is lost when a notebook is saved.
    """

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self._printed: list[str] = []
        self._display: Any = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def active(self) -> bool:
        """Whether lines are printed into this display."""
        return True

    def open(self, label: str, total: int | None) -> int | None:
        """Add a line and return its id."""
        line = self._add(label, total)
        if self._thread is None:
            self._ended.clear()
            # The output of a thread belongs to the cell whose context it has.
            context = contextvars.copy_context()
            self._thread = threading.Thread(
                target=context.run, args=(self._refresh,), name="sktrainer-display", daemon=True
            )
            self._thread.start()
        return line

    def close(self, line: int) -> None:
        """Remove a line."""
        self._lines.pop(line, None)
        if not self._lines and self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None
        self._show()

    def print(self, text: str) -> None:
        """Print a line above the lines of the fits that are running."""
        self._printed.append(text)
        self._show()

    def _refresh(self) -> None:
        while not self._ended.wait(1 / REFRESH_PER_SECOND):
            self._show()

    def _show(self) -> None:
        with self._lock:
            stream = io.StringIO()
            console = Console(
                file=stream,
                width=NOTEBOOK_WIDTH,
                height=24,
                force_jupyter=False,
                force_terminal=False,  # ipykernel asks for colors
                color_system=None,
            )
            console.print(self, end="")
            text = "\n".join([*self._printed, stream.getvalue().rstrip("\n")]).rstrip("\n")
            content = {"text/plain": text, "text/html": _page(text)}
            if self._display is None:
                from IPython.display import display

                self._display = display(content, raw=True, display_id=True)
            else:
                self._display.update(content, raw=True)


def _page(text: str) -> str:
    return f'<pre style="{STYLE}">{html.escape(text)}</pre>'

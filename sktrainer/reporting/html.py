"""Report as a self-contained HTML page and as an HTML fragment for notebooks."""

from __future__ import annotations

import os
import uuid
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from sktrainer.reporting.page_context import page_context

if TYPE_CHECKING:
    from sktrainer.reporting.report import TrainingReport

__all__ = ["render_fragment", "render_page", "write_beside"]


def render_page(report: TrainingReport) -> str:
    """Return a complete HTML page with embedded styles and plots."""
    title = escape(f"{report.estimator}: training report")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n"
        "html { color-scheme: light dark; background: light-dark(#ffffff, #14171b); }\n"
        "body { margin: 0; }\n@media print { html { color-scheme: light; } }\n"
        f"{_style()}</style>\n</head>\n<body>\n"
        f'<main class="skt-report">{page_context(report)}</main>\n</body>\n</html>\n'
    )


def render_fragment(report: TrainingReport) -> str:
    """Return an HTML element for notebooks. Its styles do not affect other elements."""
    return (
        f'<style>\n{_style()}</style><div class="skt-report skt-fragment">'
        f"{page_context(report)}</div>"
    )


def write_beside(path: Path, text: str) -> Path:
    """Write a text file atomically: write a temporary file, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A unique name keeps two processes from writing to the same temporary file.
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _style() -> str:
    return (
        resources.files("sktrainer.reporting")
        .joinpath("templates/report.css")
        .read_text("utf-8")
    )

"""Printing of tables and JSON."""

from __future__ import annotations

import json
import math
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import click

from sktrainer.cli._wording import one_line

#: Spaces between the columns of a table in a terminal.
_BETWEEN = 3

#: Width of text that is not printed in a terminal, and its maximum width in one.
_WIDTH = 100


def text_width() -> int:
    """Return the width of the terminal, at most 100, or 100 in a pipe."""
    if not sys.stdout.isatty():
        return _WIDTH
    return min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns)


def print_text(text: str, *, indent: str = "") -> None:
    """Print a paragraph, wrapped in a terminal. Further lines start with `indent`."""
    if sys.stdout.isatty():
        text = textwrap.fill(text, text_width(), subsequent_indent=indent)
    click.echo(text)


def print_json(document: object) -> None:
    """Print a value as JSON; NaN and infinity become null, tables a list of rows."""
    click.echo(json.dumps(plain(document), indent=2, ensure_ascii=False))


def plain(value: Any) -> Any:
    """Convert NumPy values, tables, dates and paths to values that JSON has.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"auc": np.float64("nan"), 1: (np.int64(2), True)})
    {'auc': None, '1': [2, True]}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a DataFrame
        return [plain(row) for row in value.to_dict(orient="records")]
    if hasattr(value, "tolist"):  # a NumPy value or array
        return plain(value.tolist())
    return None if str(value) in ("NaT", "<NA>") else str(value)


def format_value(value: object) -> str:
    """Return a value as text: numbers with four significant decimals, "" if it is missing.

    Examples
    --------
    >>> format_value(0.123456), format_value(12), format_value(float("nan")), format_value(None)
    ('0.1235', '12', '', '')
    """
    if value is None or value != value or str(value) in ("NaT", "<NA>"):
        return ""
    if isinstance(value, float):
        small = value != 0 and abs(value) < 1e-3
        return f"{value:.3g}" if small or abs(value) >= 1e6 else f"{value:.4f}"
    return str(value)


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = ""
) -> None:
    """Print a table: with lines and wrapped cells in a terminal, else as aligned text.

    If a terminal is too narrow for the longest words, each row is a list of its cells.

    Columns whose values are all numbers are aligned to the right.
    """
    cells = [[format_value(value) for value in row] for row in rows]
    numeric = [
        all(isinstance(row[column], int | float) or row[column] is None for row in rows)
        for column in range(len(header))
    ]
    if sys.stdout.isatty():
        _print_rich(header, cells, numeric, title)
        return
    if title:
        click.echo(title)
    titles = [list(header)] if any(header) else []
    for line in align([*titles, *cells], numeric):
        click.echo(line)


def align(rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> list[str]:
    """Return one line per row, with columns separated by two spaces.

    Examples
    --------
    >>> align([["set", "auc"], ["test", "0.91"]], [False, True])
    ['set    auc', 'test  0.91']
    """
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(len(numeric))]
    return [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    ]


def _print_rich(
    header: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], title: str
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    widths = [_longest_word(column) for column in zip(header, *cells, strict=True)]
    if sum(widths) + _BETWEEN * len(widths) > console.width:
        _print_records(header, cells, title)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(header))
    for name, right, width in zip(header, numeric, widths, strict=True):
        table.add_column(
            Text(name), justify="right" if right else "left", overflow="fold", min_width=width
        )
    for row in cells:
        table.add_row(*map(Text, row))  # Text: a value such as "[red]" is not markup
    if title:
        console.print(Text(title))
    console.print(table)


def _longest_word(column: Sequence[str]) -> int:
    return max((len(word) for text in column for word in text.split()), default=0)


def _print_records(header: Sequence[str], cells: Sequence[Sequence[str]], title: str) -> None:
    """Print one line per cell, for a terminal in which a table would break words."""
    click.echo(title, nl=bool(title))
    for number, row in enumerate(cells):
        click.echo("\n" * (number > 0), nl=False)
        named = [[name, text] for name, text in zip(header, row, strict=True) if text]
        for line in align(named, [False, False]):
            click.echo(line)


def show_warning(text: str) -> None:
    """Print a warning as one line on stderr."""
    click.echo(f"warning: {one_line(text)}", err=True)


def show_note(text: str) -> None:
    """Print what a command did without being asked, on stderr."""
    click.echo(f"note: {text}", err=True)


def print_frame(frame: Any) -> None:
    """Print a DataFrame with its index, as `print_table` does."""
    header = ["" if frame.index.name is None else str(frame.index.name), *map(str, frame)]
    values = frame.to_numpy(dtype=object).tolist()
    rows = [[str(label), *row] for label, row in zip(frame.index, values, strict=True)]
    print_table(header, rows)

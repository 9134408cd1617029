"""HTML elements of the report page. Every string argument is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from sktrainer.results.formats import (
    format_column,
    format_count,
    format_percent,
)

__all__ = [
    "bars",
    "chain",
    "class_bars",
    "code_table",
    "confusion_table",
    "details",
    "frame_table",
    "paragraph",
    "section",
    "split_bar",
    "tiles",
]

_MOST_ROWS = 1000
_MOST_CLASSES = 30
# Above these shares the background of a cell needs text in a contrasting color. The dark
# theme switches at the lower threshold (skt-full), the light theme at the higher one.
_SHADES = {"skt-full skt-deep": 0.8, "skt-full": 0.62}


def section(title: str, *content: str, kind: str = "") -> str:
    """Return a section with a title, or an empty string if it has no content."""
    body = "".join(content)
    return f'<section class="{kind}"><h3>{escape(title)}</h3>{body}</section>' if body else ""


def paragraph(text: str, *, muted: bool = False) -> str:
    """Return a paragraph, or an empty string if there is no text."""
    attribute = ' class="skt-muted"' if muted else ""
    return f"<p{attribute}>{escape(text)}</p>" if text else ""


def tiles(values: Mapping[str, tuple[str, str]]) -> str:
    """Return large numbers with their names below, each with optional small text."""
    cells = [
        f'<div class="skt-tile"><b>{escape(number)}'
        f"{f' <small>{escape(small)}</small>' if small else ''}</b>"
        f"<span>{escape(name)}</span></div>"
        for name, (number, small) in values.items()
    ]
    return f'<div class="skt-tiles">{"".join(cells)}</div>' if cells else ""


def details(summary: str, content: str, *, note: str = "", is_open: bool = False) -> str:
    """Return a collapsible block."""
    addition = f' <span class="skt-muted">{escape(note)}</span>' if note else ""
    return (
        f"<details{' open' if is_open else ''}><summary>{escape(summary)}{addition}</summary>"
        f"{content}</details>"
    )


def frame_table(
    frame: pd.DataFrame,
    *,
    index: bool = True,
    strong: frozenset[str] = frozenset(),
    foot: pd.DataFrame | None = None,
) -> str:
    """Return a table with right-aligned numbers and at most 1,000 rows.

    Parameters
    ----------
    frame : DataFrame
    index : bool, default=True
        Whether to show the index as row names.
    strong : frozenset of str
        Index labels of the rows to highlight.
    foot : DataFrame or None
        Footer rows of strings. They are matched to the columns of `frame` by name.
    """
    shown = frame.head(_MOST_ROWS)
    numeric = [pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]
    head = [f"<th>{escape(_index_name(frame))}</th>"] if index else []
    head += [
        f"<th{_number_class(is_number)}>{escape(str(name))}</th>"
        for name, is_number in zip(frame.columns, numeric, strict=True)
    ]
    columns = [format_column(shown.iloc[:, i].tolist()) for i in range(shown.shape[1])]
    rows = []
    for position, label in enumerate(map(str, shown.index)):
        named = f"<th>{escape(label)}</th>" if index else ""
        attribute = ' class="skt-strong"' if label in strong else ""
        cells = _cells([column[position] for column in columns], numeric)
        rows.append(f"<tr{attribute}>{named}{cells}</tr>")
    if len(frame) > _MOST_ROWS:
        more = f"… {len(frame) - _MOST_ROWS:,} more rows"
        rows.append(f'<tr><td colspan="{len(head)}">{more}</td></tr>')
    return (
        f'<div class="skt-wide"><table><thead><tr>{"".join(head)}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody>{_foot(frame, numeric, foot)}</table></div>"
    )


def _index_name(frame: pd.DataFrame) -> str:
    return "" if frame.index.name is None else str(frame.index.name)


def _number_class(is_number: bool) -> str:
    return ' class="skt-n"' if is_number else ""


def _cells(texts: Sequence[str], numeric: Sequence[bool]) -> str:
    return "".join(
        f"<td{_number_class(is_number)}>{escape(text)}</td>"
        for text, is_number in zip(texts, numeric, strict=True)
    )


def _foot(frame: pd.DataFrame, numeric: Sequence[bool], foot: pd.DataFrame | None) -> str:
    if foot is None:
        return ""
    texts = foot.reindex(columns=frame.columns, fill_value="")
    rows = "".join(
        f"<tr><th>{escape(str(label))}</th>{_cells(list(map(str, cells)), numeric)}</tr>"
        for label, *cells in texts.itertuples(name=None)
    )
    return f"<tfoot>{rows}</tfoot>"


def code_table(values: Mapping[str, Any]) -> str:
    """Return a table of names and values, formatted as code."""
    rows = "".join(
        f"<tr><th><code>{escape(str(name))}</code></th>"
        f"<td><code>{escape(str(value))}</code></td></tr>"
        for name, value in values.items()
    )
    return f'<div class="skt-wide"><table><tbody>{rows}</tbody></table></div>' if rows else ""


def bars(rows: Iterable[tuple[str, Sequence[float], str]]) -> str:
    """Return a bar chart with one row per name: its bars, followed by a text.

    All bars share one scale. Bars of negative values have a different color.
    """
    listed = list(rows)
    longest = max((abs(value) for _, values, _ in listed for value in values), default=0) or 1
    lines = []
    for name, values, text in listed:
        strokes = "".join(
            _stroke(value / longest, second=i > 0) for i, value in enumerate(values)
        )
        lines.append(
            f'<tr>{_name_cell(name)}<td class="skt-bar">{strokes}</td>'
            f'<td class="skt-n">{escape(text)}</td></tr>'
        )
    return f'<table class="skt-bars"><tbody>{"".join(lines)}</tbody></table>' if lines else ""


def _stroke(share: float, *, second: bool) -> str:
    kind = "skt-negative" if share < 0 else "skt-second" if second else ""
    return f'<i class="{kind}" style="width:{100 * abs(share):.1f}%"></i>'


def class_bars(before: Mapping[str, float], after: Mapping[str, float] | None = None) -> str:
    """Return a bar chart of the class counts before and, optionally, after resampling."""
    total = sum(before.values()) or 1
    names = sorted(before, key=lambda name: -before[name])[:_MOST_CLASSES]
    rows = []
    for name in names:
        text = f"{format_count(before[name])} ({format_percent(before[name] / total)})"
        values = [before[name]]
        if after is not None:
            values.append(after.get(name, 0.0))
            text += f" → {format_count(values[-1])}"
        rows.append((name, values, text))
    more = len(before) - len(names)
    return bars(rows) + (paragraph(f"… {more:,} more classes", muted=True) if more else "")


def chain(steps: Mapping[str, str]) -> str:
    """Return the steps of a pipeline in order, each with its class name."""
    links = [
        f"<span><b>{escape(kind)}</b> <small>{escape(name)}</small></span>"
        for name, kind in steps.items()
    ]
    return f'<div class="skt-chain">{"<i>→</i>".join(links)}</div>' if links else ""


def split_bar(rows: Mapping[str, int]) -> str:
    """Return one bar divided in proportion to the sizes of the sets, and its legend."""
    total = sum(rows.values()) or 1
    known = {"train", "validation", "test"}
    kinds = {part: f"skt-{part}" if part in known else "skt-train" for part in rows}
    parts = "".join(
        f'<i class="{kinds[part]}" style="flex:{max(n, 0)} 0 0"></i>'
        for part, n in rows.items()
    )
    key = "".join(
        f'<span><i class="{kinds[part]}"></i>{escape(part)} {n:,} rows '
        f'<span class="skt-muted">({format_percent(n / total)})</span></span>'
        for part, n in rows.items()
    )
    return f'<div class="skt-split">{parts}</div><div class="skt-key">{key}</div>'


def confusion_table(confusion: pd.DataFrame) -> str:
    """Return a confusion matrix, shaded by the share of each true class (row)."""
    counts = confusion.to_numpy(dtype=float)
    totals = counts.sum(axis=1)
    head = "".join(map(_name_cell, confusion.columns))
    rows = []
    for label, row, total in zip(confusion.index, counts, totals, strict=True):
        cells = "".join(_confusion_cell(count, total) for count in row)
        rows.append(f"<tr>{_name_cell(label)}{cells}</tr>")
    return (
        f'<div class="skt-wide"><table class="skt-confusion"><thead><tr><th></th>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _name_cell(label: Any) -> str:
    """Return a header cell whose tooltip shows the full name, as CSS may truncate it."""
    name = escape(str(label))
    return f'<th title="{name}">{name}</th>'


def _confusion_cell(count: float, total: float) -> str:
    share = count / total if total else 0.0
    kind = next((name for name, least in _SHADES.items() if share > least), "")
    kind = f' class="{kind}"' if kind else ""
    small = f"<small>{format_percent(share)}</small>" if count else ""
    return f'<td{kind} style="--share:{100 * share:.0f}%">{format_count(count)}{small}</td>'

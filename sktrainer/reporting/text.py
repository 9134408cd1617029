"""Report and tables as plain text, aligned and at most 100 characters wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sktrainer.reporting import key_metrics, sentences
from sktrainer.reporting.confusion import has_many_classes, most_confused
from sktrainer.reporting.formats import (
    format_bytes,
    format_column,
    format_number,
    format_seconds,
    format_time,
)

if TYPE_CHECKING:
    from sktrainer.reporting.report import TrainingReport

__all__ = ["label_lines", "render_text", "score_table", "text_table"]


WIDTH = 100


def render_text(report: TrainingReport) -> str:
    """Return the full report as text, at most 100 characters wide."""
    title = f"{report.estimator} for {report.task}, {format_time(report.created)}"
    quoted = key_metrics.key_metrics_line(report, limit=3)
    blocks = [f"{title}\n{quoted[:1].upper()}{quoted[1:]}", label_lines(_decisions(report))]
    if not report.scores.empty:
        note = f"\n{report.scores_note}" if report.scores_note else ""
        blocks.append(score_table(report.scores) + note)
    if report.folds is not None and not report.folds.empty:
        blocks.append(_folds_text(report))
    if report.attempts is not None:
        blocks.append(f"Attempts\n{text_table(sentences.attempts_table(report.attempts))}")
    if report.confusion is not None:
        blocks.append(_confusion_text(report.confusion, report.confusion_set))
    blocks.append(label_lines(_environment_text(report)))
    if report.notes:
        notes = "\n".join(map(_bullet, report.notes))
        blocks.append(f"Notes\n{notes}")
    return "\n\n".join(block for block in blocks if block)


def _confusion_text(confusion: pd.DataFrame, part: str) -> str:
    if not has_many_classes(confusion):
        title = f"Confusion matrix ({part} rows), true classes in rows, predicted in columns"
        return f"{title}\n{text_table(confusion)}"
    wrong = most_confused(confusion)
    title = f"Most frequent confusions ({part} rows), {len(confusion):,} classes in total"
    return "" if wrong.empty else f"{title}\n{text_table(wrong, index=False)}"


def _bullet(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="- ", subsequent_indent="  ")


def _decisions(report: TrainingReport) -> list[tuple[str, str]]:
    split = sentences.describe_split(report.split)
    if report.split.get("reason"):
        split = f"{split} ({report.split['reason']})"
    rows = [
        ("Data", sentences.describe_data(report)),
        ("Split", split),
        ("Steps", sentences.describe_steps(report.steps)),
        ("Columns", sentences.describe_preprocessing(report.preprocessing)),
        (
            "Imbalance",
            sentences.describe_imbalance(report.imbalance) if report.imbalance else "",
        ),
        ("Fit", sentences.fit_sentence(report)),
    ]
    return [(name, text) for name, text in rows if text]


def _folds_text(report: TrainingReport) -> str:
    assert report.folds is not None
    text = f"Folds\n{text_table(sentences.folds_table(report.folds))}"
    if report.cv_summary is None:
        return text
    means = ", ".join(
        f"{name} {format_number(row['mean'])} ± {format_number(row['std'], 2)}"
        for name, row in report.cv_summary.iterrows()
    )
    return f"{text}\n{label_lines([('Mean ± std', means)])}"


def _environment_text(report: TrainingReport) -> list[tuple[str, str]]:
    rows = []
    if report.importances is not None and len(report.importances):
        top = sentences.top_importances(report.importances, 8)
        numbers = zip(top.index, format_column(top.tolist()), strict=True)
        text = ", ".join(f"{name} {number}" for name, number in numbers)
        if report.importance_kind:
            text += f"; source: {report.importance_kind} of the model"
        rows.append(("Importances", text))
    if not report.stages.empty:
        threads = sentences.describe_resources(report.fitting)
        rows.append(("Time", "; ".join(filter(None, (_stages_text(report.stages), threads)))))
    if report.seeds:
        rows.append(("Seeds", ", ".join(f"{name} {n}" for name, n in report.seeds.items())))
    if report.data.get("fingerprint"):
        rows.append(("Fingerprint", report.data["fingerprint"]))
    if report.versions:
        rows.append(("Versions", ", ".join(f"{k} {v}" for k, v in report.versions.items())))
    return rows


def _stages_text(stages: pd.DataFrame) -> str:
    seconds = zip(stages["stage"], stages["seconds"], strict=True)
    named = [f"{stage} {format_seconds(float(spent))}" for stage, spent in seconds]
    peak = stages["peak_memory_mb"].max() if "peak_memory_mb" in stages else float("nan")
    tail = f"; peak memory {format_bytes(peak)}" if peak == peak else ""
    return ", ".join(named) + tail


def label_lines(rows: Sequence[tuple[str, str]], *, width: int = WIDTH) -> str:
    """Format labels on the left and wrapped, aligned text on the right.

    Examples
    --------
    >>> print(label_lines([("Data", "10 rows"), ("Split", "random")]))
    Data   10 rows
    Split  random
    """
    margin = max((len(name) for name, _ in rows), default=0) + 2
    lines = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, width - margin, break_on_hyphens=False) or [""]
        lines.append(f"{name:<{margin}}{wrapped[0]}".rstrip())
        lines.extend(" " * margin + line for line in wrapped[1:])
    return "\n".join(lines)


def text_table(
    frame: pd.DataFrame, *, index: bool = True, max_rows: int = 20, width: int = WIDTH
) -> str:
    """Format a table as text, with the index on the left and right-aligned numbers.

    Parameters
    ----------
    frame : DataFrame
    index : bool, default=True
        Whether to show the index.
    max_rows : int, default=20
        Only the first `max_rows` rows are shown.
    width : int, default=100
        Columns that exceed this width continue in a block below, with the same index.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"accuracy": [0.8912], "f1": [0.5]}, index=["train"])
    >>> print(text_table(scores))
           accuracy     f1
    train     0.891  0.500
    """
    shown = frame.iloc[:max_rows]
    columns = []
    for position, name in enumerate(shown.columns):
        values = shown.iloc[:, position]
        cells = format_column(values.tolist())
        columns.append(_aligned(str(name), cells, left=not _is_numeric(values)))
    title = "" if shown.index.name is None else str(shown.index.name)
    labels = [str(label) for label in shown.index]
    left = _aligned(title, labels, left=True) if index else None
    blocks = [_joined(block) for block in _wrap_columns(left, columns, width)]
    if len(frame) > max_rows:
        blocks.append(f"… {len(frame) - max_rows:,} more rows")
    return "\n".join(blocks)


def score_table(scores: pd.DataFrame) -> str:
    """Format scores, with one row per set and one column per metric.

    Examples
    --------
    >>> import pandas as pd
    >>> print(score_table(pd.DataFrame({"r2": [0.98765, 0.9]}, index=["train", "test"])))
              r2
    train  0.988
    test   0.900
    """
    return text_table(scores)


def _is_numeric(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        return True
    return all(value is None or hasattr(value, "__float__") for value in column)


def _aligned(title: str, cells: Sequence[str], *, left: bool) -> list[str]:
    width = max(len(text) for text in (title, *cells))
    return [text.ljust(width) if left else text.rjust(width) for text in (title, *cells)]


def _wrap_columns(
    left: list[str] | None, columns: Sequence[list[str]], width: int
) -> list[list[list[str]]]:
    """Divide columns into blocks that fit into `width`, each starting with the index."""
    lead = [] if left is None else [left]
    start = sum(len(column[0]) + 2 for column in lead)
    blocks: list[list[list[str]]] = [list(lead)]
    used = start
    for column in columns:
        needed = len(column[0]) + 2
        if used + needed - 2 > width and len(blocks[-1]) > len(lead):
            blocks.append(list(lead))
            used = start
        blocks[-1].append(column)
        used += needed
    return blocks


def _joined(columns: Sequence[Sequence[str]]) -> str:
    return "\n".join("  ".join(cells).rstrip() for cells in zip(*columns, strict=True))

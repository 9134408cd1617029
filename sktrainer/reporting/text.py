"""Report and tables as plain text, aligned and at most 100 characters wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import pandas as pd

from sktrainer.reporting import key_metrics, monitoring_text, sentences
from sktrainer.reporting.confusion import MOST_CLASSES, most_confused, scores_per_class
from sktrainer.reporting.content import ReportContent
from sktrainer.reporting.evaluation_text import describe_evaluation
from sktrainer.reporting.formats import (
    capitalize,
    format_column,
    format_time,
    is_numeric,
)
from sktrainer.reporting.score_tables import folds_summary, scores_table

WIDTH = 100
MOST_METRICS = 4
MOST_CLASSES_AS_TEXT = 20  # a wider matrix would be continued below


def render_text(report: ReportContent, *, width: int = WIDTH) -> str:
    """Return the full report as text, at most `width` characters wide."""
    title = "\n".join(textwrap.fill(line, width) for line in title_lines(report))
    alerts = _listed("Alerts", map(monitoring_text.describe_alert, report.alerts), width)
    blocks = [title, alerts, label_lines(decisions(report), width=width)]
    if not report.scores.empty:
        names = report.metric_names
        table = scores_text(
            report.scores, report.baseline, names, report.intervals, width=width
        )
        below = [textwrap.fill(n, width) for n in (report.scores_note, report.intervals_note)]
        blocks.append("\n".join(filter(None, [table, *below])))
    if report.folds is not None and not report.folds.empty:
        blocks.append(_folds_text(report, width))
    if report.attempts is not None:
        attempts = sentences.attempts_table(report.attempts)
        blocks.append(f"Attempts\n{text_table(attempts, width=width)}")
    if report.confusion is not None:
        blocks.append(_confusion_text(report.confusion, report.confusion_set, width))
        if 2 < len(report.confusion) <= MOST_CLASSES:
            per_class = scores_per_class(report.confusion)
            table = text_table(per_class, max_rows=MOST_CLASSES, width=width)
            blocks.append(f"Scores per class ({report.confusion_set} rows)\n{table}")
    facts = [*describe_evaluation(report), *environment_lines(report)]
    blocks.append(label_lines(facts, width=width))
    if report.findings:
        lines = [
            (f"{f['code']} {f['severity']}", sentences.describe_finding(f))
            for f in report.findings
        ]
        blocks.append(f"Data audit\n{label_lines(lines, width=width)}")
    blocks.append(_listed("Notes", monitoring_text.other_notes(report), width))
    warnings = [monitoring_text.describe_warning(warning) for warning in report.warnings]
    blocks.append(_listed("Warnings of libraries", warnings, width))
    if report.code:
        blocks.append(f"Code that repeats this fit\n{report.code}")
    if report.command:
        blocks.append(f"Command that repeats this fit\n{report.command}")
    return "\n\n".join(filter(None, blocks))


def _listed(title: str, items: Iterable[str], width: int) -> str:
    """Return a list with a title; empty without items."""
    wrap = partial(textwrap.fill, width=width, initial_indent="- ", subsequent_indent="  ")
    return "\n".join([title, *lines]) if (lines := list(map(wrap, items))) else ""


def render_summary(report: ReportContent) -> str:
    """Return key metrics, data, fit and scores in at most 12 lines.

    Longer facts are shortened, and metrics that do not fit into one line are omitted.
    """
    shorten = partial(textwrap.shorten, placeholder=" …")
    facts = [
        (name, shorten(text, WIDTH - 7))
        for name, text in decisions(report)
        if name in ("Data", "Split", "Fit")
    ]
    title = "\n".join(shorten(line, WIDTH) for line in title_lines(report))
    blocks = [title, label_lines(facts)]
    if not report.scores.empty:
        imbalanced = report.data.get("imbalanced", False)
        names = [str(name) for name in report.scores]
        first = key_metrics.rank_metrics(names, MOST_METRICS, imbalanced=imbalanced)
        blocks.append(scores_text(report.scores[first], report.baseline, report.metric_names))
    return "\n\n".join(filter(None, blocks))


def scores_text(
    scores: pd.DataFrame,
    baseline: pd.DataFrame,
    names: Mapping[str, str],
    intervals: pd.DataFrame | None = None,
    *,
    width: int = WIDTH,
) -> str:
    """Return scores and those of a constant prediction as a table with one row per metric."""
    table = scores_table(scores, baseline, names, intervals)
    return text_table(table, max_rows=50, width=width, numbers=True)


def folds_text(
    summary: pd.DataFrame,
    n_folds: int,
    names: Mapping[str, str],
    *,
    width: int = WIDTH,
    columns: Sequence[str] | None = None,
) -> str:
    """Return the mean scores of the folds as a table with one row per metric.

    A narrow table has only some `columns`.
    """
    table = folds_summary(summary, n_folds, names)
    table = table if columns is None else table[list(columns)]
    return text_table(table, max_rows=50, width=width, numbers=True)


def title_lines(report: ReportContent) -> tuple[str, str]:
    """Return the model with the time of the fit, and the key scores."""
    when, scores = format_time(report.created), key_metrics.key_metrics_line(report, limit=3)
    return f"{report.estimator} for {report.task}, {when}", capitalize(scores)


def decisions(report: ReportContent) -> list[tuple[str, str]]:
    """Return a label and a sentence for each decision that is known."""
    imbalance = report.imbalance
    split = sentences.describe_split(report.split)
    if report.split.get("reason"):
        split = f"{split} ({report.split['reason']})"
    rows = [
        ("Data", sentences.describe_data(report)),
        ("Split", split),
        ("Steps", sentences.describe_steps(report.steps)),
        ("Columns", sentences.describe_preprocessing(report.preprocessing)),
        ("Imbalance", sentences.describe_imbalance(imbalance) if imbalance else ""),
        ("Fit", sentences.fit_sentence(report)),
    ]
    return [(name, text) for name, text in rows if text]


def _confusion_text(confusion: pd.DataFrame, name: str, width: int) -> str:
    if len(confusion) <= MOST_CLASSES_AS_TEXT:
        title = f"Confusion matrix ({name} rows), true classes in rows, predicted in columns"
        return f"{textwrap.fill(title, width)}\n{text_table(confusion, width=width)}"
    wrong = most_confused(confusion)
    title = f"Most frequent confusions ({name} rows), {len(confusion):,} classes in total"
    table = text_table(wrong.set_index("true"), width=width)
    return "" if wrong.empty else f"{title}\n{table}"


def _folds_text(report: ReportContent, width: int) -> str:
    assert report.folds is not None
    folds = sentences.folds_table(report.folds, report.metric_names)
    text = f"Folds\n{text_table(folds, width=width, numbers='error' not in folds.index)}"
    if report.cv_summary is None:
        return text
    names = report.metric_names
    means = folds_text(report.cv_summary, len(report.folds), names, width=width)
    note = textwrap.fill(report.folds_note, width)
    return f"{text}\n\nScores over the folds\n{means}\n{note}".rstrip()


def environment_lines(report: ReportContent) -> list[tuple[str, str]]:
    """Return importances, time, seeds, changed parameters, fingerprint and versions."""
    importances = time = ""
    if report.importances is not None and len(report.importances):
        top = sentences.top_importances(report.importances, 8)
        numbers = zip(top.index, format_column(top.tolist()), strict=True)
        importances = ", ".join(f"{name} {number}" for name, number in numbers)
        if report.importance_kind:
            importances += f"; source: {report.importance_kind} of the model"
    if not report.stages.empty:
        named = monitoring_text.describe_stages(report.stages)
        resources = monitoring_text.describe_resources(report.fitting)
        used = monitoring_text.describe_usage(report.fitting)
        time = "; ".join(filter(None, [named, used, resources]))
    rows = [
        ("Importances", importances),
        ("Permutation", sentences.describe_permutation(report)),
        ("Time", time),
        ("Seeds", ", ".join(f"{name} {seed}" for name, seed in report.seeds.items())),
        ("Parameters", sentences.describe_changed_parameters(report)),
        ("Fingerprint", report.data.get("fingerprint") or ""),
        ("Versions", ", ".join(f"{name} {v}" for name, v in report.versions.items())),
    ]
    return [(name, text) for name, text in rows if text]


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
    frame: pd.DataFrame, *, max_rows: int = 20, width: int = WIDTH, numbers: bool = False
) -> str:
    """Format a table as text, with the index on the left and right-aligned numbers.

    Parameters
    ----------
    frame : DataFrame
    max_rows : int, default=20
        Only the first `max_rows` rows are shown.
    width : int, default=100
        Columns that exceed this width continue in a block below, with the same index.
    numbers : bool, default=False
        Whether the table holds numbers as text, so that all columns are right-aligned.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"accuracy": [0.8912], "f1": [0.5]}, index=["train"])
    >>> print(text_table(scores))
           accuracy     f1
    train     0.891  0.500
    """
    shown = frame.head(max_rows)
    if shown.empty:
        return "  ".join(map(str, shown.columns))
    titles, columns = [], {}
    for position, name in enumerate(shown.columns):
        values = shown.iloc[:, position]
        cells = [str(name), *format_column(values.tolist())]
        # pandas writes two spaces between columns only if the cells are as wide as the title.
        align = str.rjust if numbers or is_numeric(values) else str.ljust
        size = max(map(len, cells))
        title, *columns[position] = [align(text, size) for text in cells]
        titles.append(title)
    table = pd.DataFrame(columns).set_axis(titles, axis="columns")
    table.index = shown.index.map(str)
    # pandas prints the name of the columns above the index, in the same line as the columns.
    table.index.name, table.columns.name = None, shown.index.name
    # pandas ends the first line of each block but the last with a backslash.
    lines = [
        line.removesuffix("  \\").rstrip()
        for line in table.to_string(line_width=width).splitlines()
    ]
    if len(frame) > max_rows:
        lines.append(f"… {len(frame) - max_rows:,} more rows")
    return "\n".join(lines)

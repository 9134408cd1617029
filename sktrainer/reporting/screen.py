"""Report as text of one screen: 50 lines of 100 characters."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping, Sequence
from math import isnan

import pandas as pd

from sktrainer.reporting import monitoring_text, sentences
from sktrainer.reporting.confusion import has_many_classes, scores_per_class
from sktrainer.reporting.content import ReportContent
from sktrainer.reporting.evaluation_text import describe_evaluation
from sktrainer.reporting.formats import MISSING, format_column, format_number
from sktrainer.reporting.key_metrics import rank_metrics
from sktrainer.reporting.score_tables import CONSTANT, INTERVAL, interval_text
from sktrainer.reporting.text import (
    WIDTH,
    decisions,
    environment_lines,
    label_lines,
    render_text,
    text_table,
    title_lines,
)

LINES = 50
MOST_METRICS = 10
MOST_CLASSES = 4
ALERT_LINES = 12
_MORE = "The whole report: print(report.full()), report.to_html(path)"


def render_screen(report: ReportContent) -> str:
    """Return the whole report if it fits on one screen, otherwise its most important parts."""
    full = render_text(report)
    if full.count("\n") < LINES:
        return full
    title = "\n".join(textwrap.fill(line, WIDTH) for line in title_lines(report))
    alerts = [
        _shortened(f"- {monitoring_text.describe_alert(a)}", 3, "  ") for a in report.alerts
    ]
    blocks = [
        title,
        _fitting_lines("Alerts", alerts, ALERT_LINES),
        _labeled(decisions(report), 2),
        scores_block(report),
    ]
    confusion = report.confusion
    if confusion is not None and len(confusion) <= MOST_CLASSES:
        head = f"Confusion matrix ({report.confusion_set} rows), true classes in rows"
        blocks.append(f"{head}\n{text_table(confusion)}")
    elif confusion is not None and not has_many_classes(confusion):
        blocks.append(_worst_classes(report))
    facts = [
        row for row in environment_lines(report) if row[0] not in ("Fingerprint", "Versions")
    ]
    blocks.append(_labeled([*describe_evaluation(report), *facts], 2))
    blocks = [block for block in blocks if block]
    left = LINES - sum(block.count("\n") + 2 for block in blocks) - 1
    findings = [
        (f"{f['code']} {f['severity']}", sentences.describe_finding(f)) for f in report.findings
    ]
    audit = _fitting_lines("Data audit", [_labeled([row], 2) for row in findings], left - 5)
    left -= audit.count("\n") + 2 if audit else 0
    items = monitoring_text.other_notes(report)
    items += [monitoring_text.describe_warning(warning) for warning in report.warnings]
    notes = [_shortened(f"- {text}", 2, "  ") for text in items]
    blocks += filter(None, [audit, _fitting_lines("Notes", notes, left - 1)])
    return "\n\n".join([*blocks, _MORE])


def scores_block(report: ReportContent) -> str:
    """Return one table of all scores: sets, interval, constant, and mean of the folds."""
    summary = report.cv_summary
    if report.scores.empty and summary is None:
        return ""
    names = [str(n) for n in (summary.index if report.scores.empty else report.scores)]  # type: ignore[union-attr]
    shown = rank_metrics(names, MOST_METRICS, imbalanced=report.data.get("imbalanced", False))
    last = str(report.scores.index[-1]) if len(report.scores) else ""
    of_all_metrics = {} if summary is None else summary.to_dict("index")
    rows = {}
    for name in (each for each in names if each in shown):
        row = {}
        if last:
            baseline = report.baseline
            constant = baseline.loc[last, name] if last in baseline.index else float("nan")
            values = [float(v) for v in (*report.scores[name], constant)]
            sets = [str(each) for each in report.scores.index]
            row = dict(zip([*sets, CONSTANT], format_column(values), strict=True))
        if report.intervals is not None:
            row[f"{last} {INTERVAL}"] = interval_text(report.intervals, name)
        if summary is not None and report.folds is not None and name in of_all_metrics:
            of_folds = of_all_metrics[name]
            row[f"{len(report.folds)} folds"] = _mean_and_std(of_folds)
            if CONSTANT not in row:
                row[CONSTANT] = format_number(of_folds.get(CONSTANT))
        rows[report.shown(name)] = row
    table = pd.DataFrame.from_dict(rows, orient="index").fillna(MISSING)
    if (table.get(CONSTANT, pd.Series(dtype=object)) == MISSING).all():
        table = table.drop(columns=CONSTANT, errors="ignore")
    text = text_table(table, max_rows=MOST_METRICS, numbers=True)
    notes = [report.scores_note]
    if MISSING in table.get(f"{last} {INTERVAL}", pd.Series(dtype=object)).to_list():
        notes.append(report.intervals_note)  # says why an interval is missing
    return "\n".join([text, *(_shortened(note, 2) for note in notes if note)])


def _mean_and_std(row: Mapping[Hashable, float]) -> str:
    mean = format_number(row["mean"])
    return mean if isnan(row["std"]) else f"{mean} ± {format_number(row['std'], 2)}"


def _worst_classes(report: ReportContent) -> str:
    """Return the classes with the lowest F1."""
    assert report.confusion is not None
    table = scores_per_class(report.confusion)
    worst = table.sort_values("f1", kind="stable").head(MOST_CLASSES)
    head = f"Classes with the lowest F1 ({report.confusion_set} rows), of {len(table)} classes"
    return f"{head}\n{text_table(worst)}"


def _labeled(rows: Sequence[tuple[str, str]], n_lines: int) -> str:
    """Return labeled facts of at most `n_lines` lines each."""
    margin = max((len(name) for name, _ in rows), default=0) + 2
    size = n_lines * (WIDTH - margin) - 8 * n_lines  # a wrapped line is rarely full
    return label_lines(
        [(name, textwrap.shorten(text, size, placeholder=" …")) for name, text in rows]
    )


def _shortened(text: str, n_lines: int, indent: str = "") -> str:
    lines = textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, max_lines=n_lines, placeholder=" …"
    )
    return "\n".join(lines)


def _fitting_lines(title: str, items: Sequence[str], n_lines: int) -> str:
    """Return as many items as fit, at least one, and the number of those left out."""
    lines, used = [title], 0
    for item in items:
        if used and len(lines) + item.count("\n") + 1 > n_lines - 1:
            break
        lines += item.splitlines()
        used += 1
    if used < len(items):
        lines.append(f"… {len(items) - used} more")
    return "\n".join(lines) if items else ""

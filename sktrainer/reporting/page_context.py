"""Values that the HTML templates show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sktrainer.reporting import monitoring_text, sentences
from sktrainer.reporting.confusion import has_many_classes, most_confused, scores_per_class
from sktrainer.reporting.content import ImbalanceSection, ReportContent
from sktrainer.reporting.evaluation_text import describe_evaluation
from sktrainer.reporting.formats import (
    capitalize,
    format_column,
    format_count,
    format_percent,
    format_time,
    is_numeric,
)
from sktrainer.reporting.key_metrics import folds_used, key_metrics, key_set
from sktrainer.reporting.page_plots import draw_page_plots
from sktrainer.reporting.score_tables import folds_summary, scores_table

MOST_ROWS = 1000
MOST_CLASSES = 30

# A table stacks the cells of each row if the page is narrower than one of these widths, in
# pixels: the first one that the table fits into. A table narrower than FITS never stacks.
STACK_WIDTHS = (440, 560, 680, 800, 900)
FITS = 345


@dataclass(frozen=True)
class Table:
    """Table of strings.

    `stack` is one of STACK_WIDTHS, "always", or empty for a narrow table.
    """

    columns: list[str]
    is_numeric: list[bool]
    rows: list[tuple[str, list[str]]]
    index_name: str
    n_omitted: int
    stack: str


@dataclass(frozen=True)
class Bar:
    """Row of a bar chart. Each share is a bar length relative to the longest bar."""

    name: str
    shares: list[float]
    text: str


@dataclass(frozen=True)
class ConfusionCell:
    """Cell of a confusion matrix. `share` is relative to the true class."""

    count: str
    percent: str
    share: float


def page_context(report: ReportContent) -> dict[str, object]:
    """Return the values of all sections. A section whose values are empty is not shown."""
    data, split = report.data, report.split
    digest = {"fingerprint": data["fingerprint"]} if data.get("fingerprint") else {}
    code_tables: dict[str, Mapping[str, object]] = {
        "Parameters that differ from their defaults": {
            name: report.parameters[name]
            for name in report.changed_parameters
            if name in report.parameters
        },
        "All parameters": report.parameters,
        "Seeds and fingerprint": {**report.seeds, **digest},
        "Versions": report.versions,
    }
    summary, total = data.get("target_summary"), sum(split.get("rows", {}).values()) or 1
    return {
        "report": report,
        "findings": [
            (f"{f['code']} {f['name']}, {f['severity']}:", sentences.describe_finding(f))
            for f in report.findings
        ],
        "alerts": report.alerts,
        "notes": monitoring_text.other_notes(report),
        "warnings": list(map(monitoring_text.describe_warning, report.warnings)),
        "facts": _facts(report),
        "key_metrics": key_metrics(report),
        "scored_rows": _scored_rows(report),
        "scores": _scores(report),
        "scores_note": capitalize(report.scores_note),
        "fit": sentences.fit_sentence(report),
        "folds": _folds(report),
        "folds_summary": _folds_summary(report),
        "folds_note": capitalize(report.folds_note),
        "attempts": None
        if report.attempts is None
        else make_table(sentences.attempts_table(report.attempts)),
        "split": [
            (name, n, format_percent(n / total)) for name, n in split.get("rows", {}).items()
        ],
        "split_kind": capitalize(f"{split.get('kind', '')} split".strip()),
        "classes": _class_bars(data.get("class_counts") or {}),
        "imbalance": _imbalance(report.imbalance) if data.get("class_counts") else None,
        "target": make_table(pd.DataFrame([summary], [data.get("target") or "target"]))
        if summary
        else None,
        "columns": _columns(report),
        "columns_note": _columns_note(report),
        "stages": _stage_bars(report.stages),
        "resources": _resources(report),
        "code_tables": {name: values for name, values in code_tables.items() if values},
        "plots": draw_page_plots(report),
        "intervals_note": capitalize(report.intervals_note),
        "evaluation_facts": describe_evaluation(report),
        "per_class": _per_class(report.confusion),
        **_permutation(report),
        **_confusion(report.confusion),
        **_importances(report),
    }


def make_table(frame: pd.DataFrame, *, numbers: bool = False) -> Table:
    """Return a table of the first rows. With `numbers`, all cells are numbers as text."""
    shown = frame.head(MOST_ROWS)
    names = [str(name) for name in frame.columns]
    cells = [format_column(shown.iloc[:, i].tolist()) for i in range(shown.shape[1])]
    # Text can wrap, so a column needs no more than 24 characters.
    widths = [min(24, max(map(len, [n, *c]))) for n, c in zip(names, cells, strict=True)]
    lead = max(map(len, map(str, shown.index)), default=0)
    return Table(
        columns=names,
        is_numeric=[numbers or is_numeric(shown.iloc[:, i]) for i in range(shown.shape[1])],
        rows=[
            (str(label), [column[i] for column in cells]) for i, label in enumerate(shown.index)
        ],
        index_name="" if frame.index.name is None else str(frame.index.name),
        n_omitted=len(frame) - len(shown),
        stack=_stack(8 * (min(lead, 24) + sum(widths)) + 18 * (len(names) + 1)),
    )


def _stack(width: int) -> str:
    """Return the page width below which a table of this width stacks."""
    if width <= FITS:
        return ""
    return next((str(limit) for limit in STACK_WIDTHS if width <= limit), "always")


def _bars(rows: Iterable[tuple[str, Sequence[float], str]]) -> list[Bar]:
    """Return a bar chart of values with one scale."""
    listed = list(rows)
    longest = max((abs(value) for _, values, _ in listed for value in values), default=0) or 1
    return [Bar(name, [v / longest for v in values], text) for name, values, text in listed]


def _facts(report: ReportContent) -> list[str]:
    target, data = report.data.get("target"), report.data
    sizes = [f"{data[key]:,} {key}" for key in ("rows", "columns") if key in data]
    named = f"target {target}" if target else ""
    facts = [report.task.capitalize(), named, ", ".join(sizes), format_time(report.created)]
    return [fact for fact in facts if fact]


def _scored_rows(report: ReportContent) -> str:
    """Return a sentence on the rows behind the key metrics and how these rows were used."""
    name = key_set(report)
    n_rows = report.split.get("rows", {}).get(name or "", 0)
    rows = f"{n_rows:,} {name} rows" if n_rows else f"{name} rows"
    return {
        "test": f"Scored on {rows}, not used for fitting, early stopping or model selection.",
        "folds": f"Mean ± standard deviation over {folds_used(report)}, scored on their "
        "held-out rows.",
        "validation": f"Scored on {rows}. If used for early stopping, the scores are "
        "optimistic.",
        "train": f"Scored on the {rows} used for fitting. Expect lower scores on new data.",
    }.get(name or "", "Not scored.")


def _scores(report: ReportContent) -> Table | None:
    if report.scores.empty:
        return None
    table = scores_table(report.scores, report.baseline, report.metric_names, report.intervals)
    return make_table(table, numbers=True)


def _folds(report: ReportContent) -> Table | None:
    if report.folds is None or report.folds.empty:
        return None
    table = sentences.folds_table(report.folds, report.metric_names)
    return make_table(table.rename_axis(""), numbers="error" not in table.index)


def _folds_summary(report: ReportContent) -> Table | None:
    if report.folds is None or report.cv_summary is None:
        return None
    table = folds_summary(report.cv_summary, len(report.folds), report.metric_names)
    return make_table(table, numbers=True)


def _confusion(confusion: pd.DataFrame | None) -> dict[str, object]:
    if confusion is None or confusion.empty:
        return {}
    if has_many_classes(confusion):
        wrong = most_confused(confusion)
        return {"most_confused": None if wrong.empty else make_table(wrong.set_index("true"))}
    counts = confusion.to_numpy(dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels = [str(label) for label in confusion.columns]
    rows = [
        (str(label), [_confusion_cell(n, share) for n, share in zip(*cells, strict=True)])
        for label, *cells in zip(confusion.index, counts, shares, strict=True)
    ]
    longest = min(max(map(len, labels)), 18)
    stack = _stack(8 * longest + max(54, 6 * longest) * len(labels))
    return {"confusion": rows, "confusion_labels": labels, "confusion_stack": stack}


def _confusion_cell(count: float, share: float) -> ConfusionCell:
    return ConfusionCell(format_count(count), format_percent(share) if count else "", share)


def _importances(report: ReportContent) -> dict[str, object]:
    if report.importances is None or report.importances.empty:
        return {}
    top = sentences.top_importances(report.importances)
    strings = format_column(top.tolist())
    bars = _bars((str(k), [v], text) for (k, v), text in zip(top.items(), strings, strict=True))
    signs = ". Negative values have a different color" if (top < 0).any() else ""
    kind = report.importance_kind
    note = f"Source: {kind} of the model{signs}." if kind else ""
    return {"importances": bars, "importances_note": note}


def _permutation(report: ReportContent) -> dict[str, object]:
    table = report.permutation_importances
    if table is None or table.empty:
        return {}
    top = table.sort_values("mean", ascending=False, kind="stable").head(MOST_ROWS)
    means = format_column(top["mean"].tolist())
    deviations = format_column(top["std"].tolist())
    rows = zip(top.index, top["mean"], means, deviations, strict=True)
    bars = _bars((str(name), [value], f"{m} ± {d}") for name, value, m, d in rows)
    return {"permutation": bars, "permutation_note": capitalize(report.permutation_note)}


def _per_class(confusion: pd.DataFrame | None) -> Table | None:
    """Return the scores of each class; those of two classes are the scores themselves."""
    if confusion is None or len(confusion) <= 2 or has_many_classes(confusion):
        return None
    return make_table(scores_per_class(confusion).rename_axis("class"))


def _class_bars(
    before: Mapping[str, float], after: Mapping[str, float] | None = None
) -> tuple[list[Bar], int]:
    """Return bars of the largest classes, and the number of other classes."""
    total = sum(before.values()) or 1
    names = sorted(before, key=lambda name: -before[name])[:MOST_CLASSES]
    rows = []
    for name in names:
        text = f"{format_count(before[name])} ({format_percent(before[name] / total)})"
        values = [before[name]]
        if after is not None:
            values.append(after.get(name, 0.0))
            text += f" → {format_count(values[-1])}"
        rows.append((name, values, text))
    return _bars(rows), len(before) - len(names)


def _imbalance(imbalance: ImbalanceSection | None) -> dict[str, object] | None:
    """Return the class counts before and after, or one sentence if they are unknown."""
    if imbalance is None:
        return None
    before, after = imbalance.get("before"), imbalance.get("after")
    if not before or not after:
        text = f"Imbalance: {sentences.describe_imbalance(imbalance)}."
        return {"title": text, "bars": ([], 0), "note": ""}
    method = imbalance.get("method", "handling")
    detail = f" ({imbalance['detail']})" if imbalance.get("detail") else ""
    # The bars show the counts, so only the remaining facts are written as text.
    rest = sentences.describe_imbalance({**imbalance, "before": {}, "after": {}, "detail": ""})
    return {
        "title": f"Training rows before and after {method}{detail}",
        "bars": _class_bars(before, after),
        "note": capitalize(rest.removeprefix(method).removeprefix("; ")),
    }


def _columns(report: ReportContent) -> Table | None:
    if not report.preprocessing:
        return None
    names = {
        "name": "column",
        "n_columns": "columns",
        "kind": "kind",
        "treatment": "treatment",
        "n_levels": "levels",
        "n_missing": "missing",
        "detail": "detail",
    }
    frame = pd.DataFrame(list(report.preprocessing)).reindex(columns=list(names))
    for name in ("n_columns", "n_levels", "n_missing"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("Int64")
    frame = frame.rename(columns=names).set_index("column")
    return make_table(frame.replace("", None).dropna(axis=1, how="all"))


def _columns_note(report: ReportContent) -> str:
    text = sentences.describe_preprocessing(report.preprocessing)
    if text and report.data.get("n_missing"):
        text += f"; missing values in the training rows: {report.data['n_missing']:,}"
    return text


def _stage_bars(stages: pd.DataFrame) -> list[Bar]:
    return _bars(
        (str(entry["stage"]), [float(entry["seconds"])], monitoring_text.describe_stage(entry))  # type: ignore[arg-type]
        for entry in stages.to_dict("records")
    )


def _resources(report: ReportContent) -> str:
    parts = (monitoring_text.describe_usage, monitoring_text.describe_resources)
    text = "; ".join(filter(None, [part(report.fitting) for part in parts]))
    if "memory_increase_mb" in report.stages:
        text += "; of each stage: wall time, CPU time of all threads, memory added at the peak"
    return capitalize(text)

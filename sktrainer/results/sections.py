"""Sections of the HTML report, in reading order."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from sktrainer.results import elements, headline, summary
from sktrainer.results.formats import (
    format_bytes,
    format_number,
    format_seconds,
    format_time,
)
from sktrainer.results.outcome import predictions_section

if TYPE_CHECKING:
    from sktrainer.results.report import TrainingReport

__all__ = ["page_context"]

_SHORT_TABLE = 8
_MOST_CURVES = 4


def page_context(report: TrainingReport) -> str:
    """Return all sections of a report. Sections without content are omitted."""
    return "".join(
        [
            _header(report),
            _scores(report),
            _notes(report),
            _curves(report),
            _folds(report),
            _attempts(report),
            predictions_section(report),
            _data(report),
            _pipeline(report),
            _run(report),
            f"<footer>{_footer(report)}</footer>",
        ]
    )


def _header(report: TrainingReport) -> str:
    target = report.data.get("target")
    named = [f"target {target}"] if target else []
    when = format_time(report.created)
    facts = [report.task.capitalize(), *named, *_sizes(report), when]
    return (
        f"<header><h2>{escape(report.estimator)}</h2>"
        f"{elements.paragraph(' · '.join(facts), muted=True)}"
        f"{elements.tiles(headline.key_metrics(report))}"
        f"{elements.paragraph(_headline(report))}</header>"
    )


def _sizes(report: TrainingReport) -> list[str]:
    data = report.data
    rows = f"{data['rows']:,} rows" if "rows" in data else ""
    columns = f"{data['columns']:,} columns" if "columns" in data else ""
    text = ", ".join(part for part in (rows, columns) if part)
    return [text] if text else []


def _headline(report: TrainingReport) -> str:
    """Return a sentence on the rows behind the key scores and how these rows were used."""
    part = headline.key_set(report)
    n_rows = report.split.get("rows", {}).get(part or "", 0)
    rows = f"{n_rows:,} {part} rows" if n_rows else f"{part} rows"
    if part == "test":
        return f"Scored on {rows}, not used for fitting, early stopping or model selection."
    if part == "folds":
        n_folds = "the" if report.folds is None else str(len(report.folds))
        return f"Mean ± standard deviation over {n_folds} folds, scored on their held-out rows."
    if part == "validation":
        return f"Scored on {rows}. If used for early stopping, the scores are optimistic."
    if part == "train":
        return f"Scored on the {rows} used for fitting. Expect lower scores on new data."
    return "Not scored."


def _scores(report: TrainingReport) -> str:
    if report.scores.empty:
        return ""
    table = report.scores.copy()
    rows = report.split.get("rows", {})
    if any(str(part) in rows for part in table.index):
        counts = [rows.get(str(part)) for part in table.index]
        n_rows = pd.Series(counts, index=table.index, dtype="Int64")
        table.insert(0, "rows", n_rows, allow_duplicates=True)
    shown = elements.frame_table(table, strong=frozenset({"test"}))
    return elements.section("Scores", shown, _scores_note(report))


def _scores_note(report: TrainingReport) -> str:
    note = report.scores_note
    return elements.paragraph(f"{note[:1].upper()}{note[1:]}.", muted=True) if note else ""


def _curves(report: TrainingReport) -> str:
    if report.history.empty:
        return elements.section("Fit", elements.paragraph(summary.fit_sentence(report)))
    try:
        pictures = _history_pictures(report)
    except ImportError as error:
        pictures = elements.paragraph(f"Learning curves are not shown: {error}", muted=True)
    text = elements.paragraph(summary.fit_sentence(report))
    return elements.section("Learning curve", text, pictures)


def _history_pictures(report: TrainingReport) -> str:
    from sktrainer.results.plots import figure_to_svg, plot_history

    figures = []
    for metric in list(dict.fromkeys(report.history["metric"]))[:_MOST_CURVES]:
        axes = plot_history(
            report.history,
            metric=metric,
            best_iteration=None
            if report.fitting.get("from_folds")
            else report.fitting.get("best_iteration"),
            iteration=report.fitting.get("iteration") or "iteration",
        )
        figures.append(f"<figure>{figure_to_svg(axes)}</figure>")
    return f'<div class="skt-figures">{"".join(figures)}</div>'


def _attempts(report: TrainingReport) -> str:
    if report.attempts is None:
        return ""
    table = summary.attempts_table(report.attempts)
    return elements.section("Attempts", elements.frame_table(table))


def _folds(report: TrainingReport) -> str:
    if report.folds is None or report.folds.empty:
        return ""
    named = summary.folds_table(report.folds)
    foot = None
    if report.cv_summary is not None:
        mean = report.cv_summary["mean"].map(format_number)
        std = report.cv_summary["std"].map(lambda value: f"± {format_number(value, 2)}")
        foot = pd.DataFrame({"mean": mean, "std": std}).T
    table = elements.frame_table(named, foot=foot)
    return elements.section("Cross-validation", table, _fold_pictures(report))


def _fold_pictures(report: TrainingReport) -> str:
    if report.folds is None or report.cv_summary is None:
        return ""
    try:
        from sktrainer.results.plots import figure_to_svg, plot_folds

        metrics = headline.rank_metrics([str(name) for name in report.cv_summary.index], 2)
        pictures = [
            figure_to_svg(plot_folds(report.folds, metric=metric)) for metric in metrics
        ]
    except ImportError:
        return ""  # the learning curve section names the missing extra
    figures = "".join(f"<figure>{picture}</figure>" for picture in pictures)
    return f'<div class="skt-figures">{figures}</div>'


def _data(report: TrainingReport) -> str:
    split = report.split
    parts = ""
    if split.get("rows"):
        kind = f"{split.get('kind', '')} split".strip()
        reason = f" ({split['reason']})" if split.get("reason") else ""
        text = elements.paragraph(f"{kind[:1].upper()}{kind[1:]}{reason}.", muted=True)
        parts = elements.section("Split", elements.split_bar(split["rows"]), text)
    counts = report.data.get("class_counts")
    if counts:
        target = elements.section("Classes", elements.class_bars(counts), _imbalance(report))
    elif report.data.get("target_summary"):
        values = pd.DataFrame([report.data["target_summary"]])
        target = elements.section("Target", elements.frame_table(values, index=False))
    else:
        target = ""
    return f'<div class="skt-pair">{parts}{target}</div>' if parts or target else ""


def _imbalance(report: TrainingReport) -> str:
    """Return the class counts before and after, or one sentence if they are unknown."""
    imbalance = report.imbalance
    if imbalance is None:
        return ""
    before, after = imbalance.get("before"), imbalance.get("after")
    if not before or not after:
        text = f"Imbalance: {summary.describe_imbalance(imbalance)}."
        return elements.paragraph(text, muted=True)
    method = imbalance.get("method", "handling")
    detail = f" ({imbalance['detail']})" if imbalance.get("detail") else ""
    title = f"Training rows before and after {method}{detail}"
    # The bars show the counts, so only the remaining facts are written as text.
    rest = summary.describe_imbalance({**imbalance, "before": {}, "after": {}, "detail": ""})
    rest = rest.removeprefix(method).removeprefix("; ")
    return (
        elements.paragraph(title, muted=True)
        + elements.class_bars(before, after)
        + elements.paragraph(f"{rest[:1].upper()}{rest[1:]}" if rest else "", muted=True)
    )


def _pipeline(report: TrainingReport) -> str:
    """Return the steps, and the column treatments of the automatic preprocessor."""
    return elements.section(
        "Pipeline", elements.chain(report.steps), _columns(report), kind="skt-long"
    )


def _columns(report: TrainingReport) -> str:
    if not report.preprocessing:
        return ""
    counts = ["n_columns", "n_levels", "n_missing"]
    wanted = ["name", "n_columns", "kind", "treatment", "n_levels", "n_missing", "detail"]
    frame = pd.DataFrame(list(report.preprocessing)).reindex(columns=wanted)
    for name in counts:
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("Int64")
    frame = (
        frame.replace("", None)
        .dropna(axis=1, how="all")
        .rename(columns={"name": "column", "n_columns": "columns"})
        .rename(columns={"n_levels": "levels", "n_missing": "missing"})
    )
    table = elements.frame_table(frame, index=False)
    text = summary.describe_preprocessing(report.preprocessing)
    if report.data.get("n_missing"):
        text += f"; missing values in the training rows: {report.data['n_missing']:,}"
    text = elements.paragraph(text, muted=True)
    if len(frame) > _SHORT_TABLE:
        table = elements.details(f"All {len(frame):,} columns", table)
    return text + table


def _notes(report: TrainingReport) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return elements.section("Notes", f"<ul>{items}</ul>" if items else "")


def _run(report: TrainingReport) -> str:
    stages, digest = "", report.data.get("fingerprint")
    seeds = dict(report.seeds) | ({"fingerprint": digest} if digest else {})
    if not report.stages.empty:
        rows = [
            (str(stage), [float(seconds)], f"{format_seconds(float(seconds))}")
            for stage, seconds in zip(
                report.stages["stage"], report.stages["seconds"], strict=True
            )
        ]
        stages = elements.section("Time", elements.bars(rows), _memory(report))
    folded = [
        elements.details("Parameters", elements.code_table(report.parameters))
        if report.parameters
        else "",
        elements.details("Seeds and fingerprint", elements.code_table(seeds)) if seeds else "",
        elements.details("Versions", elements.code_table(report.versions))
        if report.versions
        else "",
    ]
    details = elements.section("Reproducibility", *folded, kind="skt-long")
    return f'<div class="skt-pair">{stages}{details}</div>' if stages or details else ""


def _memory(report: TrainingReport) -> str:
    if "peak_memory_mb" not in report.stages:
        return ""
    peak = float(report.stages["peak_memory_mb"].max())
    # Only NaN differs from itself: the peak memory is unknown on some systems.
    memory = "" if peak != peak else f"peak memory of the process {format_bytes(peak)}"
    text = "; ".join(filter(None, (memory, summary.describe_resources(report.fitting))))
    return elements.paragraph(f"{text[:1].upper()}{text[1:]}." if text else "", muted=True)


def _footer(report: TrainingReport) -> str:
    version = report.versions.get("sktrainer")
    return escape(f"Created by sktrainer{f' {version}' if version else ''}, {report.created}")

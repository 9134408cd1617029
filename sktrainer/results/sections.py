"""The sections of a report's page, in the order they are read."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from sktrainer.results import elements, summary
from sktrainer.results.formats import (
    format_bytes,
    format_column,
    format_number,
    format_seconds,
    format_time,
)

if TYPE_CHECKING:
    from sktrainer.results.report import TrainingReport

__all__ = ["page_content"]

_SHORT_TABLE = 12
_MOST_CURVES = 4
_NARROW_CONFUSION = 4


def page_content(report: TrainingReport) -> str:
    """Return all sections of a report; those that it has nothing for are left out."""
    return "".join(
        [
            _header(report),
            _scores(report),
            _notes(report),
            _curves(report),
            _folds(report),
            _outcome(report),
            _data(report),
            _columns(report),
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
        f"{elements.tiles(summary.headline_tiles(report))}"
        f"{elements.paragraph(_headline(report))}</header>"
    )


def _sizes(report: TrainingReport) -> list[str]:
    data = report.data
    rows = f"{data['rows']:,} rows" if "rows" in data else ""
    columns = f"{data['columns']:,} columns" if "columns" in data else ""
    text = ", ".join(part for part in (rows, columns) if part)
    return [text] if text else []


def _headline(report: TrainingReport) -> str:
    """Say on which rows the large numbers were found, and what those rows took part in."""
    part = summary.headline_part(report)
    n_rows = report.split.get("rows", {}).get(part or "", 0)
    rows = f"{n_rows:,} {part} rows" if n_rows else f"{part} rows"
    if part == "test":
        return f"Scored on {rows}, which took no part in fitting, stopping or choosing."
    if part == "folds":
        n_folds = "the" if report.folds is None else str(len(report.folds))
        return (
            f"Mean ± standard deviation over {n_folds} folds, each scored on rows it held out."
        )
    if part == "validation":
        return f"Scored on {rows}, which may have decided when to stop: expect a little less."
    if part == "train":
        return f"Scored on the {rows} that the model was fitted on: new rows will score lower."
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
    return elements.section("Scores", elements.frame_table(table, strong=frozenset({"test"})))


def _curves(report: TrainingReport) -> str:
    if report.history.empty:
        return elements.section("Fit", elements.paragraph(summary.sentence_of_fit(report)))
    try:
        pictures = _history_pictures(report)
    except ImportError as error:
        pictures = elements.paragraph(f"No curves here: {error}", muted=True)
    text = elements.paragraph(summary.sentence_of_fit(report))
    return elements.section("Learning curve", text, pictures)


def _history_pictures(report: TrainingReport) -> str:
    from sktrainer.results.plots import axes_svg, plot_history

    figures = []
    for metric in list(dict.fromkeys(report.history["metric"]))[:_MOST_CURVES]:
        axes = plot_history(
            report.history,
            metric=metric,
            best_iteration=report.fitting.get("best_iteration"),
            iteration=report.fitting.get("iteration") or "iteration",
        )
        figures.append(f"<figure>{axes_svg(axes)}</figure>")
    return f'<div class="skt-figures">{"".join(figures)}</div>'


def _folds(report: TrainingReport) -> str:
    if report.folds is None or report.folds.empty:
        return ""
    folds = report.folds
    named = folds.set_index("fold").rename_axis("fold") if "fold" in folds else folds
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
        from sktrainer.results.plots import axes_svg, plot_folds

        metrics = summary.leading([str(name) for name in report.cv_summary.index], 2)
        pictures = [axes_svg(plot_folds(report.folds, metric=metric)) for metric in metrics]
    except ImportError:
        return ""  # the section of the learning curve says what to install
    figures = "".join(f"<figure>{picture}</figure>" for picture in pictures)
    return f'<div class="skt-figures">{figures}</div>'


def _outcome(report: TrainingReport) -> str:
    confusion = importances = ""
    if report.confusion is not None and not report.confusion.empty:
        confusion = elements.section(
            f"Confusion on the {report.confusion_part} rows",
            elements.confusion_table(report.confusion),
            elements.paragraph("True class on the left, predicted class above.", muted=True),
        )
    if report.importances is not None and len(report.importances):
        top = summary.top_importances(report.importances)
        values = top.tolist()
        rows = zip(
            map(str, top.index), ([v] for v in values), format_column(values), strict=True
        )
        importances = elements.section("Feature importances", elements.bars(rows))
    both = confusion + importances
    if report.confusion is not None and len(report.confusion) > _NARROW_CONFUSION:
        return both
    return f'<div class="skt-pair">{both}</div>' if both else ""


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
    """Show the training rows of each class before and after, or say what is known."""
    imbalance = report.imbalance
    if imbalance is None:
        return ""
    before, after = imbalance.get("before"), imbalance.get("after")
    if not before or not after:
        text = f"Imbalance: {summary.describe_imbalance(imbalance)}."
        return elements.paragraph(text, muted=True)
    method = imbalance.get("method", "handling")
    title = f"Training rows, before and after {method}"
    rest = summary.describe_imbalance({**imbalance, "before": {}, "after": {}})
    rest = rest.removeprefix(method).removeprefix("; ")
    return (
        elements.paragraph(title, muted=True)
        + elements.class_bars(before, after)
        + elements.paragraph(f"{rest[:1].upper()}{rest[1:]}" if rest else "", muted=True)
    )


def _columns(report: TrainingReport) -> str:
    if not report.preprocessing:
        return ""
    wanted = ["name", "kind", "treatment", "n_levels", "n_missing", "detail"]
    frame = pd.DataFrame(list(report.preprocessing)).reindex(columns=wanted)
    for name in ("n_levels", "n_missing"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("Int64")
    frame = (
        frame.replace("", None)
        .dropna(axis=1, how="all")
        .rename(columns={"name": "column", "n_levels": "levels", "n_missing": "missing"})
    )
    table = elements.frame_table(frame, index=False)
    text = elements.paragraph(summary.describe_preprocessing(report.preprocessing), muted=True)
    if len(frame) > _SHORT_TABLE:
        table = elements.details(f"All {len(frame):,} columns", table)
    return elements.section("What became of the columns", text, table, kind="skt-long")


def _notes(report: TrainingReport) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return elements.section("Notes", f"<ul>{items}</ul>" if items else "")


def _run(report: TrainingReport) -> str:
    stages = ""
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
        elements.details("Seeds", elements.code_table(report.seeds)) if report.seeds else "",
        elements.details("Versions", elements.code_table(report.versions))
        if report.versions
        else "",
    ]
    again = elements.section("To do it again", *folded, kind="skt-long")
    return f'<div class="skt-pair">{stages}{again}</div>' if stages or again else ""


def _memory(report: TrainingReport) -> str:
    if "peak_memory_mb" not in report.stages:
        return ""
    peak = float(report.stages["peak_memory_mb"].max())
    return (
        ""
        if peak != peak
        else elements.paragraph(
            f"Peak memory of the process: {format_bytes(peak)}.", muted=True
        )
    )


def _footer(report: TrainingReport) -> str:
    version = report.versions.get("sktrainer")
    return escape(f"Made by sktrainer{f' {version}' if version else ''}, {report.created}")

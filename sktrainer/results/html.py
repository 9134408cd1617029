"""The report as one page that needs no other file, and as a part of a notebook's page."""

from __future__ import annotations

import os
import uuid
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sktrainer.results import elements, summary
from sktrainer.results.formats import format_bytes, format_number, format_seconds, format_time

if TYPE_CHECKING:
    from sktrainer.results.report import TrainingReport

__all__ = ["render_fragment", "render_page", "write_beside"]

_SHORT_TABLE = 12
_MOST_CURVES = 4


def render_page(report: TrainingReport) -> str:
    """Return a whole page: its style and its pictures are in it."""
    title = escape(f"{report.estimator}: training report")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n"
        "html { color-scheme: light dark; background: light-dark(#ffffff, #14171b); }\n"
        "body { margin: 0; }\n@media print { html { color-scheme: light; } }\n"
        f"{_style()}</style>\n</head>\n<body>\n"
        f'<main class="skt-report">{_content(report)}</main>\n</body>\n</html>\n'
    )


def render_fragment(report: TrainingReport) -> str:
    """Return an element for a notebook, whose style reaches nothing outside it."""
    return (
        f'<style>\n{_style()}</style><div class="skt-report skt-fragment">'
        f"{_content(report)}</div>"
    )


def write_beside(path: Path, text: str) -> Path:
    """Write a text file beside its target and rename it over the target."""
    path.parent.mkdir(parents=True, exist_ok=True)
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
    return resources.files("sktrainer.results").joinpath("report.css").read_text("utf-8")


def _content(report: TrainingReport) -> str:
    return "".join(
        [
            _header(report),
            _scores(report),
            _curves(report),
            _folds(report),
            _outcome(report),
            _data(report),
            _columns(report),
            _notes(report),
            _run(report),
            f"<footer>{_footer(report)}</footer>",
        ]
    )


def _header(report: TrainingReport) -> str:
    target = report.data.get("target")
    of = f" of {target}" if target else ""
    facts = [f"{report.task.capitalize()}{of}", *_sizes(report), format_time(report.created)]
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
    foot = {}
    if report.cv_summary is not None:
        for name, row in report.cv_summary.iterrows():
            foot[str(name)] = f"{format_number(row['mean'])} ± {format_number(row['std'], 2)}"
        first = str(report.folds.columns[0])
        foot.setdefault(first, "mean ± std")
    table = elements.frame_table(report.folds, index=False, foot=foot)
    return elements.section("Cross-validation", table, _fold_picture(report))


def _fold_picture(report: TrainingReport) -> str:
    if report.folds is None or report.cv_summary is None:
        return ""
    try:
        from sktrainer.results.plots import axes_svg, plot_folds, share_an_axis

        metrics = share_an_axis(report.folds, [str(name) for name in report.cv_summary.index])
        if not metrics:
            return ""
        axes = plot_folds(report.folds, metrics=metrics)
    except ImportError:
        return ""
    svg = axes_svg(axes)
    return f'<div class="skt-figures"><figure>{svg}</figure></div>'


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
        rows = ((str(name), [float(v)], format_number(float(v))) for name, v in top.items())
        importances = elements.section("Feature importances", elements.bars(rows))
    both = confusion + importances
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
    else:
        values = report.data.get("target_summary", {})
        texts = {name: format_number(value) for name, value in values.items()}
        target = elements.section("Target", elements.code_table(texts))
    return f'<div class="skt-pair">{parts}{target}</div>' if parts or target else ""


def _imbalance(report: TrainingReport) -> str:
    if report.imbalance is None:
        return ""
    text = f"Imbalance: {summary.describe_imbalance(report.imbalance)}."
    return elements.paragraph(text, muted=True)


def _columns(report: TrainingReport) -> str:
    if not report.preprocessing:
        return ""
    wanted = ["name", "kind", "treatment", "n_levels", "n_missing", "detail"]
    frame = pd.DataFrame(list(report.preprocessing)).reindex(columns=wanted)
    for name in ("n_levels", "n_missing"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("Int64")
    frame = frame.dropna(axis=1, how="all").rename(
        columns={"name": "column", "n_levels": "levels", "n_missing": "missing"}
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

"""Values that the HTML page shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from sktrainer.reporting import key_metrics, sentences
from sktrainer.reporting.confusion import has_many_classes, most_confused
from sktrainer.reporting.formats import (
    format_bytes,
    format_column,
    format_count,
    format_number,
    format_percent,
    format_seconds,
    format_time,
)
from sktrainer.reporting.sentences import top_importances

if TYPE_CHECKING:
    from sktrainer.reporting.report import TrainingReport

__all__ = [
    "bars",
    "chain",
    "class_bars",
    "code_table",
    "confusion_table",
    "details",
    "frame_table",
    "page_context",
    "paragraph",
    "predictions_section",
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


_NARROW_CONFUSION = 4


def predictions_section(report: TrainingReport) -> str:
    """Return confusion matrix and feature importances, side by side if the matrix fits."""
    confusion = importances = ""
    if report.confusion is not None and not report.confusion.empty:
        confusion = _confusion(report.confusion, report.confusion_set)
    if report.importances is not None and len(report.importances):
        top = top_importances(report.importances)
        values = top.tolist()
        rows = zip(
            map(str, top.index), ([v] for v in values), format_column(values), strict=True
        )
        kind = paragraph(_importance_kind(report.importance_kind, values), muted=True)
        importances = section("Feature importances", bars(rows), kind)
    both = confusion + importances
    if report.confusion is not None and len(report.confusion) > _NARROW_CONFUSION:
        return both
    return f'<div class="skt-pair">{both}</div>' if both else ""


def _confusion(confusion: pd.DataFrame, part: str) -> str:
    if not has_many_classes(confusion):
        legend = "Rows are true classes, columns are predicted classes."
        return section(
            f"Confusion matrix ({part} rows)",
            confusion_table(confusion),
            paragraph(legend, muted=True),
        )
    wrong = most_confused(confusion)
    if wrong.empty:
        return ""
    return section(
        f"Most frequent confusions ({part} rows)",
        frame_table(wrong, index=False),
        paragraph(
            f"{len(confusion):,} classes in total. Shares are relative to the true class.",
            muted=True,
        ),
    )


def _importance_kind(kind: str | None, values: Sequence[float]) -> str:
    signs = ". Negative values have a different color" if min(values) < 0 else ""
    return f"Source: {kind} of the model{signs}." if kind else ""


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
        f"{paragraph(' · '.join(facts), muted=True)}"
        f"{tiles(key_metrics.key_metrics(report))}"
        f"{paragraph(_headline(report))}</header>"
    )


def _sizes(report: TrainingReport) -> list[str]:
    data = report.data
    rows = f"{data['rows']:,} rows" if "rows" in data else ""
    columns = f"{data['columns']:,} columns" if "columns" in data else ""
    text = ", ".join(part for part in (rows, columns) if part)
    return [text] if text else []


def _headline(report: TrainingReport) -> str:
    """Return a sentence on the rows behind the key scores and how these rows were used."""
    part = key_metrics.key_set(report)
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
    shown = frame_table(table, strong=frozenset({"test"}))
    return section("Scores", shown, _scores_note(report))


def _scores_note(report: TrainingReport) -> str:
    note = report.scores_note
    return paragraph(f"{note[:1].upper()}{note[1:]}.", muted=True) if note else ""


def _curves(report: TrainingReport) -> str:
    if report.history.empty:
        return section("Fit", paragraph(sentences.fit_sentence(report)))
    try:
        pictures = _history_pictures(report)
    except ImportError as error:
        pictures = paragraph(f"Learning curves are not shown: {error}", muted=True)
    text = paragraph(sentences.fit_sentence(report))
    return section("Learning curve", text, pictures)


def _history_pictures(report: TrainingReport) -> str:
    from sktrainer.reporting.plots import figure_to_svg, plot_history

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
    table = sentences.attempts_table(report.attempts)
    return section("Attempts", frame_table(table))


def _folds(report: TrainingReport) -> str:
    if report.folds is None or report.folds.empty:
        return ""
    named = sentences.folds_table(report.folds)
    foot = None
    if report.cv_summary is not None:
        mean = report.cv_summary["mean"].map(format_number)
        std = report.cv_summary["std"].map(lambda value: f"± {format_number(value, 2)}")
        foot = pd.DataFrame({"mean": mean, "std": std}).T
    table = frame_table(named, foot=foot)
    return section("Cross-validation", table, _fold_pictures(report))


def _fold_pictures(report: TrainingReport) -> str:
    if report.folds is None or report.cv_summary is None:
        return ""
    try:
        from sktrainer.reporting.plots import figure_to_svg, plot_folds

        metrics = key_metrics.rank_metrics([str(name) for name in report.cv_summary.index], 2)
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
        text = paragraph(f"{kind[:1].upper()}{kind[1:]}{reason}.", muted=True)
        parts = section("Split", split_bar(split["rows"]), text)
    counts = report.data.get("class_counts")
    if counts:
        target = section("Classes", class_bars(counts), _imbalance(report))
    elif report.data.get("target_summary"):
        values = pd.DataFrame([report.data["target_summary"]])
        target = section("Target", frame_table(values, index=False))
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
        text = f"Imbalance: {sentences.describe_imbalance(imbalance)}."
        return paragraph(text, muted=True)
    method = imbalance.get("method", "handling")
    detail = f" ({imbalance['detail']})" if imbalance.get("detail") else ""
    title = f"Training rows before and after {method}{detail}"
    # The bars show the counts, so only the remaining facts are written as text.
    rest = sentences.describe_imbalance({**imbalance, "before": {}, "after": {}, "detail": ""})
    rest = rest.removeprefix(method).removeprefix("; ")
    return (
        paragraph(title, muted=True)
        + class_bars(before, after)
        + paragraph(f"{rest[:1].upper()}{rest[1:]}" if rest else "", muted=True)
    )


def _pipeline(report: TrainingReport) -> str:
    """Return the steps, and the column treatments of the automatic preprocessor."""
    return section("Pipeline", chain(report.steps), _columns(report), kind="skt-long")


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
    table = frame_table(frame, index=False)
    text = sentences.describe_preprocessing(report.preprocessing)
    if report.data.get("n_missing"):
        text += f"; missing values in the training rows: {report.data['n_missing']:,}"
    text = paragraph(text, muted=True)
    if len(frame) > _SHORT_TABLE:
        table = details(f"All {len(frame):,} columns", table)
    return text + table


def _notes(report: TrainingReport) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return section("Notes", f"<ul>{items}</ul>" if items else "")


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
        stages = section("Time", bars(rows), _memory(report))
    folded = [
        details("Parameters", code_table(report.parameters)) if report.parameters else "",
        details("Seeds and fingerprint", code_table(seeds)) if seeds else "",
        details("Versions", code_table(report.versions)) if report.versions else "",
    ]
    reproducibility = section("Reproducibility", *folded, kind="skt-long")
    pair = f'<div class="skt-pair">{stages}{reproducibility}</div>'
    return pair if stages or reproducibility else ""


def _memory(report: TrainingReport) -> str:
    if "peak_memory_mb" not in report.stages:
        return ""
    peak = float(report.stages["peak_memory_mb"].max())
    # Only NaN differs from itself: the peak memory is unknown on some systems.
    memory = "" if peak != peak else f"peak memory of the process {format_bytes(peak)}"
    text = "; ".join(filter(None, (memory, sentences.describe_resources(report.fitting))))
    return paragraph(f"{text[:1].upper()}{text[1:]}." if text else "", muted=True)


def _footer(report: TrainingReport) -> str:
    version = report.versions.get("sktrainer")
    return escape(f"Created by sktrainer{f' {version}' if version else ''}, {report.created}")

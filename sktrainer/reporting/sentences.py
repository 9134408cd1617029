"""Sentences that summarize the sections of a report, for text and HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sktrainer.reporting.content import (
    AuditFinding,
    ColumnTreatment,
    FittingSection,
    ImbalanceSection,
    ReportContent,
    SplitSection,
)
from sktrainer.reporting.formats import (
    capitalize,
    format_column,
    format_count,
    format_counts,
    format_number,
    format_percent,
    format_seconds,
)

_MOST_SHIFTS = 3
_PLURALS = {"epoch": "epochs", "round": "rounds", "tree": "trees", "iteration": "iterations"}


def fit_sentence(report: ReportContent) -> str:
    """Return one sentence on the fit, or an empty string if nothing is known."""
    if not report.fitting:
        return ""
    text = "; ".join([describe_fitting(report.fitting), *_early_stopping_sentence(report)])
    return f"{capitalize(text)}."


def describe_data(report: ReportContent) -> str:
    """Describe the data: rows, columns, missing values and target."""
    data = report.data
    parts = []
    if "rows" in data:
        parts.append(f"{data['rows']:,} rows")
    if "columns" in data:
        parts.append(f"{data['columns']:,} columns")
    if "inputs" in data:
        parts.append("inputs " + _inputs(data["inputs"]))
    if data.get("n_missing"):
        noun = "value" if data["n_missing"] == 1 else "values"
        parts.append(f"{data['n_missing']:,} missing {noun} in the training rows")
    if data.get("target"):
        parts.append(f"target {data['target']}")
    text = ", ".join(parts)
    if data.get("class_counts"):
        return f"{text}; {format_counts(data['class_counts'])}".lstrip("; ")
    if data.get("target_summary"):
        summary = data["target_summary"]
        named = ", ".join(f"{name} {format_number(value)}" for name, value in summary.items())
        return f"{text}; target {named}".lstrip("; ")
    return text


def _inputs(inputs: Mapping[str, Sequence[int]]) -> str:
    """List the arrays of a dict, each with the shape of one row."""
    shapes = {name: " x ".join(map(str, shape)) for name, shape in inputs.items()}
    return " + ".join(f"{name} ({shape})" if shape else name for name, shape in shapes.items())


def describe_split(split: SplitSection) -> str:
    """Describe the split: share and size of each set, and kind of split.

    Examples
    --------
    >>> describe_split({"rows": {"train": 80, "test": 20}, "kind": "stratified"})
    '80% train (80), 20% test (20), stratified'
    """
    rows = split.get("rows", {})
    total = sum(rows.values()) or 1
    parts = [f"{format_percent(n / total)} {name} ({n:,})" for name, n in rows.items() if n > 0]
    if split.get("kind"):
        parts.append(split["kind"])
    return ", ".join(parts)


def describe_steps(steps: Mapping[str, str]) -> str:
    """List the steps of a pipeline with their classes, in order.

    Examples
    --------
    >>> describe_steps({"encode": "TableEncoder", "model": "Ridge"})
    'encode (TableEncoder), model (Ridge)'
    """
    return ", ".join(f"{name} ({kind})" for name, kind in steps.items())


def folds_table(folds: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return the folds for display, as strings: one column per fold, or one row of many folds.

    Examples
    --------
    >>> folds = pd.DataFrame({"fold": [1, 2], "train_rows": [80, 80], "f1": [0.81, 0.79]})
    >>> print(folds_table(folds, {"f1": "f1 ('bad')"}))
               fold 1 fold 2
    f1 ('bad')  0.810  0.790
    train rows     80     80
    """
    named = folds.set_index("fold") if "fold" in folds.columns else folds
    # Scores first. The other columns are about the fit.
    order = [name for name in named if name not in _OF_FIT]
    order += [name for name in _OF_FIT if name in named]
    named = named[order].rename(columns={**names, **_OF_FIT})
    if len(named) > MOST_FOLDS_AS_COLUMNS:
        return named
    cells = {name: format_column(column.tolist()) for name, column in named.items()}
    columns = [f"fold {number}" for number in named.index]
    return pd.DataFrame.from_dict(cells, orient="index", columns=columns)


MOST_FOLDS_AS_COLUMNS = 10
_OF_FIT = {
    "train_rows": "train rows",
    "test_rows": "test rows",
    "best_iteration": "best iteration",
    "n_attempts": "attempts",
    "fit_seconds": "fit seconds",
    "cpu_seconds": "CPU seconds",
    "memory_increase_mb": "memory added, MB",
    "gpu_memory_mb": "GPU memory, MB",
    "error": "error",
}


def attempts_table(attempts: pd.DataFrame) -> pd.DataFrame:
    """Return the attempts for display: indexed by number, with seeds as plain digits."""
    named = attempts.rename(columns={"validation_loss": "loss"}).set_index("attempt")
    used = named["used"].map({True: "yes", False: "no"})
    return named.assign(seed=named["seed"].astype(str), used=used)[
        ["seed", "seconds", "used", "loss", "outcome"]
    ]


def describe_imbalance(imbalance: ImbalanceSection) -> str:
    """Describe how class imbalance was handled.

    Examples
    --------
    >>> describe_imbalance(
    ...     {"method": "smote", "before": {"a": 9, "b": 1}, "after": {"a": 9, "b": 9}}
    ... )
    'smote on the training rows: a: 9, b: 1 before, 9 each after'
    """
    text = imbalance.get("method", "handled")
    before, after = imbalance.get("before"), imbalance.get("after")
    if before and after:
        counts = f"{_short_counts(before)} before, {_short_counts(after)} after"
        text += f" on the training rows: {counts}"
    if imbalance.get("detail"):
        text += f" ({imbalance['detail']})"
    if imbalance.get("probabilities_corrected"):
        text += "; predicted probabilities are corrected for the change in class shares"
        shift = imbalance.get("prior_shift", {})
        if 0 < len(shift) <= _MOST_SHIFTS:
            named = [f"{name} divided by {format_number(v)}" for name, v in shift.items()]
            text += f" ({', '.join(named)})"
    return text


def _short_counts(counts: Mapping[str, float]) -> str:
    if len(counts) > 1 and len(set(counts.values())) == 1:
        return f"{format_count(next(iter(counts.values())))} each"
    items = [f"{name}: {format_count(n)}" for name, n in counts.items()]
    if len(items) > 8:
        items[7:] = [f"… {len(items) - 7} more"]
    return ", ".join(items)


def describe_preprocessing(columns: Sequence[ColumnTreatment]) -> str:
    """Count the columns by type and treatment, the most frequent first.

    Examples
    --------
    >>> describe_preprocessing([{"kind": "number", "treatment": "as it is"}] * 3)
    '3 number: as it is'
    """
    groups: Counter[tuple[str, str]] = Counter()
    for column in columns:
        alike = (column.get("kind", "column"), column.get("treatment", ""))
        groups[alike] += column.get("n_columns", 1)
    return "; ".join(f"{n:,} {kind}: {how}" for (kind, how), n in groups.most_common())


def describe_fitting(fitting: FittingSection) -> str:
    """Describe why and when training stopped, and its duration.

    Examples
    --------
    >>> describe_fitting(
    ...     {
    ...         "n_iter": 212,
    ...         "max_iter": 1000,
    ...         "best_iteration": 162,
    ...         "iteration": "round",
    ...         "stop_reason": "early_stopping",
    ...         "seconds": 3.1,
    ...     }
    ... )
    'stopped early at round 212 of 1,000 (best 162) in 3.1 s'
    """
    text = _stop_sentence(fitting)
    if fitting.get("seconds") is not None:
        text += f" in {format_seconds(fitting['seconds'])}"
    return text


def _stop_sentence(fitting: FittingSection) -> str:
    name = fitting.get("iteration") or "iteration"
    n_iter, reason = fitting.get("n_iter"), fitting.get("stop_reason")
    if reason == "partial_fit":
        n_chunks = fitting.get("n_chunks") or 1
        return f"fitted on {n_chunks:,} {'chunk' if n_chunks == 1 else 'chunks'}"
    if n_iter is None or reason in (None, "single_fit"):
        return "fitted"
    names = name if n_iter == 1 else _PLURALS.get(name, f"{name}s")
    best = fitting.get("best_iteration")
    tail = f" (best {best:,})" if best is not None and best != n_iter else ""
    if reason in ("early_stopping", "callback"):
        how = "early" if reason == "early_stopping" else "by a callback"
        limit = fitting.get("max_iter")
        of = f" of {limit:,}" if limit else ""
        return f"stopped {how} at {name} {n_iter:,}{of}{tail}"
    if reason == "converged":
        return f"converged after {n_iter:,} {names}{tail}"
    return f"ran all {n_iter:,} {names}{tail}"


def _early_stopping_sentence(report: ReportContent) -> list[str]:
    fitting, rows = report.fitting, []
    if fitting.get("batch_size") is not None:
        rows.append(f"batch size {fitting['batch_size']:,}")
    scale = fitting.get("target_scale")
    if scale:
        rows.append(_target_scaling_sentence(scale))
    watched = fitting.get("metric")
    if fitting.get("patience") is not None and watched:
        where = f" ({fitting['validation']})" if fitting.get("validation") else ""
        source = fitting.get("patience_source")
        of = f" ({source})" if source else ""
        rows.append(f"patience {fitting['patience']:,}{of} on {report.shown(watched)}{where}")
    if fitting.get("best_value") is not None:
        rows.append(f"best value {format_number(fitting['best_value'], 4)}")
    others = (fitting.get("values_at_best") or {}).items()
    named = [
        f"{report.shown(name)} {format_number(v, 4)}" for name, v in others if name != watched
    ]
    if named:
        rows.append(f"other metrics at the best iteration: {', '.join(named)}")
    if fitting.get("refit_rounds") is not None:
        name = fitting.get("iteration") or "iteration"
        names = _PLURALS.get(name, f"{name}s")
        rounds = f"{fitting['refit_rounds']:,} {names}"
        if fitting.get("from_folds"):
            rows.append(f"{rounds}: median of the best {names} of the folds")
        elif fitting.get("n_inner_folds"):
            rows.append(f"fitted on all training rows for {rounds}, chosen by inner folds")
        else:
            rows.append(f"refitted on training and validation rows for {rounds}")
    return rows


def _target_scaling_sentence(scale: Mapping[str, Sequence[float]]) -> str:
    means, deviations = scale["mean"], scale["deviation"]
    if len(means) > 1:
        return f"{len(means):,} targets standardized, each by its own mean and deviation"
    mean, deviation = format_number(means[0]), format_number(deviations[0])
    return f"target standardized (mean {mean}, standard deviation {deviation})"


def top_importances(importances: pd.Series, limit: int = 15) -> pd.Series:
    """Return the importances with the largest absolute values, largest first.

    Zeros are omitted, unless all importances are zero.
    """
    finite = importances.dropna().astype(float)
    finite = finite[finite != 0] if finite.any() else finite
    # Positions instead of names, which may be duplicates.
    return finite.iloc[np.argsort(-finite.abs().to_numpy(), kind="stable")[:limit]]


def describe_finding(finding: AuditFinding) -> str:
    """Return what was found with its numbers, why it matters, and how to fix it."""
    detail = f" ({finding['detail']})" if finding["detail"] else ""
    return f"{capitalize(finding['found'])}{detail}. {finding['why']}. {finding['fix']}."


def describe_changed_parameters(report: ReportContent) -> str:
    """List the parameters that differ from their defaults, with their values.

    Examples
    --------
    >>> parameters = {"cv": "5", "estimator__alpha": "1.0"}
    >>> describe_changed_parameters(
    ...     ReportContent(
    ...         "Ridge", "regression", parameters=parameters, changed_parameters=("cv",)
    ...     )
    ... )
    'cv=5'
    """
    known = report.parameters
    return ", ".join(
        f"{name.removeprefix('estimator__')}={known[name]}"
        for name in report.changed_parameters
        if name in known
    )


def describe_permutation(report: ReportContent, limit: int = 8) -> str:
    """List the largest permutation importances."""
    table = report.permutation_importances
    if table is None or table.empty:
        return ""
    top = table["mean"].sort_values(ascending=False, kind="stable").head(limit)
    named = ", ".join(f"{name} {format_number(float(v))}" for name, v in top.items())
    return f"{named}; {report.permutation_note}"

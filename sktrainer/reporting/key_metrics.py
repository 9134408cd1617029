"""Key scores of a report: which set they come from and which metrics are shown first."""

from __future__ import annotations

from math import isnan, nan
from typing import NamedTuple

from sktrainer.reporting.content import ReportContent
from sktrainer.reporting.formats import MISSING, format_number
from sktrainer.reporting.score_tables import CONSTANT, describe_folds, interval_text


class KeyMetric(NamedTuple):
    """Score as text: its value, ± standard deviation of folds, that of a constant, interval."""

    value: str
    deviation: str
    constant: str
    interval: str = ""


def key_set(report: ReportContent) -> str | None:
    """Return the source of the key scores, the first available in order of reliability.

    It is one of "test", "folds", "validation", "train" or None.
    """
    for source in ("test", "folds", "validation", "train"):
        if _scores_of(report, source):
            return source
    return None


def key_metrics(report: ReportContent, *, limit: int = 4) -> dict[str, KeyMetric]:
    """Return the key scores by displayed name."""
    source = key_set(report)
    scores = _scores_of(report, source) if source else {}
    imbalanced = report.data.get("imbalanced", False)
    ranked = rank_metrics(list(scores), limit, imbalanced=imbalanced)
    return {report.shown(name): scores[name] for name in ranked}


def key_metrics_line(report: ReportContent, *, limit: int = 2) -> str:
    """Return the key scores and their source as one line of text.

    Parameters
    ----------
    report : ReportContent
    limit : int, default=2
        Number of metrics, in the order of `rank_metrics`.
    """
    source = key_set(report)
    if source is None:
        return "not scored"
    named = [
        " ".join(filter(None, (name, value, deviation, constant and f"(constant {constant})")))
        for name, (value, deviation, constant, _) in key_metrics(report, limit=limit).items()
    ]
    where = f"over {folds_used(report)}" if source == "folds" else f"on the {source} rows"
    return f"{', '.join(named)} {where}"


def folds_used(report: ReportContent) -> str:
    """Return the number of folds that the first score is computed on."""
    if report.folds is None or report.cv_summary is None:
        return "the folds"
    return describe_folds(report.cv_summary.iloc[0], len(report.folds))


def _scores_of(report: ReportContent, source: str) -> dict[str, KeyMetric]:
    if source == "folds":
        if report.cv_summary is None:
            return {}
        return {
            str(name): KeyMetric(
                format_number(row["mean"]),
                "" if row.isna()["std"] else f"± {format_number(row['std'], 2)}",
                "" if row.isna().get(CONSTANT, True) else format_number(row[CONSTANT]),
                _interval(report, source, str(name)),
            )
            for name, row in report.cv_summary.dropna(subset="mean").iterrows()
        }
    if source not in report.scores.index:
        return {}
    constants = report.baseline.to_dict("index").get(source, {})
    return {
        str(name): KeyMetric(
            format_number(value),
            "",
            "" if isnan(constants.get(name, nan)) else format_number(constants[name]),
            _interval(report, source, str(name)),
        )
        for name, value in report.scores.loc[source].dropna().items()
    }


def _interval(report: ReportContent, source: str, name: str) -> str:
    """Return the interval of a test score or of the mean of the folds, or an empty string."""
    table = {"test": report.intervals, "folds": report.cv_summary}.get(source)
    if table is None or "low" not in table:
        return ""
    text = interval_text(table, name)
    return "" if text == MISSING else text


def rank_metrics(names: list[str], limit: int, *, imbalanced: bool = False) -> list[str]:
    """Return at most `limit` metrics: the first one, then ROC AUC, then the others.

    For imbalanced classes, metrics that do not improve by predicting the largest class are
    first.

    Examples
    --------
    >>> rank_metrics(["accuracy", "balanced_accuracy", "f1", "roc_auc"], 2, imbalanced=True)
    ['balanced_accuracy', 'roc_auc']
    """
    robust = ("balanced_accuracy", "average_precision") if imbalanced else ()
    first = [name for name in robust if name in names] or names[:1]
    ranking = [name for name in names[1:] if name.startswith("roc_auc")]
    return list(dict.fromkeys(first + ranking + names))[:limit]

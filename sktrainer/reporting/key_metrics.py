"""Key scores of a report: which set they come from and which metrics are shown first."""

from __future__ import annotations

from sktrainer.reporting.content import ReportContent
from sktrainer.reporting.formats import format_number


def key_set(report: ReportContent) -> str | None:
    """Return the source of the key scores, the first available in order of reliability.

    It is one of "test", "folds", "validation", "train" or None.
    """
    for source in ("test", "folds", "validation", "train"):
        if _scores_of(report, source):
            return source
    return None


def key_metrics(report: ReportContent, *, limit: int = 4) -> dict[str, tuple[str, str]]:
    """Return the key scores by metric: the number, and ± standard deviation for folds."""
    source = key_set(report)
    scores = _scores_of(report, source) if source else {}
    return {name: scores[name] for name in rank_metrics(list(scores), limit)}


def key_metrics_line(report: ReportContent, *, limit: int = 2) -> str:
    """Return the key scores and their source as one line of text.

    Parameters
    ----------
    report : ReportContent
    limit : int, default=2
        Number of metrics, in the order of `rank_metrics`.
    """
    source = key_set(report)
    named = [
        " ".join(filter(None, (name, number, small)))
        for name, (number, small) in key_metrics(report, limit=limit).items()
    ]
    if source is None:
        return "not scored"
    n_folds = "the" if report.folds is None else str(len(report.folds))
    where = f"over {n_folds} folds" if source == "folds" else f"on the {source} rows"
    return f"{', '.join(named)} {where}"


def _scores_of(report: ReportContent, source: str) -> dict[str, tuple[str, str]]:
    if source == "folds":
        if report.cv_summary is None:
            return {}
        return {
            str(name): (format_number(row["mean"]), f"± {format_number(row['std'], 2)}")
            for name, row in report.cv_summary.dropna(subset="mean").iterrows()
        }
    if source not in report.scores.index:
        return {}
    row = report.scores.loc[source].dropna()
    return {str(name): (format_number(value), "") for name, value in row.items()}


def rank_metrics(names: list[str], limit: int) -> list[str]:
    """Return at most `limit` metrics: the first one, then ROC AUC, then the others."""
    first = names[:1] + [name for name in names[1:] if name.startswith("roc_auc")]
    return list(dict.fromkeys(first + names))[:limit]

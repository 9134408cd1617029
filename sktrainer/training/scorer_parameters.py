"""Validation of the values of `scoring` and `eval_metric`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from sklearn.metrics import get_scorer_names

from sktrainer.exceptions import describe_value, suggest_name

METRIC_ALIASES = {
    "acc": "accuracy",
    "ap": "average_precision",
    "auc": "roc_auc",
    "auc_pr": "average_precision",
    "aucpr": "average_precision",
    "binary_logloss": "neg_log_loss",
    "brier": "neg_brier_score",
    "cross_entropy": "neg_log_loss",
    "crossentropy": "neg_log_loss",
    "gpu": "cuda",
    "l1": "neg_mean_absolute_error",
    "l2": "neg_mean_squared_error",
    "logloss": "neg_log_loss",
    "mae": "neg_mean_absolute_error",
    "mape": "neg_mean_absolute_percentage_error",
    "mcc": "matthews_corrcoef",
    "mlogloss": "neg_log_loss",
    "mse": "neg_mean_squared_error",
    "msle": "neg_mean_squared_log_error",
    "multi_logloss": "neg_log_loss",
    "pr_auc": "average_precision",
    "prauc": "average_precision",
    "rmse": "neg_root_mean_squared_error",
    "rmsle": "neg_root_mean_squared_log_error",
}


def _metric_problems(parameter: str, values: Iterable[object]) -> list[str]:
    """Return an error text for each metric of y_true and y_pred among the values."""
    problems = []
    for value in filter(callable, values):
        try:
            signature = inspect.signature(value)
            if next(iter(signature.parameters), "") != "y_true":
                signature.bind(None, None, None)
                continue
        except TypeError:
            pass
        except ValueError:  # a function of an extension module without a signature
            continue
        name = getattr(value, "__name__", "metric")
        scorer = name.removesuffix("_score")
        better = f"{scorer!r} or " if scorer in get_scorer_names() else ""
        problems.append(
            f"{parameter}={name} must be a scorer(estimator, X, y), but {name} is a metric of "
            f"y_true and y_pred. Use {better}sklearn.metrics.make_scorer({name})"
        )
    return problems


def scoring_problems(scoring: object) -> list[str]:
    """Return an error text for each problem of `scoring`."""
    if scoring is None or callable(scoring):
        return _metric_problems("scoring", [scoring])
    if isinstance(scoring, str):
        return _unknown_scorers("scoring", [scoring])
    if isinstance(scoring, Mapping):
        named = [value for value in scoring.values() if not callable(value)]
        bad_names = [name for name in scoring if not isinstance(name, str)]
    elif isinstance(scoring, (list, tuple, set)):
        named, bad_names = list(scoring), []
        if len(set(map(str, named))) < len(named):
            return [f"scoring={list(scoring)!r} contains a scorer twice. Remove the duplicate"]
    else:
        named, bad_names = [scoring], []
    if (isinstance(scoring, (Mapping, list, tuple, set)) and not scoring) or bad_names:
        return [
            f"scoring must name at least one scorer by a string, got {describe_value(scoring)}"
        ]
    if isinstance(scoring, Mapping):
        return _unknown_scorers("scoring", named) + _metric_problems(
            "scoring", scoring.values()
        )
    return _unknown_scorers("scoring", named)


def eval_metric_problems(metric: object) -> list[str]:
    """Return an error text for each problem of `eval_metric`."""
    if callable(metric):
        return _metric_problems("eval_metric", [metric])
    if metric == "loss":
        return []
    return _unknown_scorers("eval_metric", [metric], "'loss', ", ("loss",))


def _unknown_scorers(
    parameter: str, names: Iterable[Any], also: str = "", more: tuple[str, ...] = ()
) -> list[str]:
    known = get_scorer_names()
    return [
        f"{parameter} must be {also}a callable scorer(estimator, X, y) or one of the names in "
        f"sklearn.metrics.get_scorer_names(), got {describe_value(name)}"
        f"{suggest_name(name, [*more, *known], METRIC_ALIASES)}"
        for name in names
        if not (isinstance(name, str) and name in known)
    ]

"""Alerts: problems of the training that need a decision, each with what to do.

The limits were chosen on real tables so that an alert nearly always has a remedy.
`docs/alerts.md` explains each of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.backends.estimators import model_name
from sktrainer.reporting.content import Alert
from sktrainer.reporting.formats import format_bytes, format_number, format_percent
from sktrainer.reporting.key_metrics import rank_metrics
from sktrainer.resampling.class_weight import is_imbalanced
from sktrainer.scoring.scorers import lower_is_better
from sktrainer.training.cv_result import CrossValidationResult
from sktrainer.training.diagnostics import suggest_params
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.log import FitLog
from sktrainer.training.plan import FitPlan
from sktrainer.training.retry import divergence_alert
from sktrainer.types import FitData, ModelFit

# Share of the memory from which the next larger table, or a neighbor, ends the process.
MOST_MEMORY = 0.9
# A fit that adds less is not the reason that memory is short.
LEAST_MEMORY = 0.05

# Of what the model gains over a constant on training rows, the share that it loses on others.
MOST_LOST = 0.5
LEAST_GAP = 0.1  # a smaller gap is within what other seeds change

# The best iteration is among the last 5 %, and the last 10 % decreased the loss by 1 %.
LAST_ITERATIONS = 0.05
TAIL, LEAST_DECREASE = 0.1, 0.01

# In standard errors. A test score is often better than those of folds, whose models had fewer
# training rows.
MOST_WORSE, MOST_BETTER = 3.0, 6.0


def find_alerts(
    plan: FitPlan,
    data: FitData,
    result: FitResult,
    cv: CrossValidationResult | None,
    intervals: pd.DataFrame | None,
    log: FitLog,
) -> tuple[Alert, ...]:
    """Return the alerts of a fit, the most serious first.

    Parameters
    ----------
    plan, data, result, cv, log
        Those of the fit, after scoring.
    intervals : DataFrame or None
        Intervals of the test scores.
    """
    found: list[Alert | None] = [*_divergence(plan, result, cv)]
    if not found:
        found += [_max_iterations(plan, result.fit, log), _overfitting(plan, result, cv)]
        found.append(_test_score(data, result, cv, intervals))
    found.append(_memory(log))
    return tuple(alert for alert in found if alert is not None)


def _divergence(
    plan: FitPlan, result: FitResult, cv: CrossValidationResult | None
) -> Iterator[Alert]:
    """Yield the divergence of the final fit and of folds."""
    model = plan.model.model
    if result.diagnosis.diverged:
        yield divergence_alert(result.attempts, model)
    if cv is not None and cv.divergence:
        yield Alert(name="divergence", found=cv.divergence, fix=suggest_params(model))


def _memory(log: FitLog) -> Alert | None:
    """Return an alert if memory was nearly used up, and the fit is a reason for it."""
    use, increase = log.fullest, log.memory_increase_mb
    if use is None or not increase >= LEAST_MEMORY * use.limit:
        return None
    if use.used < MOST_MEMORY * use.limit:
        return None
    return Alert(
        name="memory",
        found=f"{format_percent(use.used / use.limit)} of {format_bytes(use.limit)} of memory "
        f"were in use during the fit, which added {format_bytes(increase)}. With less memory, "
        "the process would be killed",
        fix="use fewer parallel folds (n_jobs=1), float32 columns, fewer rows, or a machine "
        "or container with more memory",
    )


def _max_iterations(plan: FitPlan, fit: ModelFit, log: FitLog) -> Alert | None:
    """Return an alert if the fit reached its limit while it was still improving."""
    capabilities = plan.model.capabilities
    limit, unit = capabilities.max_iter, capabilities.iteration_name
    name = model_name(plan.model.model)
    fix = f"increase {_limit_parameter(plan.model.model, limit)}"
    if any(w["category"] == "ConvergenceWarning" for w in log.library_warnings()):
        return Alert(
            name="max-iterations",
            found=f"{name} reached its maximum number of iterations without converging",
            fix=f"{fix}, scale the features, or increase the regularization",
        )
    decrease = _last_decrease(fit)
    if fit.stop_reason != "max_iter" or decrease is None or decrease < LEAST_DECREASE:
        return None
    return Alert(
        name="max-iterations",
        found=f"{name} reached its maximum of {limit:,} {unit}s while the validation loss was "
        f"still decreasing, by {format_percent(decrease)} in the last {TAIL:.0%} of {unit}s",
        fix=f"{fix}; early stopping ends the fit at the best {unit}",
    )


def _last_decrease(fit: ModelFit) -> float | None:
    """Return the relative decrease of the validation loss in the last iterations.

    None if the best iteration is not among the last ones, or without a positive loss.
    """
    curve = {
        e.iteration: e.value
        for e in fit.evaluations
        if e.set == "validation" and e.metric == "loss"
    }
    n_iter = max(curve, default=0)
    before = [value for iteration, value in curve.items() if iteration <= (1 - TAIL) * n_iter]
    best = min(curve, key=lambda iteration: curve[iteration], default=0)
    if not before or best < (1 - LAST_ITERATIONS) * n_iter or min(before) <= 0:
        return None
    return 1 - min(curve.values()) / min(before)


def _limit_parameter(model: Any, limit: int | None) -> str:
    """Return the name of the parameter that limits the iterations, with its value."""
    parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    for name, value in parameters.items():
        is_limit = name == "max_iter" if limit is None else value == limit
        if is_limit and re.search("iter|epoch|estimators|rounds|trees", name):
            return f"{name} (now {value})"
    return "the maximum number of iterations"


def _overfitting(
    plan: FitPlan, result: FitResult, cv: CrossValidationResult | None
) -> Alert | None:
    """Return an alert if most of what the model learned is true of training rows only.

    Models of which more iterations do not overfit, such as forests, are left out: they fit
    training rows nearly perfectly, however well they predict others.
    """
    capabilities = plan.model.capabilities
    if capabilities.max_iter is not None and not capabilities.early_stopping_by_default:
        return None
    table, baseline = result.scores.table, result.scores.baseline
    metric = next((name for name in ("roc_auc", "r2") if name in table), None)
    if metric is None or "train" not in table.index:
        return None
    held = next((name for name in ("test", "validation") if name in table.index), None)
    if cv is not None:  # test rows may be of another time or source
        other, constant = (_cell(cv.summary, metric, name) for name in ("mean", "constant"))
        where = "held-out rows of the folds"
    elif held is not None:
        other, constant = (_cell(scores, held, metric) for scores in (table, baseline))
        where = f"{held} rows"
    else:
        return None
    train = _cell(table, "train", metric)
    gained, gap = train - constant, train - other
    if not (gap >= LEAST_GAP and gap >= MOST_LOST * gained > 0):
        return None
    return Alert(
        name="overfitting",
        found=f"{plan.scoring.shown(metric)} is {format_number(train)} on the training rows "
        f"and {format_number(other)} on the {where} (constant {format_number(constant)}): most "
        "of what the model learned is true of the training rows only",
        fix=f"{_regularization(plan.model.model)}, or train on more rows",
    )


# Parameters that make a model simpler, the most effective first.
_SIMPLER = (
    ("num_leaves", "decrease"), ("max_leaf_nodes", "decrease"), ("max_depth", "decrease"),
    ("depth", "decrease"), ("min_samples_leaf", "increase"), ("min_child_samples", "increase"),
    ("min_child_weight", "increase"), ("n_neighbors", "increase"), ("C", "decrease"),
    ("alpha", "increase"), ("l2_leaf_reg", "increase"), ("optimizer__weight_decay", "increase"),
)  # fmt: skip


def _regularization(model: Any) -> str:
    """Suggest at most two changes of parameters that make the model simpler."""
    parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    found = []
    for name, verb in _SIMPLER:
        if name in parameters and parameters[name] is not None:
            found.append(f"{verb} {name} (now {parameters[name]})")
        elif name in parameters:  # the library's default
            found.append(f"set a {'smaller' if verb == 'decrease' else 'larger'} {name}")
    return " or ".join(found[:2]) or "use a smaller model or a stronger regularization"


def _test_score(
    data: FitData,
    result: FitResult,
    cv: CrossValidationResult | None,
    intervals: pd.DataFrame | None,
) -> Alert | None:
    """Return an alert if the test score differs from those of the folds by more than chance.

    The standard errors are those of both intervals. Only the first metric is compared, so that
    many metrics do not raise the rate of false alarms.
    """
    table = result.scores.table
    if cv is None or intervals is None or "test" not in table.index:
        return None
    summary = cv.summary
    imbalanced = data.classes is not None and is_imbalanced(np.bincount(data.y))
    metric = rank_metrics([str(name) for name in table], 1, imbalanced=imbalanced)[0]
    if metric not in intervals.index or metric not in summary.index:
        return None
    test, mean = _cell(table, "test", metric), _cell(summary, metric, "mean")
    fold_scores = [fold.scores[metric] for fold in cv.folds if not fold.error]
    errors = [
        (_cell(intervals, metric, "high") - _cell(intervals, metric, "low")) / 3.92,
        _cell(summary, metric, "std"),
    ]
    error = math.hypot(*errors)
    difference = test - mean
    if cv.scoring.is_default and lower_is_better(metric):
        difference = -difference
    if not error > 0 or -MOST_WORSE <= difference / error <= MOST_BETTER:
        return None
    how = "worse" if difference < 0 else "better"
    return Alert(
        name="test-score",
        found=f"{cv.scoring.shown(metric)} of the test rows is {format_number(test)}, clearly "
        f"{how} than in the folds ({format_number(min(fold_scores))} to "
        f"{format_number(max(fold_scores))})",
        fix=_WORSE if how == "worse" else _BETTER,
    )


def _cell(table: pd.DataFrame, row: str, column: str) -> float:
    return float(table[column].to_dict()[row])


_WORSE = (
    "check whether the test rows are of another time, group or source than the others, and "
    "expect the lower score on new data"
)
_BETTER = (
    "check whether rows of the test set are duplicates of training rows, or easier than the "
    "others, and expect the score of the folds on new data"
)

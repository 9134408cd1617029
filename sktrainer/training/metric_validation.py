"""Validation of the parameters `scoring`, `eval_metric` and `pos_label`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from sktrainer.backends.estimators import model_name
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.data.positive_class import choose_positive_class
from sktrainer.data.predictions import CachedPredictor
from sktrainer.exceptions import ParameterError
from sktrainer.scoring.scorers import (
    Scoring,
    is_supported,
    named_scorer,
    needs_pos_label,
    positive_class_scorer,
    response_methods,
    shown_name,
)
from sktrainer.training.parameters import TrainerParams
from sktrainer.types import Array, FitData, PositiveClass, Scorer, Task


def positive_class(params: TrainerParams, data: FitData) -> PositiveClass | None:
    """Return the positive class of two classes, or raise for a `pos_label` that is invalid."""
    if data.classes is not None and data.n_classes == 2:
        return choose_positive_class(params.pos_label, data.classes, data.y)
    if isinstance(params.pos_label, str) and params.pos_label == "auto":
        return None
    found = f"{data.n_classes} classes" if data.n_classes else "a regression target"
    raise ParameterError(
        f"pos_label={params.pos_label!r} needs a target of two classes, but y has {found}. "
        "Remove it"
    )


def resolve_eval_metric(
    eval_metric: str | Scorer, positive: PositiveClass | None
) -> EvalMetric:
    """Return the metric that early stopping monitors."""
    if isinstance(eval_metric, str):
        if eval_metric == "loss":
            return EvalMetric()
        name = eval_metric
    else:
        name = getattr(getattr(eval_metric, "_score_func", eval_metric), "__name__", "score")
    scorer = positive_class_scorer(eval_metric, positive)
    of_codes = isinstance(eval_metric, str)
    return EvalMetric(name, scorer, shown_name(name, scorer, positive, of_codes=of_codes))


def scorer_problems(
    params: TrainerParams,
    model: Any,
    scoring: Scoring,
    eval_metric: EvalMetric,
    data: FitData,
) -> list[str]:
    """Return an error text for each scorer that cannot score such targets or this model."""
    named = {} if params.scoring is None else dict(scoring.scorers)
    names = [name for name in named if name not in scoring.user_defined]
    if isinstance(params.scoring, Mapping):
        names = [params.scoring[name] for name in names]
    if eval_metric.scorer is not None:
        named[eval_metric.name] = eval_metric.scorer
        names += [eval_metric.name] if isinstance(params.eval_metric, str) else []
    problems = [
        scorer_problem(name, data.task, data.n_classes) for name in dict.fromkeys(names)
    ]
    problems += [
        f"scorer {name!r} needs a model with {' or '.join(response_methods(scorer))}, but "
        f"{model_name(model)} has none. Use another scorer or model"
        for name, scorer in named.items()
        if not is_supported(scorer, model)
    ]
    return [problem for problem in problems if problem is not None]


def scorer_problem(name: str, task: Task, n_classes: int) -> str | None:
    """Return an error message if a scikit-learn scorer cannot score the targets, else None.

    The scorer is tried on a few correctly predicted rows. If it fails on these, it fails on
    all rows. `name` is one of `sklearn.metrics.get_scorer_names()`.

    Examples
    --------
    >>> print(scorer_problem("f1", "classification", 3))
    scorer 'f1' does not support classification with 3 classes; use for example 'f1_macro'
    >>> scorer_problem("f1", "classification", 2) is None
    True
    """
    if _scores(name, task, n_classes):
        return None
    known = set(get_scorer_names())
    better = (f"{name}_macro", f"{name}_ovr", "r2" if task == "regression" else "accuracy")
    fitting = next(b for b in better if b in known and _scores(b, task, n_classes))
    targets = task if task == "regression" else f"{task} with {n_classes} classes"
    return f"scorer {name!r} does not support {targets}; use for example {fitting!r}"


def _scores(name: str, task: Task, n_classes: int) -> bool:
    scorer = named_scorer(name)
    targets, rows = _perfect_predictions(task, n_classes, codes=needs_pos_label(scorer))
    if not is_supported(scorer, rows):
        return True  # whether the model has the required method is checked elsewhere
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            scorer(rows, np.empty((len(targets), 0)), targets)
        except (ValueError, TypeError):
            return False
    return True


def _perfect_predictions(
    task: Task, n_classes: int, *, codes: bool
) -> tuple[Array, CachedPredictor]:
    if task == "regression":
        numbers = np.array([0.5, 1.25, 2.0, 3.75])
        return numbers, CachedPredictor(task, None, lambda: numbers)
    # Use strings unless codes are needed: regression metrics would accept numeric codes.
    labels = np.array([code if codes else f"label {code:09d}" for code in range(n_classes)])
    rows = np.tile(np.arange(n_classes), 2)  # two rows per class
    likely = np.eye(n_classes)[rows]
    decision = likely[:, 1] - likely[:, 0] if n_classes == 2 else likely
    targets = labels[rows]
    return targets, CachedPredictor(
        task, labels, lambda: targets, lambda: likely, lambda: decision
    )

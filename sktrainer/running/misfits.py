"""Check, before training, that a scorer can score the targets."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.metrics import get_scorer_names

from sktrainer.running.metrics import is_supported, named_scorer, needs_pos_label
from sktrainer.running.predicted import CachedPredictor
from sktrainer.types import Array, Task

__all__ = ["scorer_problem"]


def scorer_problem(name: str, task: Task, n_classes: int) -> str | None:
    """Return an error message if a scikit-learn scorer cannot score the targets, else None.

    The scorer is tried on a few correctly predicted rows. If it fails on these, it fails on
    all rows. `name` is one of `sklearn.metrics.get_scorer_names()`.

    Examples
    --------
    >>> print(scorer_misfit("f1", "classification", 3))
    scorer 'f1' does not support classification with 3 classes; use for example 'f1_macro'
    >>> scorer_misfit("f1", "classification", 2) is None
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

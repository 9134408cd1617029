"""Whether a fit went wrong: NaN in its loss, a loss that grows, worse than knowing nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktrainer.types import Array, Evaluation, ModelFit

__all__ = [
    "FINE",
    "Skill",
    "Verdict",
    "advice",
    "are_probabilities",
    "class_skill",
    "judge",
    "number_skill",
    "scaling_advice",
]

GROWTH = 2.0
"""A training loss that grows to so many times its first value has run away."""

LEAST_GAIN = 1e-3
"""A loss less than this share below that of knowing nothing counts as no better."""

MOST_DENIED = 0.01
"""A model that gives no probability to the class of more rows than this share has run away."""

UNLIKE = 10.0
"""A target of so many times the deviation that networks learn best is unlike it."""


@dataclass(frozen=True)
class Verdict:
    """How a fit came out.

    Attributes
    ----------
    problem : str
        What is wrong, in words; empty where nothing is.
    diverged : bool
        It went wrong while it trained, so that other settings are called for.
    loss : float
        Log loss, or RMSE, on the validation rows; NaN where it was not computed.
    remedy : str
        What to do besides the settings that `advice` names; empty where nothing is known.
    """

    problem: str = ""
    diverged: bool = False
    loss: float = math.nan
    remedy: str = ""


FINE = Verdict()


@dataclass(frozen=True)
class Skill:
    """The loss of a model on some rows beside that of knowing nothing of them.

    Attributes
    ----------
    metric : {"log loss", "RMSE"}
    loss, baseline : float
        In the metric's own unit; the baseline predicts class frequencies or the mean.
    beyond_start : bool
        Twice as far off as a model that has not begun to learn (even probabilities, zeros),
        or certain of what is wrong.
    worse : bool
        Worse than the baseline by more than chance explains (two standard errors).
    """

    metric: str
    loss: float
    baseline: float
    beyond_start: bool
    worse: bool

    @property
    def of_unlike_target(self) -> bool:
        """Whether the target's deviation is far from 1, where networks learn best."""
        return self.metric == "RMSE" and not 1 / UNLIKE < self.baseline < UNLIKE

    @property
    def no_better(self) -> bool:
        return not self.loss < self.baseline * (1.0 - LEAST_GAIN)

    def __str__(self) -> str:
        knowing = "class frequencies" if self.metric == "log loss" else "the mean"
        return (
            f"{self.metric} {self.loss:.4g} on the validation rows, where predicting "
            f"{knowing} gives {self.baseline:.4g}"
        )


def are_probabilities(values: Array) -> bool:
    """Tell whether rows are shares that add up to 1; rows with NaN in them tell nothing.

    Some models give margins where scikit-learn expects probabilities.

    Examples
    --------
    >>> are_probabilities(np.array([[0.2, 0.8], [np.nan, np.nan]]))
    True
    >>> are_probabilities(np.array([[3.2, -2.2]]))
    False
    """
    rows = values[np.isfinite(values).all(axis=1)]
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1.0, atol=1e-3))


def class_skill(
    probabilities: Array, codes: Array, frequencies: Array, weight: Array | None = None
) -> Skill:
    """Compare a model's log loss with that of the frequencies of the classes.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,)
        Positions of the true classes.
    frequencies : ndarray of shape (n_classes,)
        Of the rows that the model was fitted on, with their weights.
    weight : ndarray of shape (n_samples,) or None, default=None

    Examples
    --------
    >>> codes, even = np.array([0, 1]), np.array([0.5, 0.5])
    >>> class_skill(np.array([[0.9, 0.1], [0.2, 0.8]]), codes, even).no_better
    False
    """
    of_truth = probabilities[np.arange(len(codes)), codes]
    least = np.finfo(np.result_type(of_truth, np.float32)).eps
    losses = -np.log(np.clip(of_truth, least, 1.0))
    naive = -np.log(np.clip(frequencies[codes], least, 1.0))
    mean, baseline = _mean(losses, weight), _mean(naive, weight)
    start = 2.0 * math.log(max(2, int(np.count_nonzero(frequencies))))
    worse = _is_worse(losses - naive, weight)
    denied = _mean(of_truth <= least, weight) > MOST_DENIED
    return Skill("log loss", mean, baseline, denied or not mean <= start, worse)


def number_skill(predicted: Array, y: Array, mean: Any, weight: Array | None = None) -> Skill:
    """Compare a model's squared error with that of the mean of the training rows.

    Parameters
    ----------
    predicted, y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    mean : float or ndarray of shape (n_outputs,)
    weight : ndarray of shape (n_samples,) or None, default=None
    """
    predicted, y = np.asarray(predicted, dtype=float), np.asarray(y, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        errors, naive, zeros = (
            ((guess - y) ** 2).reshape(len(y), -1).mean(axis=1)
            for guess in (predicted.reshape(y.shape), mean, 0.0)
        )
        found, baseline, start = (_mean(each, weight) for each in (errors, naive, zeros))
        worse = _is_worse(errors - naive, weight)
        return Skill(
            "RMSE", math.sqrt(found), math.sqrt(baseline), not found <= 4.0 * start, worse
        )


def _mean(values: Array, weight: Array | None) -> float:
    return float(np.average(values, weights=weight))


def _is_worse(excess: Array, weight: Array | None) -> bool:
    """Tell whether a mean excess is above zero by two standard errors; NaN is."""
    shares = np.full(len(excess), 1 / len(excess)) if weight is None else weight / weight.sum()
    mean = float(shares @ excess)
    error = math.sqrt(float(shares**2 @ (excess - mean) ** 2)) if math.isfinite(mean) else 0.0
    return not mean <= 2.0 * error


def judge(fit: ModelFit, held: Skill | None, seen: Skill | None, unit: str) -> Verdict:
    """Say how a fit came out.

    Parameters
    ----------
    fit : ModelFit
    held : Skill or None
        On the validation rows; None where there are none.
    seen : Skill or None
        On the training rows; None where that is not known.
    unit : str
        What an iteration is called.

    Returns
    -------
    Verdict
    """
    loss = math.nan if held is None else held.loss
    curve = _curve_problem(fit.evaluations, unit)
    if curve:
        return Verdict(curve, True, loss)
    if held is None or not held.no_better:
        return Verdict(loss=loss)
    if seen is None or not seen.no_better:
        return Verdict(str(held), False, loss)
    diverged = seen.beyond_start or (held.worse and not _is_learning(fit.evaluations))
    return Verdict(str(held), diverged, loss)


def _is_learning(evaluations: Sequence[Evaluation]) -> bool:
    """Tell whether the training loss ended below its first value, however far it got.

    One iteration is too few to tell, and no sign that more would be worse.
    """
    losses = [e.value for e in evaluations if e.set == "train" and e.metric == "loss"]
    return len(losses) == 1 or (len(losses) > 1 and losses[-1] < losses[0])


def _curve_problem(evaluations: Sequence[Evaluation], unit: str) -> str:
    """Find NaN in the losses, or a training loss that grew."""
    for part in ("train", "validation"):
        losses = [e for e in evaluations if e.set == part and e.metric == "loss"]
        broken = next((e for e in losses if not math.isfinite(e.value)), None)
        if broken is not None:
            what = "training" if part == "train" else part
            return f"the {what} loss is {broken.value} from {unit} {broken.iteration:,} on"
    losses = [e for e in evaluations if e.set == "train" and e.metric == "loss"]
    if len(losses) < 2:
        return ""
    first, peak = losses[0], max(losses, key=lambda e: e.value)
    if 0.0 < GROWTH * first.value < peak.value:
        return (
            f"the training loss grew from {first.value:.4g} to {peak.value:.4g} at {unit} "
            f"{peak.iteration:,}"
        )
    return ""


def scaling_advice(model: Any) -> str:
    """Say how a network is to learn a target whose deviation is far from 1.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> scaling_advice(MLPRegressor())[:47]
    'let it learn the target standardised: wrap the '
    """
    do = "let it learn the target standardised: "
    parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    if "scale_target" in parameters:
        return f"{do}estimator__scale_target=True, for a network that ends in a linear layer"
    return (
        f"{do}wrap the trainer in sklearn.compose.TransformedTargetRegressor(..., "
        "transformer=StandardScaler())"
    )


# What to set, by the names of a model's parameters; the first that it has stand first.
_REMEDIES = (
    ("min_child_weight", "raise {name} (now {value}; 1 where classes are very rare)"),
    ("learning_rate", "lower {name} (now {value})"),
    ("learning_rate_init", "lower {name} (now {value})"),
    ("lr", "lower {name} (now {value})"),
    ("optimizer__lr", "lower {name} (now {value})"),
    ("eta0", "lower {name} (now {value})"),
    ("reg_lambda", "raise {name} (now {value})"),
    ("l2_leaf_reg", "raise {name} (now {value})"),
)


def advice(model: Any) -> str:
    """Say what to set on a model whose fit diverged.

    Examples
    --------
    >>> from sklearn.neural_network import MLPClassifier
    >>> advice(MLPClassifier())
    'lower learning_rate_init (now 0.001)'
    """
    parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    numbers = {
        name: value
        for name, value in parameters.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    found = [
        text.format(name=name, value=numbers[name])
        for name, text in _REMEDIES
        if name in numbers
    ]
    if not found:
        return "lower the learning rate, regularise more, or scale the columns and the target"
    return " or ".join(found[:2])

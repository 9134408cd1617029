"""Detection of diverged fits: a NaN or growing loss, or a loss worse than a baseline's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktrainer.types import Array, MetricValue, ModelFit

__all__ = [
    "NO_PROBLEM",
    "BaselineComparison",
    "Diagnosis",
    "are_valid_probabilities",
    "compare_log_loss",
    "compare_squared_error",
    "diagnose_losses",
    "suggest_params",
    "suggest_target_scaling",
]

MAX_LOSS_GROWTH = 2.0
"""A fit diverged if its training loss exceeds this multiple of its first value."""

MIN_RELATIVE_GAIN = 1e-3
"""Minimum relative improvement over the constant baseline to count as better."""

MAX_ZERO_PROBABILITY_SHARE = 0.01
"""A fit diverged if its true class has zero probability in more than this share of rows."""

MAX_TARGET_SCALE = 10.0
"""Ratio to a standard deviation of 1 beyond which a target should be standardized."""


@dataclass(frozen=True)
class Diagnosis:
    """Diagnosis of a fit.

    Attributes
    ----------
    problem : str
        Description of the problem. Empty if there is none.
    diverged : bool
        Whether training diverged, so that other hyperparameters are needed.
    loss : float
        Log loss or RMSE on the validation rows. NaN if it was not computed.
    remedy : str
        A fix other than the parameter changes that `advice` suggests. May be empty.
    """

    problem: str = ""
    diverged: bool = False
    loss: float = math.nan
    fix: str = ""


NO_PROBLEM = Diagnosis()


@dataclass(frozen=True)
class BaselineComparison:
    """Loss of a model on some rows, compared with a constant baseline.

    Attributes
    ----------
    metric : {"log loss", "RMSE"}
    loss, baseline : float
        Values of `metric`. The baseline predicts the class frequencies or the mean.
    beyond_start : bool
        Whether the loss is more than twice that of an untrained model (equal
        probabilities or zeros), or too many true classes have zero probability.
    worse : bool
        Whether the model is significantly worse than the baseline (two standard errors).
    """

    metric: str
    loss: float
    baseline: float
    far_from_untrained: bool
    significantly_worse: bool

    @property
    def target_needs_scaling(self) -> bool:
        """Whether the standard deviation of a regression target is far from 1."""
        return (
            self.metric == "RMSE"
            and not 1 / MAX_TARGET_SCALE < self.baseline < MAX_TARGET_SCALE
        )

    @property
    def is_no_better(self) -> bool:
        return not self.loss < self.baseline * (1.0 - MIN_RELATIVE_GAIN)

    def __str__(self) -> str:
        knowing = "class frequencies" if self.metric == "log loss" else "the mean"
        return (
            f"{self.metric} {self.loss:.4g} on the validation rows, compared with "
            f"{self.baseline:.4g} for predicting {knowing}"
        )


def are_valid_probabilities(values: Array) -> bool:
    """Return whether all rows are non-negative and sum to 1. Ignore rows with NaN.

    `predict_proba` of some models returns margins instead of probabilities.

    Examples
    --------
    >>> are_probabilities(np.array([[0.2, 0.8], [np.nan, np.nan]]))
    True
    >>> are_probabilities(np.array([[3.2, -2.2]]))
    False
    """
    rows = values[np.isfinite(values).all(axis=1)]
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1.0, atol=1e-3))


def compare_log_loss(
    probabilities: Array, codes: Array, frequencies: Array, weight: Array | None = None
) -> BaselineComparison:
    """Compare the log loss of a model with that of constant class frequencies.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,)
        Codes of the true classes.
    frequencies : ndarray of shape (n_classes,)
        Weighted class frequencies of the training rows.
    weight : ndarray of shape (n_samples,) or None, default=None

    Examples
    --------
    >>> codes, even = np.array([0, 1]), np.array([0.5, 0.5])
    >>> class_skill(np.array([[0.9, 0.1], [0.2, 0.8]]), codes, even).no_better
    False
    """
    of_truth = probabilities[np.arange(len(codes)), codes]
    # Clip as sklearn.metrics.log_loss does, so that a zero probability has a finite loss.
    least = np.finfo(np.result_type(of_truth, np.float32)).eps
    losses = -np.log(np.clip(of_truth, least, 1.0))
    naive = -np.log(np.clip(frequencies[codes], least, 1.0))
    mean, baseline = _mean(losses, weight), _mean(naive, weight)
    # log(n_classes) is the log loss of equal probabilities, that is, of an untrained model.
    start = 2.0 * math.log(max(2, int(np.count_nonzero(frequencies))))
    worse = _is_worse(losses - naive, weight)
    denied = _mean(of_truth <= least, weight) > MAX_ZERO_PROBABILITY_SHARE
    return BaselineComparison("log loss", mean, baseline, denied or not mean <= start, worse)


def compare_squared_error(
    predicted: Array, y: Array, mean: Any, weight: Array | None = None
) -> BaselineComparison:
    """Compare the RMSE of a model with that of predicting the training mean.

    `predicted` and `y` have shape (n_samples,) or (n_samples, n_outputs).
    """
    predicted, y = np.asarray(predicted, dtype=float), np.asarray(y, dtype=float)
    # Predictions of a diverged model overflow when squared; inf and NaN count as worse.
    with np.errstate(over="ignore", invalid="ignore"):
        errors, naive, zeros = (
            ((guess - y) ** 2).reshape(len(y), -1).mean(axis=1)
            for guess in (predicted.reshape(y.shape), mean, 0.0)
        )
        found, baseline, start = (_mean(each, weight) for each in (errors, naive, zeros))
        worse = _is_worse(errors - naive, weight)
        return BaselineComparison(
            "RMSE", math.sqrt(found), math.sqrt(baseline), not found <= 4.0 * start, worse
        )


def _mean(values: Array, weight: Array | None) -> float:
    return float(np.average(values, weights=weight))


def _is_worse(excess: Array, weight: Array | None) -> bool:
    """Return whether the mean of `excess` exceeds two standard errors. True for NaN."""
    shares = np.full(len(excess), 1 / len(excess)) if weight is None else weight / weight.sum()
    mean = float(shares @ excess)
    # Standard error of a weighted mean.
    error = math.sqrt(float(shares**2 @ (excess - mean) ** 2)) if math.isfinite(mean) else 0.0
    return not mean <= 2.0 * error  # not `>`, so that NaN counts as worse


def diagnose_losses(
    fit: ModelFit, held: BaselineComparison | None, seen: BaselineComparison | None, unit: str
) -> Diagnosis:
    """Diagnose a fit from its loss curve and its skill.

    Parameters
    ----------
    fit : ModelFit
    held, seen : Skill or None
        Skill on the validation rows and on the training rows, None if unknown.
    unit : str
        Name of an iteration, such as "round" or "epoch".
    """
    loss = math.nan if held is None else held.loss
    curve = _curve_problem(fit.evaluations, unit)
    if curve:
        return Diagnosis(curve, True, loss)
    if held is None or not held.is_no_better:
        return Diagnosis(loss=loss)
    if seen is None or not seen.is_no_better:
        return Diagnosis(str(held), False, loss)
    # The model is no better even on its training rows. Either training diverged, or the data
    # has no signal. In the second case, the model is not significantly worse than the
    # baseline, or its training loss decreased.
    diverged = seen.far_from_untrained or (
        held.significantly_worse and not _is_learning(fit.evaluations)
    )
    return Diagnosis(str(held), diverged, loss)


def _is_learning(evaluations: Sequence[MetricValue]) -> bool:
    """Return whether the training loss ended below its first value.

    True for one iteration, which is no evidence of divergence.
    """
    losses = [e.value for e in evaluations if e.set == "train" and e.metric == "loss"]
    return len(losses) == 1 or (len(losses) > 1 and losses[-1] < losses[0])


def _curve_problem(evaluations: Sequence[MetricValue], unit: str) -> str:
    """Describe a non-finite loss or a growing training loss. Empty if there is none."""
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
    if 0.0 < MAX_LOSS_GROWTH * first.value < peak.value:
        return (
            f"the training loss grew from {first.value:.4g} to {peak.value:.4g} at {unit} "
            f"{peak.iteration:,}"
        )
    return ""


def suggest_target_scaling(model: Any) -> str:
    """Suggest how to standardize a target whose standard deviation is far from 1.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> scaling_advice(MLPRegressor())[:38]
    'standardize the target: wrap the train'
    """
    do = "standardize the target: "
    parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    if "scale_target" in parameters:
        return f"{do}set estimator__scale_target=True if the network ends in a linear layer"
    return (
        f"{do}wrap the trainer in sklearn.compose.TransformedTargetRegressor(..., "
        "transformer=StandardScaler())"
    )


# Suggested changes by parameter name, the most effective first. `advice` uses the first two
# that the model has.
_REMEDIES = (
    ("min_child_weight", "increase {name} (now {value}; try 1 for very rare classes)"),
    ("learning_rate", "decrease {name} (now {value})"),
    ("learning_rate_init", "decrease {name} (now {value})"),
    ("lr", "decrease {name} (now {value})"),
    ("optimizer__lr", "decrease {name} (now {value})"),
    ("eta0", "decrease {name} (now {value})"),
    ("reg_lambda", "increase {name} (now {value})"),
    ("l2_leaf_reg", "increase {name} (now {value})"),
)


def suggest_params(model: Any) -> str:
    """Suggest parameter changes for a model whose fit diverged.

    Examples
    --------
    >>> from sklearn.neural_network import MLPClassifier
    >>> advice(MLPClassifier())
    'decrease learning_rate_init (now 0.001)'
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
        return (
            "decrease the learning rate, increase the regularization, or scale the features "
            "and the target"
        )
    return " or ".join(found[:2])

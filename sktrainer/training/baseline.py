"""Comparison of a model with a constant baseline."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sktrainer.backends.registry import find_backend
from sktrainer.scoring.evaluate import SetPredictor
from sktrainer.scoring.predictor import Predictor
from sktrainer.scoring.probabilities import correct_priors
from sktrainer.scoring.scorers import Scoring
from sktrainer.types import Array, FitData, PreparedData, Scores

MIN_RELATIVE_GAIN = 1e-3
MAX_ZERO_PROBABILITY_SHARE = 0.01
MAX_TARGET_SCALE = 10.0

MIN_TEST_ROWS = 30
# Default scores for which greater is better and a constant prediction is not a good one. A
# model without skill often has a better recall or F1 than the most frequent class, and the log
# loss of forests and naive Bayes is high by design.
SKILL_SCORES = ("accuracy", "balanced_accuracy", "roc_auc", "r2")


@dataclass(frozen=True)
class BaselineComparison:
    """Loss of a model on some rows, compared with a constant baseline.

    Attributes
    ----------
    metric : {"log loss", "RMSE"}
    loss, baseline : float
        Values of `metric`. The baseline predicts the class frequencies or the mean.
    far_from_untrained : bool
        Whether the loss is more than twice that of an untrained model (equal
        probabilities or zeros), or too many true classes have zero probability.
    significantly_worse : bool
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
    >>> are_valid_probabilities(np.array([[0.2, 0.8], [np.nan, np.nan]]))
    True
    >>> are_valid_probabilities(np.array([[3.2, -2.2]]))
    False
    """
    rows = values[np.isfinite(values).all(axis=1)]
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1.0, atol=1e-3))


def compare_log_loss(
    probabilities: Array, codes: Array, frequencies: Array, weight: Array | None = None
) -> BaselineComparison:
    """Compare the log loss of a model with that of constant class frequencies.

    `codes` are those of the true classes, and `frequencies` the weighted class frequencies of
    the training rows.

    Examples
    --------
    >>> codes, even = np.array([0, 1]), np.array([0.5, 0.5])
    >>> compare_log_loss(np.array([[0.9, 0.1], [0.2, 0.8]]), codes, even).is_no_better
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
    predicted: Array, y: Array, mean: float | Array, weight: Array | None = None
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


def has_comparable_loss(fitted: Predictor) -> bool:
    """Return whether the model estimates probabilities or the mean.

    Models with a quantile, hinge or user-defined loss do not, so a constant baseline says
    nothing.
    """
    if fitted.task == "classification" and not fitted.has_method("predict_proba"):
        return False
    parameters = fitted.model.get_params() if hasattr(fitted.model, "get_params") else {}
    names = find_backend(fitted.model).parameters.losses
    losses = [parameters.get(name) for name in names]
    is_named = find_backend(fitted.model).spec.holds_networks or not any(
        loss is not None and not isinstance(loss, str) for loss in losses
    )
    if not is_named:  # user-defined, so unknown
        return False
    return not any(o in str(loss).lower() for loss in losses for o in ("quantile", "hinge"))


def compare_with_baseline(
    predicted: SetPredictor, data: FitData, prepared: PreparedData
) -> BaselineComparison | None:
    """Compare with a constant baseline: class frequencies or mean of the training rows."""
    train, y, weight = prepared.train, predicted.y, predicted.sample_weight
    if data.classes is None:
        outputs = np.asarray(predicted.predict())
        if outputs.size != y.size:  # several quantiles, or mean and standard deviation
            return None
        mean = np.average(train.y, axis=0, weights=train.sample_weight)
        return compare_squared_error(outputs, y, mean, weight)
    assert prepared.class_codes is not None
    shares = np.zeros(data.n_classes)
    shares[prepared.class_codes] = np.bincount(
        train.y, weights=train.sample_weight, minlength=len(prepared.class_codes)
    )
    # The baseline predicts the class frequencies before resampling and class weights.
    shift = prepared.prior_shift
    if shift is not None:
        shares = np.divide(shares, shift, out=np.zeros_like(shares), where=shift > 0)
    known = np.flatnonzero(shares[y] > 0)  # no loss for classes without training rows
    if not len(known) or (weight is not None and not weight[known].sum() > 0):
        return None
    probabilities = np.asarray(predicted.predict_proba())[known]
    if not are_valid_probabilities(probabilities):
        return None
    candidates = [probabilities]
    decoded = predicted.predictor.decoded
    if shift is not None and decoded is not None and decoded.prior_shift is None:
        # The model learned the changed class priors, which alone makes its loss larger than
        # that of the baseline. Synthetic rows change them by less than `shift`, so that the
        # corrected probabilities may be worse.
        candidates.append(correct_priors(probabilities, shift))
    weight = None if weight is None else weight[known]
    return min(
        (compare_log_loss(c, y[known], shares / shares.sum(), weight) for c in candidates),
        key=lambda comparison: comparison.loss,
    )


def describe_scores_without_skill(scores: Scores, scoring: Scoring, n_rows: int) -> str:
    """Return that no score of the `n_rows` test rows is better than that of a constant.

    Empty if one is better, for a model that is itself constant, for few rows, and for
    user-defined scoring, whose scores may be low by design.
    """
    if not scoring.is_default or n_rows < MIN_TEST_ROWS or "test" not in scores.table.index:
        return ""
    names = [name for name in SKILL_SCORES if name in scores.table]
    values, constants = (each.loc["test"].to_dict() for each in (scores.table, scores.baseline))
    pairs = {name: (float(values[name]), float(constants[name])) for name in names}
    gains = [value - constant for value, constant in pairs.values()]
    if any(gain > 0 for gain in gains) or not any(gain < 0 for gain in gains):
        return ""
    listed = ", ".join(
        f"{scoring.shown(name)} {value:.3f} (constant {constant:.3f})"
        for name, (value, constant) in pairs.items()
        if not math.isnan(value)
    )
    return (
        f"The model is no better than a constant prediction on the test rows: {listed}. Check "
        "that the columns have information on the target, or try another model"
    )

"""Detection of diverged fits: a NaN or growing loss, or a loss worse than a baseline's."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sktrainer.backends.registry import find_backend
from sktrainer.scoring.evaluate import SetPredictor
from sktrainer.training.baseline import (
    BaselineComparison,
    compare_with_baseline,
    has_comparable_loss,
)
from sktrainer.training.plan import ModelPlan
from sktrainer.types import FitData, MetricValue, ModelFit, PreparedData, SetName

MAX_LOSS_GROWTH = 2.0


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
    fix : str
        A fix other than the parameter changes of `suggest_params`. May be empty.
    is_nan : bool
        Whether a loss is NaN or infinite.
    """

    problem: str = ""
    diverged: bool = False
    loss: float = math.nan
    fix: str = ""
    is_nan: bool = False


NO_PROBLEM = Diagnosis()


def diagnose_losses(
    fit: ModelFit, held: BaselineComparison | None, seen: BaselineComparison | None, unit: str
) -> Diagnosis:
    """Diagnose a fit from its loss curve and the comparison with a baseline.

    `held` and `seen` are comparisons on the validation rows and on the training rows, None if
    unknown. `unit` is the name of an iteration, such as "round" or "epoch".
    """
    loss = math.nan if held is None else held.loss
    curve = _curve_problem(fit.evaluations, unit)
    if curve:
        is_nan = any(not math.isfinite(e.value) for e in fit.evaluations if e.metric == "loss")
        return Diagnosis(curve, True, loss, is_nan=is_nan)
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
    >>> suggest_target_scaling(MLPRegressor())[:38]
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


def suggest_params(model: Any) -> str:
    """Suggest at most two parameter changes for a model whose fit diverged.

    Examples
    --------
    >>> from sklearn.neural_network import MLPClassifier
    >>> suggest_params(MLPClassifier())
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
        for name, text in find_backend(model).parameters.divergence_fixes.items()
        if name in numbers
    ]
    if not found:
        return (
            "decrease the learning rate, increase the regularization, or scale the features "
            "and the target"
        )
    return " or ".join(found[:2])


def safe_settings(model: Any) -> dict[str, Any]:
    """Return a parameter change that prevents divergence, if the user set no other value.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> safe_settings(HistGradientBoostingClassifier())
    {'l2_regularization': 10.0}
    >>> safe_settings(HistGradientBoostingClassifier(l2_regularization=0.1))
    {}
    """
    parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    defaults = inspect.signature(type(model)).parameters
    for name, setting in find_backend(model).parameters.safe_settings.items():
        is_default = name in defaults and parameters.get(name) == defaults[name].default
        if is_default and not set(setting.aliases) & set(parameters):
            return {name: setting.value}
    return {}


def diagnose(
    plan: ModelPlan,
    fit: ModelFit,
    predictions: Mapping[SetName, SetPredictor],
    data: FitData,
    prepared: PreparedData,
) -> Diagnosis:
    """Diagnose a fit from its losses and its predictions for validation and training rows.

    Only boosting and networks are compared with a constant baseline. Other models hardly ever
    diverge, and the log loss of some, such as forests and naive Bayes, is uninformative
    because their probabilities are overconfident by design. Training rows are predicted only
    if the validation rows indicate a problem.
    """
    capabilities = plan.capabilities
    unit, held = capabilities.iteration_name, predictions.get("validation")
    if held is None or not (
        capabilities.early_stopping_by_default and has_comparable_loss(held.predictor)
    ):
        return diagnose_losses(fit, None, None, unit)
    on_held, on_train = compare_with_baseline(held, data, prepared), None
    if on_held is not None and on_held.is_no_better:
        on_train = compare_with_baseline(predictions["train"], data, prepared)
    found = diagnose_losses(fit, on_held, on_train, unit)
    if found.problem and capabilities.scale_sensitive and on_held is not None:
        scaled = getattr(fit.model, "target_scale_", None) is not None
        if on_held.target_needs_scaling and not scaled:
            return replace(found, fix=suggest_target_scaling(plan.model))
    return found

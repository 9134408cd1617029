"""Checks for incompatible combinations of parameters, model and data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sktrainer.anatomy import EstimatorParts
from sktrainer.backends._base import Backend, Capabilities
from sktrainer.backends.modules import model_name
from sktrainer.running.early_stopping import EvalMetric
from sktrainer.running.metrics import Scoring, is_supported, response_methods
from sktrainer.types import FitData

__all__ = [
    "compatibility_problems",
    "network_parameter_problems",
    "unsupported_scorer_problems",
]


def network_parameter_problems(backend: Backend, model: Any) -> list[str]:
    """Return an error text for each invalid parameter of the model.

    Only backends of networks check this: other libraries raise as soon as `fit` starts.
    """
    find = getattr(backend, "problems", None)
    return [] if find is None else list(find(model))


def compatibility_problems(
    parameters: Mapping[str, Any],
    parts: EstimatorParts,
    capabilities: Capabilities,
    data: FitData,
) -> list[str]:
    """Return an error text for each parameter that is incompatible with others or the data."""
    name = model_name(parts.model)
    problems = []
    if data.task == "regression":
        problems += [
            f"{key}={parameters[key]!r} is for classification only, but the task is "
            "regression. Remove it"
            for key in ("handle_imbalance", "correct_probabilities")
            if parameters[key] not in (None, False, "auto")
        ]
        if parameters["split"] == "stratified":
            problems.append(
                "split='stratified' needs classes, but the task is regression. Use "
                "split='random'"
            )
    if parameters["early_stopping"] is True and capabilities.max_iter is None:
        problems.append(
            f"early_stopping=True needs an iterative estimator, but {name} with these "
            "parameters is not one. Use early_stopping='auto' or False"
        )
    if parameters["categorical_encoding"] == "native" and not capabilities.native_categorical:
        problems.append(
            f"categorical_encoding='native' needs a model that supports category codes, but "
            f"{name} does not. Use 'auto', 'onehot', 'ordinal' or 'target'"
        )
    if (
        parameters["handle_imbalance"] == "class_weight"
        and not capabilities.accepts_sample_weight
    ):
        problems.append(
            f"handle_imbalance='class_weight' needs a model that supports sample weights, but "
            f"{name} does not. Use 'oversample', 'undersample' or 'smote'"
        )
    if data.sample_weight is not None and not capabilities.accepts_sample_weight:
        problems.append(f"{name} does not support sample weights. Remove sample_weight")
    return problems + _split_problems(parameters, data)


def _split_problems(parameters: Mapping[str, Any], data: FitData) -> list[str]:
    split, problems = parameters["split"], []
    if isinstance(split, str) and split == "group" and data.groups is None:
        problems.append("split='group' needs groups. Pass fit(X, y, groups=...)")
    if data.time is not None and isinstance(split, str) and split not in ("auto", "time"):
        problems.append(
            f"time_column={parameters['time_column']!r} is only used by split='time', got "
            f"split={split!r}. Use split='time' or remove time_column"
        )
    return problems


def unsupported_scorer_problems(
    scoring: Scoring | None, metric: EvalMetric, parts: EstimatorParts
) -> list[str]:
    """Return an error text for each requested scorer that needs a method the model lacks."""
    named = {} if scoring is None else dict(scoring.scorers)
    if metric.scorer is not None:
        named[metric.name] = metric.scorer
    return [
        f"scorer {name!r} needs a model with {' or '.join(response_methods(scorer))}, but "
        f"{model_name(parts.model)} has none. Use another scorer or model"
        for name, scorer in named.items()
        if not is_supported(scorer, parts.model)
    ]

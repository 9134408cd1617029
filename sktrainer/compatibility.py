"""Which parameters, models and data do not go together, each said in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sktrainer.anatomy import Anatomy
from sktrainer.backends._base import Backend, Traits
from sktrainer.backends.modules import model_name
from sktrainer.running.early_stopping import WatchedMetric
from sktrainer.running.metrics import Scoring, can_serve, response_methods
from sktrainer.types import CheckedData

__all__ = ["misfits", "parameter_problems", "unserved_scorers"]


def parameter_problems(backend: Backend, model: Any) -> list[str]:
    """Name the model's own parameters that it cannot be trained with.

    Only networks are asked: other libraries refuse theirs as soon as they are fitted.
    """
    find = getattr(backend, "problems", None)
    return [] if find is None else list(find(model))


def misfits(
    parameters: Mapping[str, Any], anatomy: Anatomy, traits: Traits, data: CheckedData
) -> list[str]:
    """Name the parameters that do not fit each other, the model or the data."""
    name = model_name(anatomy.model)
    problems = []
    if data.task == "regression":
        problems += [
            f"{key}={parameters[key]!r} is for classification, but this is a regression; "
            "leave it out"
            for key in ("handle_imbalance", "correct_probabilities")
            if parameters[key] not in (None, False, "auto")
        ]
        if parameters["split"] == "stratified":
            problems.append(
                "split='stratified' needs classes, but this is a regression; use 'random'"
            )
    if parameters["early_stopping"] is True and traits.max_iter is None:
        problems.append(
            f"early_stopping=True needs a model that goes in iterations, and {name} does not "
            "as it is set; use early_stopping='auto' or False"
        )
    if parameters["categorical_encoding"] == "native" and not traits.native_categorical:
        problems.append(
            f"categorical_encoding='native' needs a model that takes category codes, and "
            f"{name} does not; use 'auto', 'onehot', 'ordinal' or 'target'"
        )
    if parameters["handle_imbalance"] == "class_weight" and not traits.sample_weight:
        problems.append(
            f"handle_imbalance='class_weight' needs a model that takes sample weights, and "
            f"{name} does not; use 'oversample', 'undersample' or 'smote'"
        )
    if data.sample_weight is not None and not traits.sample_weight:
        problems.append(f"sample_weight was passed, but {name} takes no weights; leave it out")
    return problems + _split_misfits(parameters, data)


def _split_misfits(parameters: Mapping[str, Any], data: CheckedData) -> list[str]:
    split, problems = parameters["split"], []
    if isinstance(split, str) and split == "group" and data.groups is None:
        problems.append("split='group' needs groups; pass fit(X, y, groups=...)")
    if data.time is not None and isinstance(split, str) and split not in ("auto", "time"):
        problems.append(
            f"time_column={parameters['time_column']!r} orders rows for split='time', got "
            f"split={split!r}; use split='time' or leave time_column out"
        )
    return problems


def unserved_scorers(
    scoring: Scoring | None, metric: WatchedMetric, anatomy: Anatomy
) -> list[str]:
    """Name the scorers asked for that need a method which the model does not have."""
    named = {} if scoring is None else dict(scoring.scorers)
    if metric.scorer is not None:
        named[metric.name] = metric.scorer
    return [
        f"scorer {name!r} needs a model with {' or '.join(response_methods(scorer))}, and "
        f"{model_name(anatomy.model)} has none; use another scorer or model"
        for name, scorer in named.items()
        if not can_serve(scorer, anatomy.model)
    ]

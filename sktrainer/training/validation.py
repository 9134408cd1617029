"""Validation of parameters, estimator and data before training."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from sktrainer.backends.base import Backend, Capabilities
from sktrainer.backends.estimators import EstimatorParts, model_name, unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.data.indexing import count_dimensions, is_input_dict
from sktrainer.data.inputs import FitInputs, validate_inputs
from sktrainer.data.predictions import CachedPredictor
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.scoring.scorers import (
    Scoring,
    is_supported,
    named_scorer,
    needs_pos_label,
    resolve_scoring,
    response_methods,
)
from sktrainer.training.parameters import parameter_problems
from sktrainer.types import Array, FitData, Task

__all__ = [
    "compatibility_problems",
    "effective_params",
    "network_parameter_problems",
    "scorer_problem",
    "unsupported_scorer_problems",
    "validate",
]


def effective_params(
    parameters: Mapping[str, Any], estimator: Any, X: Any
) -> Mapping[str, Any]:
    """Replace ``preprocessor="auto"`` by None if a network is fitted on X that is not a table.

    Dicts of arrays, and arrays with three or more dimensions (images, sequences), are not
    tables.
    """
    has_columns = not is_input_dict(X) and count_dimensions(X) <= 2
    if has_columns or not isinstance(parameters["preprocessor"], str):
        return parameters
    try:
        alone = _takes_any_shape(unwrap_pipeline(estimator).model)
    except ParameterError:
        return parameters  # `validate` reports the error together with all others
    return {**parameters, "preprocessor": None} if alone else parameters


def _takes_any_shape(model: Any) -> bool:
    return find_backend(model).capabilities(model, "classification").accepts_nd


def validate(
    parameters: Mapping[str, Any], estimator: Any, raw: FitInputs
) -> tuple[EstimatorParts, FitData]:
    """Check parameters, estimator and data, and raise one error that lists all mistakes."""
    problems = parameter_problems(parameters)
    try:
        parts = unwrap_pipeline(estimator)
    except ParameterError as error:
        raise ParameterError([*problems, *error.problems]) from None
    # y cannot be checked for an unknown task.
    if any(problem.startswith("task ") for problem in problems):
        raise ParameterError(problems)
    automatic = isinstance(parameters["preprocessor"], str)
    alone = parameters["preprocessor"] is None and not parts.steps
    refused = is_input_dict(raw.X) and alone and not _takes_any_shape(parts.model)
    raw = replace(
        raw,
        tabular=refused or (automatic and not parts.has_transformer),
        time_column=parameters["time_column"],
    )
    try:
        data = validate_inputs(raw, parameters["task"], parts.model)
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    problems = problems or _scorer_problems(parameters, data)
    if problems:
        raise ParameterError(problems)
    return parts, data


def _scorer_problems(parameters: Mapping[str, Any], data: FitData) -> list[str]:
    """Return an error text for each requested scorer that cannot score such targets."""
    asked = []
    if parameters["scoring"] is not None:
        scoring = resolve_scoring(parameters["scoring"], data.task, data.n_classes)
        asked = [name for name in scoring.scorers if name not in scoring.user_defined]
        if isinstance(parameters["scoring"], Mapping):
            asked = [parameters["scoring"][name] for name in asked]
    if isinstance(parameters["eval_metric"], str) and parameters["eval_metric"] != "loss":
        asked.append(parameters["eval_metric"])
    misfits = (scorer_problem(name, data.task, data.n_classes) for name in dict.fromkeys(asked))
    return [misfit for misfit in misfits if misfit is not None]


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

"""Validation of parameters, estimator and data in one pass, before training."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.metrics import get_scorer_names

from sktrainer.backends.base import Backend, Capabilities
from sktrainer.backends.estimators import EstimatorParts, model_name, unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.data.indexing import count_dimensions, is_input_dict
from sktrainer.data.inputs import FitInputs, validate_inputs
from sktrainer.data.metadata import ProblemList
from sktrainer.data.predictions import CachedPredictor
from sktrainer.exceptions import ParameterError
from sktrainer.resampling.samplers import creates_synthetic_rows
from sktrainer.runtime.devices import DeviceChoice, choose_device
from sktrainer.runtime.seeds import root_seed
from sktrainer.scoring.scorers import (
    Scoring,
    is_supported,
    named_scorer,
    needs_pos_label,
    resolve_scoring,
    response_methods,
)
from sktrainer.training.model_settings import (
    OwnClassWeight,
    class_weight_problems,
    own_class_weights,
)
from sktrainer.training.parameters import FIT_ONLY_PARAMS, TrainerParams, parameter_problems
from sktrainer.training.split_parameters import split_problems
from sktrainer.training.tags import supports_multi_output
from sktrainer.types import Array, FitData, Scorer, Task


@dataclass(frozen=True)
class Checked:
    """Valid arguments of a fit, and what was resolved to validate them.

    Attributes
    ----------
    params : TrainerParams
        The parameters, with the defaults of those that are not used for a chunk.
    parts : EstimatorParts
    backend : Backend
    capabilities : Capabilities
    data : FitData
    scoring : Scoring
    eval_metric : EvalMetric
    device : DeviceChoice
    seed : int
        Root seed drawn from `random_state`.
    encodes : bool
        Whether the automatic preprocessor encodes X.
    creates_rows : bool
        Whether a sampler creates synthetic rows, so that X must be encoded as complete
        numbers.
    own_weights : tuple of OwnClassWeight
        Parameters of the model that weight the classes.
    """

    params: TrainerParams
    parts: EstimatorParts
    backend: Backend
    capabilities: Capabilities
    data: FitData
    scoring: Scoring
    eval_metric: EvalMetric
    device: DeviceChoice
    seed: int
    encodes: bool
    creates_rows: bool
    own_weights: tuple[OwnClassWeight, ...] = ()


def validate(params: TrainerParams, inputs: FitInputs) -> Checked:
    """Check parameters, estimator and data, and raise one error that lists all mistakes.

    For a chunk, parameters that apply to `fit` only must be valid but are not used.
    """
    params, parts, problems = _check_parameters(params, inputs)
    model, backend = parts.model, find_backend(parts.model)
    # Other libraries raise as soon as `fit` starts.
    network_problems = [] if backend.networks is None else backend.networks.problems(model)
    problems += network_problems
    encodes, inputs = _resolve_encoding(params, parts, backend, inputs)
    with problems.prepend_to_error():
        data = validate_inputs(inputs, params.task, model, model_name(model))
    if network_problems:  # the capabilities of such a network are unknown
        raise ParameterError(problems)
    with problems.prepend_to_error():
        capabilities = backend.capabilities(model, data.task)
    scoring = resolve_scoring(params.scoring, data.task, data.n_classes)
    eval_metric = _resolve_eval_metric(params.eval_metric)
    problems += _scorer_problems(params, parts, scoring, eval_metric, data)
    problems += _compatibility_problems(params, parts, capabilities, data)
    samplers = _samplers(params, parts, data)
    # handle_imbalance="smote" uses a sampler that supports category codes and missing values.
    creates_rows = any(
        not isinstance(sampler, str) and creates_synthetic_rows(sampler) for sampler in samplers
    )
    own_weights = () if data.classes is None else own_class_weights(model, data.n_classes)
    problems += class_weight_problems(
        own_weights, params.handle_imbalance, data, correct=bool(params.correct_probabilities)
    )
    if encodes and creates_rows and params.categorical_encoding == "native":
        problems.append(
            "categorical_encoding='native' is incompatible with a sampler that creates new "
            "rows. Use handle_imbalance='smote', which supports it, or another encoding"
        )
    if inputs.chunk:
        problems += _chunk_problems(samplers, capabilities)
    device = DeviceChoice()
    with problems.collect():
        device = choose_device(params.device, backend.devices, model, model_name(model))
    if problems:
        raise ParameterError(problems)
    resolved = (params, parts, backend, capabilities, data, scoring, eval_metric, device)
    seed = root_seed(params.random_state)
    return Checked(*resolved, seed, encodes, creates_rows, own_weights)


def _check_parameters(
    params: TrainerParams, inputs: FitInputs
) -> tuple[TrainerParams, EstimatorParts, ProblemList]:
    """Return valid parameters, the parts of the estimator, and the problems found.

    A default replaces each invalid value, so that the other rules can still be checked.
    """
    invalid = parameter_problems(params)
    problems = ProblemList(text for strings in invalid.values() for text in strings)
    with problems.prepend_to_error():
        parts = unwrap_pipeline(params.estimator)
    if "task" in invalid:  # y cannot be checked for an unknown task
        raise ParameterError(problems)
    params = params.with_defaults([*invalid, *(FIT_ONLY_PARAMS if inputs.chunk else ())])
    names_classes = inputs.classes is not None and params.task == "auto"
    if inputs.chunk and names_classes and not is_regressor(parts.model):
        params = replace(params, task="classification")
    return params, parts, problems


def _resolve_encoding(
    params: TrainerParams, parts: EstimatorParts, backend: Backend, inputs: FitInputs
) -> tuple[bool, FitInputs]:
    """Return whether the automatic preprocessor encodes X, and what X must be.

    Networks that are fitted on dicts of arrays, or on arrays with three or more dimensions
    (images, sequences), read X themselves.
    """
    is_dict = is_input_dict(inputs.X)
    is_array = is_dict or count_dimensions(inputs.X) > 2
    reads_x = is_array and backend.capabilities(parts.model, "classification").accepts_nd
    automatic = isinstance(params.preprocessor, str)
    encodes = automatic and not parts.has_transformer and not reads_x
    model_reads = params.preprocessor is None and not parts.steps
    return encodes, replace(
        inputs,
        tabular=encodes or (is_dict and model_reads and not reads_x),
        time_column=params.time_column,
        multi_output=supports_multi_output(parts.model),
    )


def _resolve_eval_metric(eval_metric: str | Scorer) -> EvalMetric:
    if isinstance(eval_metric, str):
        if eval_metric == "loss":
            return EvalMetric()
        return EvalMetric(eval_metric, named_scorer(eval_metric))
    name = getattr(getattr(eval_metric, "_score_func", eval_metric), "__name__", "score")
    return EvalMetric(name, eval_metric)


def _samplers(params: TrainerParams, parts: EstimatorParts, data: FitData) -> list[Any]:
    """Return the handling of imbalance and the samplers in the user's Pipeline."""
    method = params.handle_imbalance if data.task == "classification" else None
    steps = [step for _, step in parts.steps if hasattr(step, "fit_resample")]
    return [*steps, *([] if method is None else [method])]


def _compatibility_problems(
    params: TrainerParams, parts: EstimatorParts, capabilities: Capabilities, data: FitData
) -> list[str]:
    """Return an error text for each parameter that is incompatible with others or the data."""
    name, problems = model_name(parts.model), []
    if data.task == "regression":
        problems += [
            f"{key}={value!r} is for classification only, but the task is regression. Remove it"
            for key, value in (
                ("handle_imbalance", params.handle_imbalance),
                ("correct_probabilities", params.correct_probabilities),
            )
            if value not in (None, False, "auto")
        ]
    if params.early_stopping is True and capabilities.max_iter is None:
        problems.append(
            f"early_stopping=True needs an iterative estimator, but {name} with these "
            "parameters is not one. Use early_stopping='auto' or False"
        )
    elif (
        params.early_stopping is True and params.validation_size is None and not data.validation
    ):
        problems.append(
            "early_stopping=True needs validation rows, got validation_size=None. Use "
            "validation_size='auto', or pass X_val and y_val"
        )
    if params.categorical_encoding == "native" and not capabilities.native_categorical:
        problems.append(
            f"categorical_encoding='native' needs a model that supports category codes, but "
            f"{name} does not. Use 'auto', 'onehot', 'ordinal' or 'target'"
        )
    if params.handle_imbalance == "class_weight" and not capabilities.accepts_sample_weight:
        problems.append(
            f"handle_imbalance='class_weight' needs a model that supports sample weights, but "
            f"{name} does not. Use 'oversample', 'undersample' or 'smote'"
        )
    if data.sample_weight is not None and not capabilities.accepts_sample_weight:
        problems.append(f"{name} does not support sample weights. Remove sample_weight")
    return problems + split_problems(params, data)


def _chunk_problems(samplers: list[Any], capabilities: Capabilities) -> list[str]:
    """Return an error text for each sampler that cannot be used for a chunk."""
    weighting = {"class_weight", "auto" if capabilities.accepts_sample_weight else ""}
    return [
        resampling_problem(sampler)
        for sampler in samplers
        if not (isinstance(sampler, str) and sampler in weighting)
    ]


def resampling_problem(sampler: object) -> str:
    """Return the error text for a sampler that resamples the rows of a chunk."""
    is_method = isinstance(sampler, str)
    name = f"handle_imbalance={sampler!r}" if is_method else type(sampler).__name__
    return (
        f"{name} resamples rows, which partial_fit does not support because a chunk may lack a "
        "class. Use handle_imbalance='class_weight' if the model supports sample weights (they "
        "are computed on the first chunk), or None."
    )


def _scorer_problems(
    params: TrainerParams,
    parts: EstimatorParts,
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
        f"{model_name(parts.model)} has none. Use another scorer or model"
        for name, scorer in named.items()
        if not is_supported(scorer, parts.model)
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

"""Validation of parameters, estimator and data in one pass, before training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from scipy import sparse
from sklearn.base import is_regressor

from sktrainer.backends.base import Backend, Capabilities
from sktrainer.backends.estimators import EstimatorParts, model_name, unwrap_pipeline
from sktrainer.backends.registry import FALLBACK, find_backend
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.data.indexing import count_dimensions, is_input_dict
from sktrainer.data.inputs import FitInputs, validate_inputs
from sktrainer.data.metadata import ProblemList
from sktrainer.data.schema import record_columns
from sktrainer.exceptions import ParameterError
from sktrainer.resampling.samplers import creates_synthetic_rows, is_automatic
from sktrainer.runtime.devices import DeviceChoice, choose_device
from sktrainer.runtime.seeds import root_seed
from sktrainer.scoring.scorers import Scoring, resolve_scoring
from sktrainer.training.class_parameters import class_parameter_problems
from sktrainer.training.metric_validation import (
    positive_class,
    resolve_eval_metric,
    scorer_problems,
)
from sktrainer.training.model_settings import (
    OwnClassWeight,
    class_weight_problems,
    own_class_weights,
)
from sktrainer.training.parameters import FIT_ONLY_PARAMS, TrainerParams, parameter_problems
from sktrainer.training.split_parameters import inner_fold_problems, split_problems
from sktrainer.training.tags import supports_multi_output
from sktrainer.types import FitData


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
    with problems.collect():
        data = replace(data, positive=positive_class(params, data))
    scoring = resolve_scoring(params.scoring, data.task, data.n_classes, data.positive)
    eval_metric = resolve_eval_metric(params.eval_metric, data.positive)
    problems += scorer_problems(params, parts.model, scoring, eval_metric, data)
    problems += _compatibility_problems(params, parts, capabilities, data)
    if not encodes and data.validation is not None:
        contract = record_columns(data.X, reader="steps")
        problems += contract.kind_problems(data.validation.X, "X", "X_val")
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
    data = _without_unit_weights(data)
    resolved = (params, parts, backend, capabilities, data, scoring, eval_metric, device)
    seed = root_seed(params.random_state)
    return Checked(*resolved, seed, encodes, creates_rows, own_weights)


def _without_unit_weights(data: FitData) -> FitData:
    """Drop sample weights that are all 1, so that the fit is bit-identical without them.

    Some libraries train by other steps as soon as there are weights.
    """
    of_validation = None if data.validation is None else data.validation.sample_weight
    weights = [each for each in (data.sample_weight, of_validation) if each is not None]
    if not all(bool((weight == 1).all()) for weight in weights):
        return data
    validation = data.validation and replace(data.validation, sample_weight=None)
    return replace(data, sample_weight=None, validation=validation)


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
    if data.classes is not None and not capabilities.reads_labels:
        problems += class_parameter_problems(parts.model, data.classes)
    if data.task == "regression":
        problems += [
            f"{key}={value!r} is for classification only, but the task is regression. Remove it"
            for key, value in (
                ("handle_imbalance", params.handle_imbalance),
                ("correct_probabilities", params.correct_probabilities),
            )
            if value not in (None, False) and not is_automatic(value)
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
    is_read_directly = params.preprocessor is None or isinstance(params.preprocessor, str)
    if (
        sparse.issparse(data.X)
        and is_read_directly
        and not (parts.steps or capabilities.accepts_sparse)
        and find_backend(parts.model).spec.name == FALLBACK
    ):
        problems.append(f"{name} does not accept sparse matrices. Pass X.toarray()")
    if params.handle_imbalance == "class_weight" and not capabilities.accepts_sample_weight:
        problems.append(
            f"handle_imbalance='class_weight' needs a model that supports sample weights, but "
            f"{name} does not. Use 'oversample', 'undersample' or 'smote'"
        )
    if data.sample_weight is not None and not capabilities.accepts_sample_weight:
        problems.append(f"{name} does not support sample weights. Remove sample_weight")
    problems += inner_fold_problems(params, data, capabilities.max_iter, name)
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

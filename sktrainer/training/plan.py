"""Turn the parameters into a recipe: all decisions that do not depend on the values of X."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sktrainer.backends.base import Backend, Capabilities
from sktrainer.backends.estimators import EstimatorParts, model_name
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.checkpoints.run import RunDirectory
from sktrainer.exceptions import ParameterError
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.resampling.samplers import creates_synthetic_rows as makes_new_rows
from sktrainer.runtime.devices import DeviceChoice, choose_device
from sktrainer.runtime.seeds import derive_seed, effective_retries
from sktrainer.scoring.scorers import Scoring, named_scorer, resolve_scoring
from sktrainer.splitting.plan import SplitPlan, resolve_kind
from sktrainer.training.validation import (
    compatibility_problems,
    unsupported_scorer_problems,
)
from sktrainer.types import FitData, Task

__all__ = ["SAMPLER_STEP", "FitPlan", "ModelPlan", "StepsPlan", "make_plan"]


@dataclass(frozen=True)
class ModelPlan:
    """Model and fit options, decided before any row is read.

    Attributes
    ----------
    name : str
        Name of the model's step in the pipeline.
    model : estimator
        Cloned before it is fitted.
    n_iter_no_change : int or None
        Patience of early stopping (None: no early stopping).
    """

    name: str
    model: Any
    backend: Backend
    capabilities: Capabilities
    metric: EvalMetric
    n_iter_no_change: int | None = None
    tol: float = 0.0
    correct_probabilities: bool = False
    device: DeviceChoice = field(default_factory=DeviceChoice)


MIN_ROWS_FOR_EARLY_STOPPING = 20


AUTO_VALIDATION_SIZE = 0.1


@dataclass(frozen=True)
class FitPlan:
    """All decisions for a run.

    Attributes
    ----------
    steps, model, split : StepsPlan, ModelPlan, SplitPlan
    scoring : Scoring
    seed : int
    cv : int, splitter, iterable or None
    refit : bool
    n_jobs : int or None
    n_retries : int
        Maximum number of retries with another seed after a failed or diverged fit.
    notes : tuple of str
        Notes for the report.
    store : RunStore or None
        Checkpoint folder of the run.
    """

    steps: StepsPlan
    model: ModelPlan
    split: SplitPlan
    scoring: Scoring
    seed: int
    cv: Any = None
    refit: bool = False
    n_jobs: int | None = None
    n_retries: int = 0
    notes: tuple[str, ...] = ()
    store: RunDirectory | None = None

    @property
    def stops_early(self) -> bool:
        """Whether early stopping is used."""
        return self.model.n_iter_no_change is not None

    def without_early_stopping(self) -> FitPlan:
        """Return the recipe without early stopping."""
        return replace(self, model=replace(self.model, n_iter_no_change=None))


def make_plan(
    parameters: Mapping[str, Any], parts: EstimatorParts, data: FitData, seed: int
) -> FitPlan:
    """Turn parameters into a recipe, or raise for parameters that are incompatible.

    Parameters
    ----------
    parameters : mapping of str to object
        Parameters of the trainer by name; each value is valid on its own.
    anatomy : Anatomy
    data : CheckedData
        Only task, sizes and the presence of groups, times, weights and validation rows are
        used, never the values of X or y.
    seed : int

    Raises
    ------
    ParameterError
        If parameters are incompatible with each other, the model or the data.
    """
    backend = find_backend(parts.model)
    # Other libraries raise as soon as `fit` starts.
    problems = [] if backend.networks is None else backend.networks.problems(parts.model)
    if problems:
        raise ParameterError(problems)
    capabilities = backend.capabilities(parts.model, data.task)
    scoring = resolve_scoring(parameters["scoring"], data.task, data.n_classes)
    metric = _resolve_eval_metric(parameters["eval_metric"])
    problems = compatibility_problems(parameters, parts, capabilities, data)
    problems += unsupported_scorer_problems(
        scoring if parameters["scoring"] else None, metric, parts
    )
    try:
        name = model_name(parts.model)
        device = choose_device(parameters["device"], backend.devices, parts.model, name)
    except ParameterError as error:
        problems += error.problems
    if problems:
        raise ParameterError(problems)
    stops, notes = _resolve_early_stopping(parameters, capabilities, data)
    n_retries, useless = effective_retries(
        parameters["n_retries"], parts.model, backend.parameters.seeds
    )
    model = ModelPlan(
        parts.name,
        parts.model,
        backend,
        capabilities,
        metric,
        n_iter_no_change=int(parameters["n_iter_no_change"]) if stops else None,
        tol=float(parameters["tol"]),
        correct_probabilities=bool(parameters["correct_probabilities"]),
        device=device,
    )
    return FitPlan(
        steps=_make_steps_plan(parameters, parts, capabilities, data),
        model=model,
        split=_make_split_plan(parameters, data, seed, stops=stops),
        scoring=scoring,
        seed=seed,
        cv=parameters["cv"],
        refit=bool(parameters["refit"]),
        n_jobs=parameters["n_jobs"],
        n_retries=n_retries,
        notes=(*notes, *useless),
    )


def _resolve_early_stopping(
    parameters: Mapping[str, Any], capabilities: Capabilities, data: FitData
) -> tuple[bool, tuple[str, ...]]:
    wanted = parameters["early_stopping"]
    has_rows = data.validation is not None or parameters["validation_size"] != "auto"
    if wanted is True or capabilities.max_iter is None or wanted is False:
        if wanted is True and parameters["validation_size"] is None and not data.validation:
            raise ParameterError(
                "early_stopping=True needs validation rows, got validation_size=None. Use "
                "validation_size='auto', or pass X_val and y_val"
            )
        return wanted is True, ()
    if not capabilities.early_stopping_by_default:
        return False, ()
    if parameters["validation_size"] is None and data.validation is None:
        return False, ("no early stopping: validation_size=None, so no rows are held out",)
    if not has_rows and data.n_samples < MIN_ROWS_FOR_EARLY_STOPPING:
        note = (
            f"no early stopping: holding out validation rows needs at least "
            f"{MIN_ROWS_FOR_EARLY_STOPPING} rows, got {data.n_samples}"
        )
        return False, (note,)
    return True, ()


def _resolve_eval_metric(eval_metric: Any) -> EvalMetric:
    if isinstance(eval_metric, str):
        if eval_metric == "loss":
            return EvalMetric()
        return EvalMetric(eval_metric, named_scorer(eval_metric))
    name = getattr(getattr(eval_metric, "_score_func", eval_metric), "__name__", "score")
    return EvalMetric(name, eval_metric)


def _make_split_plan(
    parameters: Mapping[str, Any], data: FitData, seed: int, *, stops: bool
) -> SplitPlan:
    split = parameters["split"]
    splitter = None if isinstance(split, str) else split
    size = parameters["validation_size"]
    if size == "auto":
        size = AUTO_VALIDATION_SIZE if stops else None
    kind = "splitter"
    if splitter is None:
        kind = resolve_kind(
            split,
            task=data.task,
            has_groups=data.groups is not None,
            has_time=data.time is not None,
        )
    return SplitPlan(
        kind=kind,
        splitter=splitter,
        shuffle=bool(parameters["shuffle"]),
        seed=derive_seed(seed, "split"),
        test_size=parameters["test_size"],
        validation_size=None if data.validation is not None else size,
    )


def _make_steps_plan(
    parameters: Mapping[str, Any],
    parts: EstimatorParts,
    capabilities: Capabilities,
    data: FitData,
) -> StepsPlan:
    preprocessor = parameters["preprocessor"]
    imbalance = parameters["handle_imbalance"] if data.task == "classification" else None
    if preprocessor is not None and not isinstance(preprocessor, str):
        steps = ((_unused_name("preprocess", parts), preprocessor), *parts.steps)
        return StepsPlan(steps, imbalance, weights=capabilities.accepts_sample_weight)
    if preprocessor is None or parts.has_transformer:
        return StepsPlan(parts.steps, imbalance, weights=capabilities.accepts_sample_weight)
    # handle_imbalance="smote" uses a sampler that supports category codes and missing values;
    # other samplers that create rows need an encoding without them.
    samplers = [imbalance, *(step for _, step in parts.steps)]
    makes_rows = any(not isinstance(s, str) and makes_new_rows(s) for s in samplers)
    encoder = make_table_encoder(parameters, capabilities, data.task, makes_rows=makes_rows)
    return StepsPlan(
        ((_unused_name(ENCODER_STEP, parts), encoder), *parts.steps),
        imbalance,
        weights=capabilities.accepts_sample_weight,
        codes_at_end=encoder.encoding.startswith("native"),
    )


def _unused_name(name: str, parts: EstimatorParts) -> str:
    taken = {parts.name, *(step for step, _ in parts.steps)}
    while name in taken:
        name += "_"
    return name


def make_table_encoder(
    parameters: Mapping[str, Any], capabilities: Capabilities, task: Task, *, makes_rows: bool
) -> TableEncoder:
    """Return the automatic preprocessor that this model needs.

    A sampler that interpolates between rows supports neither category codes nor missing
    values. With such a sampler, the table is encoded as for a model that supports neither.
    """
    native = capabilities.native_categorical and not makes_rows
    encoding = parameters["categorical_encoding"]
    if encoding == "auto" and not native:
        encoding = "ordinal" if capabilities.needs_full_rank else "onehot+target"
    elif encoding == "auto":
        encoding = "native" if capabilities.category_codes == "frame" else "native+target"
    elif encoding == "native" and makes_rows:
        raise ParameterError(
            "categorical_encoding='native' is incompatible with a sampler that creates new "
            "rows. Use handle_imbalance='smote', which supports it, or another encoding"
        )
    scaling = parameters["scaling"]
    return TableEncoder(
        encoding=encoding,
        category_codes=capabilities.category_codes
        if encoding.startswith("native")
        else "float",
        impute=makes_rows or not capabilities.native_missing,
        scale=capabilities.scale_sensitive if isinstance(scaling, str) else bool(scaling),
        task=task,
    )


ENCODER_STEP = "encode"


SAMPLER_STEP = "resample"


@dataclass(frozen=True)
class StepsPlan:
    """Unfitted steps and the handling of imbalance, decided before any row is read.

    Attributes
    ----------
    steps : tuple of (str, transformer or sampler)
        Cloned before they are fitted.
    imbalance : None, str or sampler
        "auto", "class_weight", "smote", "oversample", "undersample", or an imblearn
        sampler.
    weights : bool
        Whether the model accepts sample weights.
    codes_at_end : bool
        Whether the last step is the automatic preprocessor and the model needs to know which
        columns hold category codes.
    output : str or None
        The output container of the steps, as passed to scikit-learn's `set_output`.
    """

    steps: tuple[tuple[str, Any], ...]
    imbalance: Any = None
    weights: bool = True
    codes_at_end: bool = False
    output: str | None = None

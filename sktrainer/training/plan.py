"""Plan of a fit: every decision that does not depend on the values of X, made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from sktrainer.backends.base import Backend, Capabilities
from sktrainer.backends.estimators import EstimatorParts, iter_nested_models
from sktrainer.backends.registry import find_backend
from sktrainer.backends.support import InputLimits
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.checkpoints.run import RunDirectory
from sktrainer.data.audit.audit import ignored_checks
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.preprocessing.treatments import Encoding
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.devices import DeviceChoice
from sktrainer.runtime.resources import split_cores
from sktrainer.runtime.seeds import effective_retries
from sktrainer.scoring.scorers import Scoring
from sktrainer.splitting.plan import SplitPlan
from sktrainer.training import model_settings
from sktrainer.training.missing_parameters import missing_number
from sktrainer.training.model_settings import OwnClassWeight
from sktrainer.training.parameters import TrainerParams
from sktrainer.training.provenance import describe_params
from sktrainer.training.split_parameters import (
    make_split_plan,
    resolve_early_stopping,
    resolve_validation_rows,
    split_reason,
)
from sktrainer.training.validation import Checked

ENCODER_STEP = "encode"
SAMPLER_STEP = "resample"
INPUT_STEP = "model_input"


@dataclass(frozen=True)
class StepsPlan:
    """Unfitted steps and the handling of imbalance.

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
    input_limits : InputLimits
        What the libraries of the model and its nested models refuse.
    output : str or None
        The output container of the steps, as passed to scikit-learn's `set_output`.
    own_weights : tuple of OwnClassWeight
        Parameters of the model that weight the classes.
    """

    steps: tuple[tuple[str, Any], ...]
    imbalance: Any = None
    weights: bool = True
    codes_at_end: bool = False
    input_limits: InputLimits = field(default_factory=InputLimits)
    output: str | None = None
    own_weights: tuple[OwnClassWeight, ...] = ()


@dataclass(frozen=True)
class ModelPlan:
    """Model and fit options.

    Attributes
    ----------
    name : str
        Name of the model's step in the pipeline.
    model : estimator
        Cloned before it is fitted.
    n_iter_no_change : int or None
        Patience of early stopping (None: no early stopping).
    patience_source : str
        Parameter of the model that the patience is from, if any.
    n_iter : int or None
        Exact number of iterations, without early stopping (None: as the model's parameters
        say).
    """

    name: str
    model: Any
    backend: Backend
    capabilities: Capabilities
    metric: EvalMetric
    n_iter_no_change: int | None = None
    patience_source: str = ""
    tol: float = 0.0
    correct_probabilities: bool = False
    device: DeviceChoice = field(default_factory=DeviceChoice)
    n_iter: int | None = None


@dataclass(frozen=True)
class FoldPlan:
    """Folds of a cross-validation, and how they are fitted in parallel."""

    cv: Any
    n_jobs: int | None
    joblib_backend: Literal["loky", "threading"]

    def split_cores(self, n_folds: int) -> tuple[int, int]:
        """Return the number of folds fitted in parallel, and the number of threads of each."""
        return split_cores(self.n_jobs, n_folds)


@dataclass(frozen=True)
class FitPlan:
    """All decisions for one fit, without the raw parameters.

    Attributes
    ----------
    steps, model, split : StepsPlan, ModelPlan, SplitPlan
    split_reason, validation_reason : str
        Why this kind of split is used, and why inner folds are used by default or not.
    scoring : Scoring
    folds : FoldPlan or None
        None: no cross-validation.
    seed, n_threads : int
        Root seed, and the number of threads of a fit that runs alone.
    inner_folds : int
        Number of inner folds that choose the number of rounds, or 0.
    repairs : bool
        Whether a diverged fit of a classifier is repeated with a safe setting.
    n_retries : int
        Maximum number of retries with another seed after a failed or diverged fit.
    refit : bool
        Whether the model is fitted again without held-out validation rows.
    ignored_checks : tuple of str
        Codes of the data checks that are not run.
    parameters : mapping of str to str
        Parameters of the trainer and its estimator as text, for the report.
    notes, warnings : tuple of str
        Notes for the report; `warnings` are also issued as warnings.
    """

    steps: StepsPlan
    model: ModelPlan
    split: SplitPlan
    split_reason: str
    scoring: Scoring
    folds: FoldPlan | None
    seed: int
    n_threads: int
    n_retries: int
    refit: bool
    ignored_checks: tuple[str, ...]
    parameters: Mapping[str, str]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    inner_folds: int = 0
    validation_reason: str = ""
    repairs: bool = True

    @property
    def stops_early(self) -> bool:
        """Whether early stopping is used."""
        return self.model.n_iter_no_change is not None

    @property
    def first_split(self) -> SplitPlan:
        """Split of all rows, before any folds."""
        if self.folds is not None and self.refit:
            # The folds determine the number of rounds, so the final fit needs no validation
            # rows.
            return replace(self.split, validation_size=None)
        return self.split

    def without_early_stopping(self, n_iter: int | None = None) -> FitPlan:
        """Return the plan without early stopping, for `n_iter` iterations if it is set."""
        model = replace(self.model, n_iter_no_change=None, n_iter=n_iter)
        return replace(self, model=model, inner_folds=0)

    def with_settings(self, settings: Mapping[str, Any]) -> FitPlan:
        """Return the plan with other parameters of the model."""
        if not settings:
            return self
        model = clone_estimator(self.model.model).set_params(**settings)
        return replace(self, model=replace(self.model, model=model))

    def for_final_fit(
        self, n_iter: int | None, settings: Mapping[str, Any] | None = None
    ) -> FitPlan:
        """Return the plan of the fit after the folds.

        `n_iter` is the best iteration of the folds, and `settings` the parameters that were
        changed in most of them because they diverged.
        """
        if self.folds is None or not self.refit:
            return self
        n_iter = n_iter if self.stops_early else None
        return self.with_settings(settings or {}).without_early_stopping(n_iter)


def make_plan(
    params: TrainerParams, checked: Checked, run: RunDirectory | None = None
) -> FitPlan:
    """Turn valid parameters into a plan.

    Parameters
    ----------
    params : TrainerParams
        As the user set them, for the report.
    checked : Checked
        Of its data, only task, sizes and the presence of times, weights and validation rows
        are used, and the number of groups, never the values of X or y.
    run : RunDirectory or None, default=None
        A resumed run without a `random_state` continues with the seed of its first process.
    """
    data, parts, capabilities = checked.data, checked.parts, checked.capabilities
    seed = checked.seed if run is None else run.seed
    described = describe_params(params.values(), parts)
    params = checked.params
    own = model_settings.own_patience(parts.model)
    stops, notes = resolve_early_stopping(params, data, capabilities, own)
    patience, source, replaced = model_settings.resolve_patience(
        params.n_iter_no_change, own, stops=stops
    )
    n_retries, useless = effective_retries(
        params.n_retries, parts.model, checked.backend.parameters.seeds
    )
    if run is not None and run.progress:
        found = f"resumed from the checkpoint {str(run.folder)!r}: {run.progress}"
        notes = (found, *notes)
    imbalance, reason, twice = model_settings.resolve_imbalance(
        params.handle_imbalance, checked.own_weights, parts, data.task
    )
    steps = _make_steps_plan(checked, imbalance)
    rows = resolve_validation_rows(params, data, capabilities, stops=stops)
    model = _make_model_plan(checked, patience, source)
    return FitPlan(
        steps=steps,
        model=model,
        split=make_split_plan(params, data, seed, rows.size),
        split_reason=split_reason(params, data),
        scoring=checked.scoring,
        folds=None if params.cv is None else _make_fold_plan(params, steps, model),
        inner_folds=rows.inner_folds,
        validation_reason=rows.reason,
        seed=seed,
        n_threads=split_cores(1, 1)[1],
        n_retries=n_retries,
        refit=bool(params.refit),
        ignored_checks=ignored_checks(params.audit),
        parameters=described,
        notes=(*notes, *replaced, *reason),
        warnings=(*useless, *twice, *model_settings.setup_warnings(parts)),
    )


def _make_model_plan(checked: Checked, patience: int | None, patience_source: str) -> ModelPlan:
    parts, params = checked.parts, checked.params
    return ModelPlan(
        parts.name,
        parts.model,
        checked.backend,
        checked.capabilities,
        checked.eval_metric,
        n_iter_no_change=patience,
        patience_source=patience_source,
        tol=float(params.tol),
        correct_probabilities=bool(params.correct_probabilities),
        device=checked.device,
    )


def _make_fold_plan(params: TrainerParams, steps: StepsPlan, model: ModelPlan) -> FoldPlan:
    # Folds run one at a time on a GPU: its memory is needed for one fold, and CatBoost cannot
    # run two trainings at once.
    n_jobs = 1 if model.device.is_gpu else params.n_jobs
    # Threads share the table and start at once, but need a model that releases the GIL.
    # User-defined steps may draw from the global random generators, which threads share, so
    # they need processes.
    own_steps = [step for _, step in steps.steps if not isinstance(step, TableEncoder)]
    threads = model.capabilities.releases_gil and not own_steps
    return FoldPlan(params.cv, n_jobs, "threading" if threads else "loky")


def _make_steps_plan(checked: Checked, imbalance: Any) -> StepsPlan:
    params, parts, encoder = checked.params, checked.parts, None
    steps = parts.steps
    if checked.encodes:
        encoder = _make_table_encoder(checked)
        steps = ((_unused_name(ENCODER_STEP, parts), encoder), *steps)
    elif params.preprocessor is not None and not isinstance(params.preprocessor, str):
        steps = ((_unused_name("preprocess", parts), params.preprocessor), *steps)
    return StepsPlan(
        steps,
        imbalance,
        weights=checked.capabilities.accepts_sample_weight,
        codes_at_end=encoder is not None and encoder.encoding.startswith("native"),
        input_limits=_input_limits(parts.model),
        output=params.output,
        own_weights=checked.own_weights,
    )


def _input_limits(model: Any) -> InputLimits:
    models = [model, *iter_nested_models(model)]
    limits = [find_backend(each).input_limits for each in models]
    return InputLimits(
        "".join(dict.fromkeys(c for each in limits for c in each.name_characters)),
        any(each.sparse_floats_only for each in limits),
    )


def _unused_name(name: str, parts: EstimatorParts) -> str:
    taken = {parts.name, *(step for step, _ in parts.steps)}
    while name in taken:
        name += "_"
    return name


def _make_table_encoder(checked: Checked) -> TableEncoder:
    """Return the automatic preprocessor that this model needs.

    A sampler that interpolates between rows supports neither category codes nor missing
    values. With such a sampler, the table is encoded as for a model that supports neither.
    """
    params, capabilities = checked.params, checked.capabilities
    scale, encoding = params.scaling, cast("Encoding", params.categorical_encoding)
    if params.categorical_encoding == "auto":
        if capabilities.native_categorical and not checked.creates_rows:
            encoding = "native" if capabilities.category_codes == "frame" else "native+target"
        else:
            encoding = "ordinal" if capabilities.needs_full_rank else "onehot+target"
    is_native = encoding.startswith("native")
    return TableEncoder(
        encoding=encoding,
        category_codes=capabilities.category_codes if is_native else "float",
        impute=checked.creates_rows or not capabilities.native_missing,
        scale=capabilities.scale_sensitive if isinstance(scale, str) else bool(scale),
        missing_values=missing_number(checked.parts.model),
        # Regression models return values in the dtype in which they compute.
        float64=capabilities.preserves_dtype and checked.data.task == "regression",
        task=checked.data.task,
    )

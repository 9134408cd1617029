"""Turn valid parameters into the plan of a fit, once."""

from __future__ import annotations

from typing import Any, cast

from sktrainer.backends.estimators import EstimatorParts, iter_nested_models
from sktrainer.backends.registry import find_backend
from sktrainer.backends.support import InputLimits
from sktrainer.checkpoints.run import RunDirectory
from sktrainer.data.audit.audit import ignored_checks
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.preprocessing.treatments import Encoding
from sktrainer.runtime.resources import split_cores
from sktrainer.runtime.seeds import effective_retries
from sktrainer.training import model_settings
from sktrainer.training.missing_parameters import missing_number
from sktrainer.training.parameters import TrainerParams
from sktrainer.training.plan import FitPlan, FoldPlan, ModelPlan, StepsPlan
from sktrainer.training.provenance import describe_params
from sktrainer.training.split_parameters import (
    make_split_plan,
    resolve_early_stopping,
    resolve_validation_rows,
    split_reason,
)
from sktrainer.training.validation import Checked

ENCODER_STEP = "encode"


def make_plan(
    params: TrainerParams, checked: Checked, run: RunDirectory | None = None
) -> FitPlan:
    """Turn valid parameters into a plan.

    `params` are the parameters as the user set them, for the report. Of the checked data, only
    task, sizes and the presence of times, weights and validation rows are used, and the number
    of groups, never the values of X or y. A resumed `run` without a `random_state` continues
    with the seed of its first process.
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
        notes=(*notes, *replaced, *reason, *model_settings.network_notes(parts.model)),
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

"""Fourth stage: fit the model with its backend and join steps and model to a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from sktrainer.backends.base import Backend, FitRequest, PartialFitRequest
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.checkpoints.fit import FitCheckpoint
from sktrainer.checkpoints.run import FitDirectory
from sktrainer.data.indexing import is_input_dict
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.threads import limit_threads
from sktrainer.scoring.predictor import Predictor
from sktrainer.scoring.scorers import (
    LabelMappingScorer,
    needs_pos_label,
    scorer_for_missing_classes,
)
from sktrainer.training.column_parameters import translate_model_parameters
from sktrainer.training.plan import ModelPlan
from sktrainer.types import Array, FitData, FitOutcome, ModelFit, PreparedData, Rows

__all__ = ["fit_model", "partial_fit_model", "unfitted_predictor"]


def fit_model(
    plan: ModelPlan,
    data: FitData,
    prepared: PreparedData,
    *,
    seed: int,
    n_threads: int,
    n_iter: int | None = None,
    on_iteration: Callable[..., Any] | None = None,
    place: FitDirectory | None = None,
) -> FitOutcome:
    """Fit a clone of the model on the prepared rows.

    Parameters
    ----------
    plan : ModelPlan
    data : CheckedData
        Provides the classes, the task and the input names. Its rows are not read.
    prepared : Prepared
    seed, n_threads : int
    n_iter : int or None, default=None
        Train for exactly this number of iterations, without early stopping.
    on_iteration : callable or None, default=None
        Called with the iteration and its metric values, to report progress.
    place : FitPlace or None, default=None
        Location of the checkpoints. A finished fit that is stored there is loaded.
    """
    watched = prepared.validation is not None and len(prepared.validation) > 0
    stops = plan.n_iter_no_change is not None and watched and n_iter is None
    monitor = Monitor(
        _eval_metric_for_codes(plan, data, prepared),
        n_iter_no_change=plan.n_iter_no_change if stops else None,
        tol=plan.tol,
        on_iteration=on_iteration,
    )
    if on_iteration is not None and hasattr(on_iteration, "set_monitor"):
        on_iteration.set_monitor(monitor)
    model = clone_estimator(plan.model)
    translate_model_parameters(model, prepared.steps)
    request = FitRequest(
        model=model,
        task=data.task,
        train=_with_targets(prepared.train, plan, data, prepared),
        monitor=monitor,
        seed=seed,
        n_threads=n_threads,
        validation=_with_targets(prepared.validation, plan, data, prepared)
        if watched
        else None,
        categorical=prepared.categorical,
        n_iter=n_iter,
        device=plan.device.override,
        checkpoint=None if place is None else place.checkpoint(monitor),
    )
    with limit_threads(n_threads):
        fit = _fit(plan.backend, request)
    fitted = make_predictor(fit.model, plan, data, prepared)
    return FitOutcome(fitted, fit, _resumed_from(request.checkpoint))


def unfitted_predictor(plan: ModelPlan, data: FitData, prepared: PreparedData) -> Predictor:
    """Return a pipeline of the fitted steps and an unfitted clone of the model."""
    return make_predictor(clone_estimator(plan.model), plan, data, prepared)


def partial_fit_model(
    fitted: Predictor,
    rows: Rows,
    *,
    seed: int,
    number: int,
    n_threads: int,
    device: str | None = None,
) -> FitOutcome:
    """Train the model on the rows of one chunk.

    Parameters
    ----------
    fitted : FittedModel
        Fitted on the previous chunks, or returned by `untrained`. It is not modified.
    rows : Rows
        Encoded rows. `y` holds positions in the classes of the model, or numbers.
    seed : int
        The same for all chunks.
    number : int
        Number of the chunk, starting at 1.
    n_threads : int
    device : str or None, default=None
        Device of a model that is not fitted yet (None: the library's default).
    """
    classes: Array | None = None
    if fitted.classes is not None and fitted.class_codes is not None:
        known = fitted.classes[fitted.class_codes]
        classes = np.arange(len(known)) if fitted.codes_as_labels else known
        rows = replace(rows, y=classes[rows.y])
    request = PartialFitRequest(
        model=fitted.model,
        task=fitted.task,
        train=rows,
        monitor=Monitor(EvalMetric()),
        seed=seed,
        n_threads=n_threads,
        device=device,
        classes=classes,
        number=number,
    )
    incremental = find_backend(fitted.model).incremental
    assert incremental is not None  # checked before the first chunk
    with limit_threads(n_threads):
        fit = incremental.partial_fit(request)
    *steps, (name, _) = fitted.pipeline.steps
    pipeline = type(fitted.pipeline)([*steps, (name, fit.model)])
    return FitOutcome(replace(fitted, pipeline=pipeline), fit)


def make_predictor(
    model: Any, plan: ModelPlan, data: FitData, prepared: PreparedData
) -> Predictor:
    from imblearn.pipeline import Pipeline  # slow to import, hence not at the top

    return Predictor(
        pipeline=Pipeline([*prepared.steps, (plan.name, model)]),
        task=data.task,
        classes=data.classes,
        class_codes=prepared.class_codes,
        codes_as_labels=plan.capabilities.labels == "codes",
        predict_is_argmax=plan.capabilities.predict_is_argmax and _uses_library_predict(plan),
        prior_shift=prepared.prior_shift if plan.correct_probabilities else None,
        inputs=tuple(data.X) if is_input_dict(data.X) else None,
        target_column=data.target_column,
    )


def _fit(backend: Backend, request: FitRequest) -> ModelFit:
    """Fit with the backend, unless the checkpoint already holds the finished fit."""
    checkpoint = request.checkpoint
    if checkpoint is None:
        return backend.fit(request)
    fit = checkpoint.load_finished_fit()
    if fit is None:
        fit = backend.fit(request)
        checkpoint.save_finished_fit(fit)
    return fit


def _resumed_from(checkpoint: FitCheckpoint | None) -> int | None:
    return None if checkpoint is None else checkpoint.resumed_from


def _eval_metric_for_codes(
    plan: ModelPlan, data: FitData, prepared: PreparedData
) -> EvalMetric:
    """Return the watched metric, adapted to the codes or labels that the model predicts.

    A scorer of scikit-learn gets class codes, and a user-defined one the original labels.
    """
    metric = plan.metric
    if data.classes is None or prepared.class_codes is None or metric.scorer is None:
        return metric
    labels = data.classes[prepared.class_codes]
    codes = np.arange(len(labels))
    trained_on_codes = plan.capabilities.labels == "codes"
    if metric.name in get_scorer_names():
        scorer = metric.scorer
        # The scorer stays unchanged if possible, because backends replace scikit-learn's
        # own scorers with faster metrics of their library.
        if _lacks_a_class(prepared.validation, len(codes)):
            scorer = scorer_for_missing_classes(scorer, len(codes))
        if trained_on_codes:
            return replace(metric, scorer=scorer)
        if scorer is metric.scorer and not needs_pos_label(scorer):
            return metric
        return replace(metric, scorer=LabelMappingScorer(scorer, labels, codes))
    if not trained_on_codes:
        return metric
    return replace(metric, scorer=LabelMappingScorer(metric.scorer, codes, labels))


def _lacks_a_class(rows: Rows | None, n_classes: int) -> bool:
    return rows is not None and len(np.unique(rows.y)) < n_classes


def _uses_library_predict(plan: ModelPlan) -> bool:
    """Return whether `predict` is defined by the library and not by a user's subclass."""
    owner = next((c for c in type(plan.model).__mro__ if "predict" in vars(c)), object)
    return owner.__module__.partition(".")[0] in plan.backend.spec.packages


def _with_targets(
    rows: Rows | None, plan: ModelPlan, data: FitData, prepared: PreparedData
) -> Any:
    """Return the rows with the targets that the model trains on: labels or class codes."""
    if rows is None or data.classes is None or plan.capabilities.labels == "codes":
        return rows
    assert prepared.class_codes is not None
    labels: Array = data.classes[prepared.class_codes][rows.y]
    return Rows(rows.X, labels, rows.sample_weight)

"""One fit of the model by its backend, and the predictor made of steps and model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from sktrainer.backends.base import FitRequest
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.callbacks.observer import FitObserver
from sktrainer.checkpoints.run import FitDirectory
from sktrainer.data.columns import column_labels
from sktrainer.data.indexing import is_input_dict
from sktrainer.data.schema import ColumnContract, record_columns, record_names
from sktrainer.data.tables import explain_text_columns
from sktrainer.data.targets import lookup_codes
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.threads import limit_threads
from sktrainer.scoring.decoded_model import DecodedModel
from sktrainer.scoring.predictor import Predictor
from sktrainer.scoring.scorers import (
    LabelMappingScorer,
    needs_pos_label,
    scorer_for_missing_classes,
)
from sktrainer.training.class_parameters import translate_class_parameters
from sktrainer.training.column_parameters import translate_model_parameters
from sktrainer.training.missing_parameters import unset_missing_number
from sktrainer.training.plan import ModelPlan
from sktrainer.types import Array, FitData, ModelFit, PreparedData, Rows


def fit_model(
    plan: ModelPlan,
    data: FitData,
    prepared: PreparedData,
    *,
    seed: int,
    n_threads: int,
    on_iteration: FitObserver | None = None,
    directory: FitDirectory | None = None,
) -> tuple[ModelFit, int | None]:
    """Fit a clone of the model on the prepared rows.

    `data` provides the classes and the task; its rows are not read. `directory` is the location
    of the checkpoints. A finished fit that is stored there is loaded. Return the fit, and the
    number of iterations in the checkpoint that it resumed from.
    """
    validation = prepared.validation
    watched = validation is not None and len(validation) > 0
    stops = watched and plan.n_iter is None
    monitor = Monitor(
        _eval_metric_for_codes(plan, data, prepared),
        n_iter_no_change=plan.n_iter_no_change if stops else None,
        tol=plan.tol,
        on_iteration=on_iteration,
        reads_models=on_iteration is not None and on_iteration.reads_models,
    )
    if on_iteration is not None:
        on_iteration.set_monitor(monitor)
    model = model_for_codes(plan, data, prepared)
    translate_model_parameters(model, prepared.steps, column_labels(data.X))
    unset_missing_number(model, prepared.steps)
    checkpoint = None if directory is None else directory.checkpoint(monitor)
    request = FitRequest(
        model=model,
        task=data.task,
        train=_with_targets(prepared.train, plan, data, prepared),
        monitor=monitor,
        seed=seed,
        n_threads=n_threads,
        validation=_with_targets(validation, plan, data, prepared)
        if validation is not None and watched
        else None,
        categorical=prepared.categorical,
        n_iter=plan.n_iter,
        device=plan.device.override,
        checkpoint=checkpoint,
        labels=None if data.classes is None else data.classes[prepared.class_codes],
    )
    with limit_threads(n_threads), explain_text_columns(type(model).__name__, prepared.train.X):
        fit = None if checkpoint is None else checkpoint.load_finished_fit()
        if fit is None:
            fit = plan.backend.fit(request)
            if on_iteration is not None:
                on_iteration.raise_error()
            if checkpoint is not None:
                checkpoint.save_finished_fit(fit)
    resumed_from = None if checkpoint is None else checkpoint.resumed_from
    return replace(fit, watched=monitor.watched), resumed_from


def _with_targets(rows: Rows, plan: ModelPlan, data: FitData, prepared: PreparedData) -> Rows:
    """Return the rows with the targets that the model trains on: labels or class codes."""
    if data.classes is None or not plan.capabilities.reads_labels:
        return rows
    assert prepared.class_codes is not None
    labels: Array = data.classes[prepared.class_codes][rows.y]
    return replace(rows, y=labels)


def model_for_codes(plan: ModelPlan, data: FitData, prepared: PreparedData) -> Any:
    """Return a clone of the model whose parameters refer to class codes, not to labels."""
    model = clone_estimator(plan.model)
    if data.classes is not None and not plan.capabilities.reads_labels:
        assert prepared.class_codes is not None
        translate_class_parameters(model, data.classes, prepared.class_codes)
    return model


def make_predictor(
    fit: ModelFit, plan: ModelPlan, data: FitData, prepared: PreparedData
) -> Predictor:
    """Return the pipeline of the fitted steps and the model, with the original labels."""
    from imblearn.pipeline import Pipeline  # slow to import, hence not at the top

    last = fit.model
    if data.classes is not None:
        shift = prepared.prior_shift if plan.correct_probabilities else None
        is_argmax = plan.capabilities.predict_is_argmax and _uses_library_predict(plan)
        last = DecodedModel(
            fit.model,
            data.classes,
            _class_codes(fit, plan, data, prepared),
            reads_labels=plan.capabilities.reads_labels,
            predict_is_argmax=is_argmax,
            prior_shift=shift,
        )
    return Predictor(
        pipeline=Pipeline([*prepared.steps, (plan.name, last)]),
        task=data.task,
        columns=contract_of(data.X, prepared.steps),
        inputs=tuple(data.X) if is_input_dict(data.X) else None,
        target_column=data.target_column,
        metadata_columns=data.metadata_columns,
    )


def contract_of(X: Any, steps: Sequence[tuple[str, Any]]) -> ColumnContract:
    """Return the column contract; the automatic preprocessor checks the values itself."""
    if any(isinstance(step, TableEncoder) for _, step in steps):
        return record_names(X)
    contract = record_columns(
        X, reader="steps" if any(hasattr(step, "transform") for _, step in steps) else "model"
    )
    return contract if contract.kinds else record_names(X)


def _class_codes(
    fit: ModelFit, plan: ModelPlan, data: FitData, prepared: PreparedData
) -> Array:
    """Return the code of the class of each probability column, as the model orders them."""
    codes = prepared.class_codes
    assert codes is not None and data.classes is not None
    if fit.class_order is not None:
        return codes[np.asarray(fit.class_order, dtype=np.intp)]
    own = getattr(fit.model, "classes_", None)
    if own is None:
        return codes
    if plan.capabilities.reads_labels:
        return lookup_codes(own, data.classes)
    return codes[np.asarray(own).astype(np.intp)]


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
    trained_on_codes = not plan.capabilities.reads_labels
    if metric.name in get_scorer_names():
        scorer = metric.scorer
        # The scorer stays unchanged if possible, because backends replace scikit-learn's
        # own scorers with faster metrics of their library.
        rows = prepared.validation
        if rows is not None and len(np.unique(rows.y)) < len(codes):
            scorer = scorer_for_missing_classes(scorer, len(codes))
        if trained_on_codes:
            return replace(metric, scorer=scorer)
        if scorer is metric.scorer and not needs_pos_label(scorer):
            return metric
        return replace(metric, scorer=LabelMappingScorer(scorer, labels, codes))
    if not trained_on_codes:
        return metric
    return replace(metric, scorer=LabelMappingScorer(metric.scorer, codes, labels))


def _uses_library_predict(plan: ModelPlan) -> bool:
    """Return whether `predict` is defined by the library and not by a user's subclass."""
    owner = next((c for c in type(plan.model).__mro__ if "predict" in vars(c)), object)
    return owner.__module__.partition(".")[0] in plan.backend.spec.packages

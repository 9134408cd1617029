"""Build the report of a fit, and the progress lines that summarise it."""

from __future__ import annotations

from typing import Any

import numpy as np

from sktrainer.backends.estimators import model_name
from sktrainer.callbacks.history import history_frame, recorded_eval_metric, values_at_iteration
from sktrainer.data.indexing import is_input_dict
from sktrainer.reporting.content import (
    ColumnTreatment,
    DataSection,
    FittingSection,
    ImbalanceSection,
    SplitSection,
)
from sktrainer.reporting.report import TrainingReport
from sktrainer.runtime.resources import split_cores
from sktrainer.scoring.scorers import needs_pos_label
from sktrainer.training.cross_validation import plan_folds
from sktrainer.training.fit_state import Facts
from sktrainer.training.importances import feature_importances
from sktrainer.training.introspection import (
    column_treatments,
    fitted_seeds,
    step_classes,
    target_scaling,
)
from sktrainer.training.messages import rows_by_set, sizes_by_set
from sktrainer.training.provenance import describe_params, versions_used
from sktrainer.training.retry import attempts_to_frame
from sktrainer.types import FitData

__all__ = ["build_report"]


POSITIVE_CLASS_METRICS = frozenset({"precision", "recall", "f1"})


def build_report(facts: Facts) -> TrainingReport:
    """Return the report of one fit."""
    run, parts = facts.run, facts.parts
    pipeline = run.fitted.pipeline
    held = [part for part in ("test", "validation") if part in run.scores.table.index]
    importances = feature_importances(pipeline, getattr(facts.data.X, "columns", None))
    treatments = column_treatments(pipeline)
    return TrainingReport(
        estimator=model_name(parts.model),
        task=facts.data.task,
        data=_data_section(facts.data, treatments, facts.fingerprint),
        split=_split_section(facts),
        steps=step_classes(pipeline),
        preprocessing=treatments,
        imbalance=_imbalance_section(facts),
        fitting=_fitting_section(facts),
        scores=run.scores.table,
        scores_note=_scores_note(facts),
        confusion=run.scores.confusion,
        confusion_set=held[0] if held else "test",
        importances=importances.values,
        importance_kind=importances.kind,
        history=history_frame(run.fit.evaluations),
        folds=None if facts.cv is None else facts.cv.to_frame,
        cv_summary=None if facts.cv is None else facts.cv.summary,
        attempts=attempts_to_frame(run.attempts) if len(run.attempts) > 1 else None,
        seeds=_seeds(facts),
        parameters=describe_params(facts.parameters, parts),
        versions=versions_used(facts.data.X, pipeline),
        stages=facts.watch.to_frame(),
        notes=(*facts.notes, *filter(None, [importances.problem])),
    )


def _data_section(
    data: FitData, treatments: tuple[ColumnTreatment, ...], fingerprint: str | None
) -> DataSection:
    shape: tuple[int, ...] = tuple(getattr(data.X, "shape", (data.n_samples,)))
    section = DataSection(rows=data.n_samples, target=data.target_name)
    if len(shape) == 2:
        section["columns"] = int(shape[1])
    if is_input_dict(data.X):
        section["inputs"] = {name: list(values.shape[1:]) for name, values in data.X.items()}
    if treatments:
        section["n_missing"] = sum(column["n_missing"] or 0 for column in treatments)
    if fingerprint is not None:
        section["fingerprint"] = fingerprint
    if data.classes is not None:
        section["class_counts"] = _count_by_label(
            data, np.bincount(data.y, minlength=data.n_classes)
        )
        if data.n_classes == 2:
            section["positive_class"] = str(data.classes.tolist()[1])
    elif data.y.ndim == 1:
        section["target_summary"] = {
            name: float(getattr(data.y, name)()) for name in ("mean", "std", "min", "max")
        }
    return section


def _count_by_label(data: FitData, counts: Any) -> dict[str, int]:
    return {label: int(n) for label, n in _by_label(data, counts).items()}


def _by_label(data: FitData, values: Any) -> dict[str, float]:
    assert data.classes is not None
    return {str(k): float(v) for k, v in zip(data.classes.tolist(), values, strict=True)}


def _split_section(facts: Facts) -> SplitSection:
    data, split = facts.data, facts.split
    section = SplitSection(
        kind=split.kind, rows=sizes_by_set(split), reason=_split_reason(facts)
    )
    if data.validation is not None:
        section["rows"]["validation"] = len(data.validation)
    if data.classes is not None:
        section["class_counts"] = {
            name: _count_by_label(data, np.bincount(data.y[rows], minlength=data.n_classes))
            for name, rows in rows_by_set(split).items()
        }
    return section


def _split_reason(facts: Facts) -> str:
    """Return why this kind of split was used."""
    data, asked = facts.data, facts.parameters["split"]
    if not isinstance(asked, str):
        reason = f"split={type(asked).__name__}"
    elif asked != "auto":
        reason = f"split={asked!r}"
    elif data.time is not None:
        reason = "time_column is set"
    elif data.groups is not None:
        reason = "groups were passed"
    else:
        reason = f"{data.task} task"
    return reason if data.validation is None else f"{reason}; X_val was passed"


def _imbalance_section(facts: Facts) -> ImbalanceSection | None:
    """Return class counts before and after weighting or resampling, or None.

    Samplers in the user's own Pipeline are included.
    """
    run, data = facts.run, facts.data
    samplers = [s for _, s in run.fitted.pipeline.steps if hasattr(s, "fit_resample")]
    method = run.imbalance or " + ".join(type(sampler).__name__ for sampler in samplers)
    if not method or data.classes is None:
        return None
    section = ImbalanceSection(
        method=method,
        before=_count_by_label(data, run.class_counts["before"]),
        after=_by_label(data, run.class_counts["after"]),
        probabilities_corrected=False,
    )
    if run.fitted.prior_shift is not None:
        section["prior_shift"] = _by_label(data, run.fitted.prior_shift)
        section["probabilities_corrected"] = not np.allclose(run.fitted.prior_shift, 1.0)
    if run.imbalance == "class_weight":
        # Balanced weights give each class that is present the same share of the total weight.
        present = np.asarray(run.class_counts["after"])
        weight = data.sample_weight
        total = present.sum() if weight is None else weight[facts.split.train].sum()
        even = total / max(1, int((present > 0).sum()))
        section["after"] = _by_label(data, np.where(present > 0, even, 0.0))
        section["detail"] = "effective class weights"
    return section


def _fitting_section(facts: Facts) -> FittingSection:
    fit, model, run = facts.run.fit, facts.plan.model, facts.run
    section = FittingSection(
        n_iter=fit.n_iter,
        best_iteration=fit.best_iteration,
        max_iter=model.capabilities.max_iter,
        iteration=model.capabilities.iteration_name,
        stop_reason=fit.stop_reason,
        refit_rounds=run.refit_rounds,
        batch_size=fit.batch_size,
        target_scale=target_scaling(run.fitted.pipeline),
        n_threads=split_cores(1, 1)[1],
        device=model.device.name,
        device_reason=model.device.reason,
        seconds=facts.watch.seconds("fit") + facts.watch.seconds("refit"),
    )
    if facts.cv is not None:
        workers, threads = plan_folds(facts.plan, len(facts.cv.folds))
        section["n_fold_workers"], section["n_fold_threads"] = workers, threads
        section["from_folds"] = facts.plan.refit and facts.plan.stops_early
    if model.n_iter_no_change is None:
        return section
    section["patience"], section["tol"] = model.n_iter_no_change, model.tol
    section["validation"] = _validation_source(facts)
    watched = recorded_eval_metric(
        fit.evaluations, fit.best_iteration, model.metric.name, model.tol
    )
    section["metric"] = watched
    if fit.best_iteration is not None:
        section["values_at_best"] = values_at_iteration(fit.evaluations, fit.best_iteration)
        section["best_value"] = section["values_at_best"].get(watched)
    return section


def _validation_source(facts: Facts) -> str:
    """Return which rows early stopping monitored."""
    if facts.data.validation is not None:
        return f"{len(facts.data.validation):,} rows passed as X_val"
    if len(facts.split.validation):
        return f"{len(facts.split.validation):,} held-out rows"
    return "rows held out from each fold's training rows"


def _scores_note(facts: Facts) -> str:
    """Return the positive class of the scores, or how scores are averaged over classes."""
    data, scoring = facts.data, facts.plan.scoring
    if data.classes is None:
        return ""
    by_default = facts.parameters["scoring"] is None
    if data.n_classes > 2:
        return (
            "precision, recall, f1, roc_auc: macro averages over the classes"
            if by_default
            else ""
        )
    of_positive = [
        name
        for name, scorer in scoring.scorers.items()
        if (by_default and name in POSITIVE_CLASS_METRICS) or _scores_positive_class(scorer)
    ]
    own = scoring.user_defined.intersection(of_positive)
    named = [name for name in of_positive if name not in own]
    if not named:
        return ""
    return f"{', '.join(named)}: for the positive class {str(data.classes[1])!r}"


def _scores_positive_class(scorer: Any) -> bool:
    average = getattr(scorer, "_kwargs", {}).get("average", "binary")
    return needs_pos_label(scorer) and average == "binary"


def _seeds(facts: Facts) -> dict[str, int]:
    seeds = {"random_state": facts.plan.seed}
    if facts.split.kind in ("random", "stratified", "group"):
        seeds["split"] = facts.plan.split.seed
    if facts.plan.model.capabilities.accepts_nd and facts.run.model_seed is not None:
        seeds[facts.parts.name] = facts.run.model_seed
    return seeds | fitted_seeds(facts.run.fitted.pipeline)

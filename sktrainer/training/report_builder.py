"""Report of a fit, built from plan, data, split and results."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import cast

import numpy as np

from sktrainer.backends.estimators import model_name
from sktrainer.callbacks.history import history_frame, recorded_eval_metric, values_at_iteration
from sktrainer.data.fingerprint.fingerprint import Fingerprint
from sktrainer.data.indexing import is_input_dict
from sktrainer.reporting.content import (
    AuditFinding,
    ColumnTreatment,
    DataSection,
    FittingSection,
    ImbalanceSection,
    SplitSection,
)
from sktrainer.reporting.report import TrainingReport
from sktrainer.resampling.class_weight import is_imbalanced
from sktrainer.scoring.scorers import Scoring
from sktrainer.training.cv_result import CrossValidationResult
from sktrainer.training.evaluation import NOT_EVALUATED, Evaluation
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.importances import feature_importances
from sktrainer.training.introspection import (
    column_treatments,
    fitted_seeds,
    step_classes,
    target_scaling,
)
from sktrainer.training.log import FitLog
from sktrainer.training.messages import rows_by_set, sizes_by_set
from sktrainer.training.plan import FitPlan
from sktrainer.training.provenance import versions_used
from sktrainer.training.retry import attempts_to_frame
from sktrainer.types import Finding, FitData, Split


def build_report(
    plan: FitPlan,
    data: FitData,
    split: Split,
    result: FitResult,
    log: FitLog,
    cv: CrossValidationResult | None = None,
    fingerprint: Fingerprint | None = None,
    findings: tuple[Finding, ...] = (),
    evaluation: Evaluation = NOT_EVALUATED,
) -> TrainingReport:
    """Return the report of one fit."""
    pipeline, scores = result.predictor.undecoded, result.scores
    held = [name for name in ("test", "validation") if name in scores.table.index]
    importances = feature_importances(pipeline, getattr(data.X, "columns", None))
    treatments = column_treatments(pipeline)
    return TrainingReport(
        estimator=model_name(plan.model.model),
        task=data.task,
        data=_data_section(data, treatments, fingerprint),
        split=_split_section(plan, data, split),
        steps=step_classes(pipeline),
        preprocessing=treatments,
        imbalance=_imbalance_section(plan, data, split, result),
        fitting=_fitting_section(plan, data, split, result, log, cv),
        scores=scores.table,
        baseline=scores.baseline,
        metric_names=_metric_names(plan),
        scores_note=_scores_note(data, plan.scoring),
        confusion=scores.confusion if evaluation.confusion is None else evaluation.confusion,
        confusion_set=evaluation.section.get("source", held[0] if held else "train"),
        evaluation=evaluation.section,
        intervals=evaluation.intervals,
        intervals_note=evaluation.note,
        importances=importances.values,
        importance_kind=importances.kind,
        history=history_frame(result.fit.evaluations),
        folds=None if cv is None else cv.to_frame,
        cv_summary=None if cv is None else cv.summary,
        folds_note="" if cv is None else cv.interval_note,
        fold_history=None if cv is None else cv.fold_history,
        attempts=attempts_to_frame(result.attempts) if len(result.attempts) > 1 else None,
        seeds=_seeds(plan, split, result),
        parameters=dict(plan.parameters),
        versions=versions_used(data.X, pipeline),
        stages=log.stages(),
        findings=tuple(cast("AuditFinding", asdict(finding)) for finding in findings),
        warnings=log.library_warnings(),
        notes=(*log.notes, *filter(None, [importances.problem])),
    )


def _data_section(
    data: FitData, treatments: tuple[ColumnTreatment, ...], fingerprint: Fingerprint | None
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
        section["fingerprint"] = fingerprint["digest"]
    if data.classes is not None:
        section["class_counts"] = _count_by_label(
            data, np.bincount(data.y, minlength=data.n_classes)
        )
        section["imbalanced"] = is_imbalanced(np.bincount(data.y, minlength=data.n_classes))
        if data.positive is not None:
            section["positive_class"] = str(data.positive.label)
    elif data.y.ndim == 1:
        section["target_summary"] = {
            name: float(getattr(data.y, name)()) for name in ("mean", "std", "min", "max")
        }
    return section


def _count_by_label(data: FitData, counts: Iterable[float]) -> dict[str, int]:
    return {label: int(n) for label, n in _by_label(data, counts).items()}


def _by_label(data: FitData, values: Iterable[float]) -> dict[str, float]:
    assert data.classes is not None
    return {str(k): float(v) for k, v in zip(data.classes.tolist(), values, strict=True)}


def _split_section(plan: FitPlan, data: FitData, split: Split) -> SplitSection:
    section = SplitSection(kind=split.kind, rows=sizes_by_set(split), reason=plan.split_reason)
    if data.validation is not None:
        section["rows"]["validation"] = len(data.validation)
    if data.classes is not None:
        section["class_counts"] = {
            name: _count_by_label(data, np.bincount(data.y[rows], minlength=data.n_classes))
            for name, rows in rows_by_set(split).items()
        }
    return section


def _imbalance_section(
    plan: FitPlan, data: FitData, split: Split, result: FitResult
) -> ImbalanceSection | None:
    """Return class counts before and after weighting or resampling, or None.

    Samplers in the user's own Pipeline and the model's own class weights are included.
    """
    predictor, prepared = result.predictor, result.prepared
    samplers = [s for _, s in predictor.pipeline.steps if hasattr(s, "fit_resample")]
    methods = [prepared.imbalance or "", *(type(sampler).__name__ for sampler in samplers)]
    methods = methods[:1] if methods[0] else methods[1:]
    method = " + ".join([*methods, *map(str, plan.steps.own_weights)])
    if not method or data.classes is None:
        return None
    section = ImbalanceSection(
        method=method,
        before=_count_by_label(data, prepared.class_counts["before"]),
        after=_by_label(data, prepared.class_counts["after"]),
        probabilities_corrected=False,
    )
    shift = None if predictor.decoded is None else predictor.decoded.prior_shift
    if shift is not None:
        section["prior_shift"] = _by_label(data, shift)
        section["probabilities_corrected"] = not np.allclose(shift, 1.0)
    if prepared.imbalance == "class_weight":
        # Balanced weights give each class that is present the same share of the total weight.
        present = np.asarray(prepared.class_counts["after"])
        weight = data.sample_weight
        total = present.sum() if weight is None else weight[split.train].sum()
        even = total / max(1, int((present > 0).sum()))
        section["after"] = _by_label(data, np.where(present > 0, even, 0.0))
        section["detail"] = "effective class weights"
    elif prepared.own_factors is not None:
        weights = np.asarray(prepared.class_counts["after"]) * prepared.own_factors
        total = sum(prepared.class_counts["after"])
        section["after"] = _by_label(data, weights * total / weights.sum())
        section["detail"] = "effective class weights"
    return section


def _fitting_section(
    plan: FitPlan,
    data: FitData,
    split: Split,
    result: FitResult,
    log: FitLog,
    cv: CrossValidationResult | None,
) -> FittingSection:
    fit, model = result.fit, plan.model
    usage = log.usage("fit", "refit")
    section = FittingSection(
        n_iter=fit.n_iter,
        best_iteration=fit.best_iteration,
        max_iter=model.capabilities.max_iter,
        iteration=model.capabilities.iteration_name,
        stop_reason=fit.stop_reason,
        refit_rounds=result.refit_rounds,
        batch_size=fit.batch_size,
        target_scale=target_scaling(result.predictor.undecoded),
        n_threads=plan.n_threads,
        device=model.device.name,
        device_reason=model.device.reason,
        seconds=usage.seconds,
    )
    used = {
        "cpu_seconds": usage.cpu_seconds,
        "memory_increase_mb": log.memory_increase_mb,
        "gpu_memory_mb": usage.gpu_memory_mb,
    }
    section |= cast("FittingSection", {k: v for k, v in used.items() if not math.isnan(v)})
    if cv is not None:
        section["n_fold_workers"], section["n_fold_threads"] = cv.n_workers, cv.n_threads
        section["from_folds"] = plan.refit and plan.stops_early
    if model.n_iter_no_change is None:
        return section
    section["patience"], section["tol"] = model.n_iter_no_change, model.tol
    if model.patience_source:
        section["patience_source"] = model.patience_source
    if data.validation is not None:
        section["validation"] = f"{len(data.validation):,} rows passed as X_val"
    elif plan.inner_folds:
        number = f"{result.n_inner_folds or plan.inner_folds} inner folds"
        of_fold = "" if result.n_inner_folds else "each fold's "
        section["validation"] = f"{number} of {of_fold}training rows"
        section["n_inner_folds"] = result.n_inner_folds
    elif len(split.validation):
        section["validation"] = f"{len(split.validation):,} held-out rows"
    else:
        section["validation"] = "rows held out from each fold's training rows"
    if plan.validation_reason:
        section["validation"] += plan.validation_reason
    watched = recorded_eval_metric(
        fit.evaluations, fit.best_iteration, model.metric.name, model.tol
    )
    section["metric"] = watched
    if fit.best_iteration is not None:
        section["values_at_best"] = values_at_iteration(fit.evaluations, fit.best_iteration)
        section["best_value"] = section["values_at_best"].get(watched)
    return section


def _metric_names(plan: FitPlan) -> dict[str, str]:
    """Return the displayed name of each metric that is displayed with its class."""
    metric = plan.model.metric
    names = {**plan.scoring.shown_names, metric.name: metric.shown_name or metric.name}
    return {name: shown for name, shown in names.items() if shown != name}


def _scores_note(data: FitData, scoring: Scoring) -> str:
    """Return the positive class, averages over classes, and what the constant prediction is."""
    if data.classes is None:
        return "constant: always the mean of the training rows"
    constant = (
        "constant: always the most frequent class of the training rows, with the class "
        "frequencies as probabilities"
    )
    if data.n_classes > 2 and scoring.is_default:
        return f"precision, recall, f1, roc_auc: macro averages over the classes; {constant}"
    if data.positive is None:
        return constant
    return f"positive class {data.positive.label!r}; {constant}"


def _seeds(plan: FitPlan, split: Split, result: FitResult) -> dict[str, int]:
    seeds = {"random_state": plan.seed}
    if split.kind in ("random", "stratified", "group"):
        seeds["split"] = plan.split.seed
    if plan.model.capabilities.accepts_nd and result.model_seed is not None:
        seeds[plan.model.name] = result.model_seed
    return seeds | fitted_seeds(result.predictor.undecoded)

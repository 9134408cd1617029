"""Build the report of a fit, and the progress lines that summarise it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktrainer.anatomy import EstimatorParts
from sktrainer.backends.modules import model_name
from sktrainer.cross_validation import CrossValidationResult, plan_folds
from sktrainer.flow import FitResult
from sktrainer.receipt import describe_params, versions_used
from sktrainer.recipe import FitPlan
from sktrainer.results.history import history_frame, recorded_eval_metric, values_at_iteration
from sktrainer.results.importances import feature_importances
from sktrainer.results.inventory import (
    column_treatments,
    fitted_seeds,
    step_classes,
    target_scaling,
)
from sktrainer.results.report import (
    ColumnTreatment,
    DataSection,
    FittingSection,
    ImbalanceSection,
    SplitSection,
    TrainingReport,
)
from sktrainer.retries import attempts_to_frame
from sktrainer.rows import is_input_dict
from sktrainer.running.metrics import needs_pos_label
from sktrainer.running.resources import (
    Stopwatch,
    peak_memory_mb,
    split_cores,
)
from sktrainer.types import Array, FitData, Split

__all__ = ["Facts", "build_report", "fit_summary", "split_summary"]

POSITIVE_CLASS_METRICS = frozenset({"precision", "recall", "f1"})
"""Default scores of the positive class; with more classes they are macro averages."""


@dataclass(frozen=True)
class Facts:
    """Everything that the report of a fit is built from."""

    parameters: Mapping[str, Any]
    parts: EstimatorParts
    plan: FitPlan
    data: FitData
    split: Split
    run: FitResult
    cv: CrossValidationResult | None
    notes: tuple[str, ...]
    watch: Stopwatch
    fingerprint: str | None = None


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


def split_summary(split: Split) -> str:
    """Return the sizes of the sets and the kind of split, in one line."""
    sizes = sizes_by_set(split)
    total = sum(sizes.values())
    if len(sizes) == 1:
        return f"Data: {total:,} rows, all used for training"
    parts = ", ".join(f"{n / total:.0%} {name} ({n:,})" for name, n in sizes.items())
    return f"Data split: {parts}, {split.kind}"


def fit_summary(facts: Facts) -> str:
    """Return how the fit ended and what it cost, in one line."""
    fit, capabilities = facts.run.fit, facts.plan.model.capabilities
    name, unit = model_name(facts.parts.model), capabilities.iteration_name
    device = facts.plan.model.device
    seconds = facts.watch.seconds("fit") + facts.watch.seconds("refit")
    where = f" on {device.name}" if device.is_gpu else ""
    cost = f"in {seconds:.1f} s{where}, peak memory {peak_memory_mb():,.0f} MB"
    if fit.stop_reason == "early_stopping":
        of = "" if capabilities.max_iter is None else f" of {capabilities.max_iter:,}"
        best = f" (best {fit.best_iteration:,})" if fit.best_iteration else ""
        refit = f", refitted for {facts.run.refit_rounds:,}" if facts.run.refit_rounds else ""
        return f"{name} stopped early at {unit} {fit.n_iter:,}{of}{best}{refit} {cost}"
    if fit.n_iter is not None and capabilities.max_iter is not None:
        better = fit.best_iteration is not None and fit.best_iteration < fit.n_iter
        best = f" (best {fit.best_iteration:,})" if better else ""
        return f"{name} fitted for {fit.n_iter:,} {unit}s{best} {cost}"
    return f"{name} fitted {cost}"


def rows_by_set(split: Split) -> dict[str, Array]:
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    return {name: rows for name, rows in parts.items() if len(rows)}


def sizes_by_set(split: Split) -> dict[str, int]:
    return {name: len(rows) for name, rows in rows_by_set(split).items()}


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

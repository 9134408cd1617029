"""From what a fit left to its report, and to the lines that tell of it while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.anatomy import Anatomy
from sktrainer.cross_validation import CrossValidation
from sktrainer.encoding.table_encoder import TableEncoder
from sktrainer.flow import Run
from sktrainer.recipe import Recipe
from sktrainer.results.history import history_frame
from sktrainer.results.report import (
    ColumnTreatment,
    DataSection,
    FittingSection,
    ImbalanceSection,
    SplitSection,
    TrainingReport,
)
from sktrainer.running.resources import Stopwatch, library_versions, peak_memory_mb
from sktrainer.types import Array, CheckedData, Split

__all__ = ["Facts", "build_report", "fit_line", "split_line"]

LIBRARIES = ("sktrainer", "scikit-learn", "numpy", "pandas", "imbalanced-learn", "python")


@dataclass(frozen=True)
class Facts:
    """What is known at the end of a fit."""

    parameters: Mapping[str, Any]
    anatomy: Anatomy
    recipe: Recipe
    data: CheckedData
    split: Split
    run: Run
    cv: CrossValidation | None
    notes: tuple[str, ...]
    watch: Stopwatch


def build_report(facts: Facts) -> TrainingReport:
    """Return the report of one fit."""
    held = [part for part in ("test", "validation") if part in facts.run.scores.table.index]
    return TrainingReport(
        estimator=type(facts.anatomy.model).__name__,
        task=facts.data.task,
        data=_data_section(facts.data),
        split=_split_section(facts),
        preprocessing=_preprocessing(facts),
        imbalance=_imbalance_section(facts),
        fitting=_fitting_section(facts),
        scores=facts.run.scores.table,
        confusion=facts.run.scores.confusion,
        confusion_part=held[0] if held else "test",
        importances=_importances(facts),
        history=history_frame(facts.run.fit.evaluations),
        folds=None if facts.cv is None else facts.cv.frame,
        cv_summary=None if facts.cv is None else facts.cv.summary,
        seeds={"random_state": facts.recipe.seed, "split": facts.recipe.split.seed},
        parameters=_parameter_texts(facts),
        versions=library_versions([*LIBRARIES, _package(facts.anatomy.model)]),
        stages=facts.watch.frame(),
        notes=facts.notes,
    )


def split_line(split: Split) -> str:
    """Say how the rows were parted, in one line."""
    sizes = _sizes(split)
    total = sum(sizes.values())
    if len(sizes) == 1:
        return f"Data: {total:,} rows, all for training"
    parts = ", ".join(f"{n / total:.0%} {name} ({n:,})" for name, n in sizes.items())
    return f"Data split: {parts}, {split.kind}"


def fit_line(facts: Facts) -> str:
    """Say how the fit ended, in one line."""
    fit, traits = facts.run.fit, facts.recipe.model.traits
    name, unit = type(facts.anatomy.model).__name__, traits.iteration
    seconds = facts.watch.seconds("fit") + facts.watch.seconds("refit")
    cost = f"in {seconds:.1f} s, peak memory {peak_memory_mb():,.0f} MB"
    if fit.stop_reason == "early_stopping":
        of = "" if traits.max_iter is None else f" of {traits.max_iter:,}"
        best = f" (best {fit.best_iteration:,})" if fit.best_iteration else ""
        refit = f", refitted for {facts.run.refit_rounds:,}" if facts.run.refit_rounds else ""
        return f"{name} stopped early at {unit} {fit.n_iter:,}{of}{best}{refit} {cost}"
    if fit.n_iter is not None and traits.max_iter is not None:
        better = fit.best_iteration is not None and fit.best_iteration < fit.n_iter
        best = f" (best {fit.best_iteration:,})" if better else ""
        return f"{name} fitted for {fit.n_iter:,} {unit}s{best} {cost}"
    return f"{name} fitted {cost}"


def _sizes(split: Split) -> dict[str, int]:
    sizes = {name: len(split.part(name)) for name in ("train", "validation", "test")}  # type: ignore[arg-type]
    return {name: n for name, n in sizes.items() if n}


def _data_section(data: CheckedData) -> DataSection:
    shape = getattr(data.X, "shape", (data.n_samples,))
    section = DataSection(rows=data.n_samples)
    if len(shape) == 2:
        section["columns"] = int(shape[1])
    if data.classes is not None:
        section["class_counts"] = _counted(data, np.bincount(data.y, minlength=data.n_classes))
    elif data.y.ndim == 1:
        section["target_summary"] = {
            "mean": float(data.y.mean()),
            "std": float(data.y.std()),
            "min": float(data.y.min()),
            "max": float(data.y.max()),
        }
    return section


def _counted(data: CheckedData, counts: Any) -> dict[str, int]:
    assert data.classes is not None
    return {str(label): int(n) for label, n in zip(data.classes.tolist(), counts, strict=True)}


def _split_section(facts: Facts) -> SplitSection:
    data, split = facts.data, facts.split
    asked = facts.parameters["split"]
    section = SplitSection(
        kind=split.kind,
        rows=_sizes(split),
        reason="asked for" if asked != "auto" else "decided by the task and what came with X",
    )
    if data.validation is not None:
        section["rows"]["validation"] = len(data.validation)
        section["reason"] += "; validation rows were passed"
    if data.classes is not None:
        section["class_counts"] = {
            name: _counted(data, np.bincount(data.y[rows], minlength=data.n_classes))
            for name, rows in (
                ("train", split.train),
                ("validation", split.validation),
                ("test", split.test),
            )
            if len(rows)
        }
    return section


def _preprocessing(facts: Facts) -> tuple[ColumnTreatment, ...]:
    for _, step in facts.run.fitted.pipeline.steps[:-1]:
        if isinstance(step, TableEncoder):
            return tuple(
                ColumnTreatment(
                    **{
                        f.name: getattr(decision, f.name)
                        for f in fields(decision)
                        if f.name in ColumnTreatment.__annotations__
                    }
                )
                for decision in step.decisions_
            )
    return ()


def _imbalance_section(facts: Facts) -> ImbalanceSection | None:
    run, data = facts.run, facts.data
    if run.imbalance is None or data.classes is None:
        return None
    section = ImbalanceSection(
        method=run.imbalance,
        before=_counted(data, run.class_counts["before"]),
        after={k: float(v) for k, v in _counted(data, run.class_counts["after"]).items()},
        probabilities_corrected=bool(facts.parameters["correct_probabilities"]),
    )
    if run.imbalance == "class_weight":
        present = np.asarray(run.class_counts["before"])
        even = present.sum() / max(1, int((present > 0).sum()))
        section["after"] = {
            label: float(even if n else 0.0) for label, n in section["before"].items()
        }
        section["detail"] = "each class weighs the same in training; 'after' sums its weights"
    return section


def _fitting_section(facts: Facts) -> FittingSection:
    fit, model = facts.run.fit, facts.recipe.model
    section = FittingSection(
        n_iter=fit.n_iter,
        best_iteration=fit.best_iteration,
        max_iter=model.traits.max_iter,
        iteration=model.traits.iteration,
        stop_reason=fit.stop_reason,
        patience=model.n_iter_no_change,
        tol=model.tol,
        metric=model.metric.name if model.n_iter_no_change is not None else None,
        refit_rounds=facts.run.refit_rounds,
        seconds=facts.watch.seconds("fit") + facts.watch.seconds("refit"),
    )
    if fit.best_iteration is not None:
        values = [
            e.value
            for e in fit.evaluations
            if e.iteration == fit.best_iteration and e.set == "validation"
        ]
        section["best_value"] = values[0] if len(values) == 1 else None
    return section


def _importances(facts: Facts) -> pd.Series | None:
    """Return the model's own weights of its features, where it has some.

    Coefficients count by their size, averaged over the classes.
    """
    model = facts.run.fitted.model
    try:
        weights = getattr(model, "feature_importances_", None)
        if weights is None:
            weights = getattr(model, "coef_", None)
            weights = None if weights is None else _sizes_of(weights)
    except Exception:  # a property of a foreign model: some raise where they do not apply
        return None
    if weights is None:
        return None
    weights = np.asarray(weights, dtype=np.float64)
    names = _feature_names(facts, len(weights))
    return None if names is None else pd.Series(weights, index=names).nlargest(30)


def _sizes_of(coefficients: Any) -> Array:
    dense = coefficients.toarray() if hasattr(coefficients, "toarray") else coefficients
    return np.abs(np.atleast_2d(dense)).mean(axis=0)


def _feature_names(facts: Facts, n_features: int) -> list[str] | None:
    steps = [s for _, s in facts.run.fitted.pipeline.steps[:-1] if hasattr(s, "transform")]
    names: Any = getattr(facts.data.X, "columns", None)
    try:
        for step in steps:
            names = step.get_feature_names_out(names)
    except (AttributeError, ValueError, TypeError):
        names = None
    if names is None or len(names) != n_features:
        return [f"x{i}" for i in range(n_features)]
    return [str(name) for name in names]


def _parameter_texts(facts: Facts) -> dict[str, str]:
    texts = {name: repr(value) for name, value in facts.parameters.items()}
    model = facts.anatomy.model.get_params(deep=True)
    return texts | {f"estimator__{name}": repr(value) for name, value in model.items()}


def _package(model: Any) -> str:
    package = type(model).__module__.partition(".")[0]
    return {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}.get(package, package)

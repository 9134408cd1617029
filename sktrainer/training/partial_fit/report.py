"""Training report of a model that is trained with `partial_fit`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd

from sktrainer.callbacks.history import history_frame
from sktrainer.reporting.content import DataSection, FittingSection, SplitSection
from sktrainer.reporting.report import TrainingReport
from sktrainer.runtime.resources import split_cores
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.importances import feature_importances
from sktrainer.training.introspection import target_scaling
from sktrainer.training.log import FitLog
from sktrainer.training.partial_fit.state import PartialFitState
from sktrainer.types import FitData


def update_report(
    report: TrainingReport,
    state: PartialFitState,
    result: FitResult,
    data: FitData,
    log: FitLog,
) -> TrainingReport:
    """Update a report after another chunk.

    Decisions made on the first chunk are kept. Scores and folds are removed because they
    describe the model before this chunk. `report` is that of the first chunk or of `fit`,
    `state` has the totals over all chunks, `data` is this chunk, and `log` its log.
    """
    pipeline = result.predictor.undecoded
    section = DataSection(rows=state.n_rows, target=report.data.get("target"))
    if "columns" in report.data:
        section["columns"] = report.data["columns"]
    split = SplitSection(
        kind="partial_fit",
        rows={"train": state.n_rows},
        reason="every row is used for training",
    )
    if state.class_counts is not None and data.classes is not None:
        labels = map(str, data.classes.tolist())
        counts = dict(zip(labels, state.class_counts.tolist(), strict=True))
        section["class_counts"] = dict(counts)
        split["class_counts"] = {"train": counts}
        if "positive_class" in report.data:
            section["positive_class"] = report.data["positive_class"]
    importances = feature_importances(pipeline, getattr(data.X, "columns", None))
    return replace(
        report,
        data=section,
        split=split,
        fitting=_fitting_section(report, state, pipeline),
        scores=pd.DataFrame(),
        scores_note="",
        confusion=None,
        folds=None,
        cv_summary=None,
        folds_note="",
        alerts=(),
        importances=importances.values,
        importance_kind=importances.kind,
        history=history_frame(state.evaluations),
        notes=tuple(dict.fromkeys((*report.notes, *log.notes))),
        warnings=log.library_warnings() or report.warnings,
        stages=log.stages(),
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
    )


def _fitting_section(
    report: TrainingReport, state: PartialFitState, pipeline: Any
) -> FittingSection:
    fitting = FittingSection(
        n_iter=state.n_iter,
        best_iteration=state.n_iter,
        iteration="chunk",
        stop_reason="partial_fit",
        n_chunks=state.n_chunks,
        n_threads=split_cores(1, 1)[1],
        seconds=state.seconds,
        target_scale=target_scaling(pipeline),
    )
    if "device" in report.fitting:
        fitting["device"] = report.fitting["device"]
        fitting["device_reason"] = report.fitting.get("device_reason", "")
    return fitting

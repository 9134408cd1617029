"""Training report of a model that is trained with `partial_fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd

from sktrainer.callbacks.history import history_frame
from sktrainer.reporting.content import DataSection, FittingSection, SplitSection
from sktrainer.reporting.report import TrainingReport
from sktrainer.training.importances import feature_importances
from sktrainer.training.introspection import target_scaling
from sktrainer.types import MetricValue

__all__ = ["PartialFitProgress", "update_report"]


@dataclass(frozen=True)
class PartialFitProgress:
    """State of incremental training after one chunk.

    Attributes
    ----------
    pipeline : Pipeline
    columns : sequence of str or None
        Column names of X.
    n_iter, n_chunks, n_rows : int
        Totals over all chunks so far.
    class_counts : mapping of str to int, or None
    seconds : float
    n_threads : int
    evaluations : sequence of Evaluation
    stages : DataFrame
        Time and memory per stage, for this chunk only.
    """

    pipeline: Any
    columns: Sequence[Any] | None
    n_iter: int
    n_chunks: int
    n_rows: int
    class_counts: Mapping[str, int] | None
    seconds: float
    n_threads: int
    evaluations: Sequence[MetricValue]
    stages: pd.DataFrame


def update_report(report: TrainingReport, now: PartialFitProgress) -> TrainingReport:
    """Update a report after another chunk.

    Decisions made on the first chunk are kept. Scores and folds are removed because they
    describe the model before this chunk.

    Parameters
    ----------
    report : TrainingReport
        Report of the first chunk or of `fit`.
    now : Progressed

    Returns
    -------
    TrainingReport
    """
    data = DataSection(rows=now.n_rows, target=report.data.get("target"))
    if "columns" in report.data:
        data["columns"] = report.data["columns"]
    split = SplitSection(
        kind="partial_fit",
        rows={"train": now.n_rows},
        reason="every row is used for training",
    )
    if now.class_counts is not None:
        data["class_counts"] = dict(now.class_counts)
        split["class_counts"] = {"train": dict(now.class_counts)}
        if "positive_class" in report.data:
            data["positive_class"] = report.data["positive_class"]
    fitting = FittingSection(
        n_iter=now.n_iter,
        best_iteration=now.n_iter,
        iteration="chunk",
        stop_reason="partial_fit",
        n_chunks=now.n_chunks,
        n_threads=now.n_threads,
        seconds=now.seconds,
        target_scale=target_scaling(now.pipeline),
    )
    if "device" in report.fitting:
        fitting["device"] = report.fitting["device"]
        fitting["device_reason"] = report.fitting.get("device_reason", "")
    importances = feature_importances(now.pipeline, now.columns)
    return replace(
        report,
        data=data,
        split=split,
        fitting=fitting,
        scores=pd.DataFrame(),
        scores_note="",
        confusion=None,
        folds=None,
        cv_summary=None,
        importances=importances.values,
        importance_kind=importances.kind,
        history=history_frame(now.evaluations),
        stages=now.stages,
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
    )

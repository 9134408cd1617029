"""The report of a model that is fitted chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd

from sktrainer.results.history import history_frame
from sktrainer.results.importances import feature_importances
from sktrainer.results.inventory import target_scale_of
from sktrainer.results.report import (
    DataSection,
    FittingSection,
    SplitSection,
    TrainingReport,
)
from sktrainer.types import Evaluation

__all__ = ["Progressed", "report_after"]


@dataclass(frozen=True)
class Progressed:
    """Where a stream of chunks stands after one of them.

    Attributes
    ----------
    pipeline : Pipeline
    columns : sequence of str or None
        Names of the columns of X.
    n_iter, n_chunks, n_rows : int
    class_counts : mapping of str to int, or None
    seconds : float
    n_threads : int
    evaluations : sequence of Evaluation
    stages : DataFrame
        Of this chunk.
    """

    pipeline: Any
    columns: Sequence[Any] | None
    n_iter: int
    n_chunks: int
    n_rows: int
    class_counts: Mapping[str, int] | None
    seconds: float
    n_threads: int
    evaluations: Sequence[Evaluation]
    stages: pd.DataFrame


def report_after(report: TrainingReport, now: Progressed) -> TrainingReport:
    """Return the report of the first chunk, or of a fit, brought up to a later chunk.

    What the first rows decided stays in it. What tells of a model that is no more, its
    scores and folds, does not.

    Parameters
    ----------
    report : TrainingReport
    now : Progressed

    Returns
    -------
    TrainingReport
    """
    data = DataSection(rows=now.n_rows, target=report.data.get("target"))
    if "columns" in report.data:
        data["columns"] = report.data["columns"]
    split = SplitSection(
        kind="chunk by chunk",
        rows={"train": now.n_rows},
        reason="partial_fit trains on every row",
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
        target_scale=target_scale_of(now.pipeline),
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

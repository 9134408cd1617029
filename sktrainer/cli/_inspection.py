"""What a table shows before training: columns, target, data checks and a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor

from sktrainer.data.audit.audit import audit_rows
from sktrainer.data.audit.table import AuditTable
from sktrainer.data.columns import column_reader
from sktrainer.data.inputs import FitInputs, validate_inputs
from sktrainer.data.targets import infer_task
from sktrainer.data.type_inference import infer_column_type
from sktrainer.exceptions import InputError
from sktrainer.resampling.class_weight import count_classes, describe_imbalance, is_imbalanced
from sktrainer.splitting.plan import SplitPlan, resolve_kind
from sktrainer.splitting.split import split_rows
from sktrainer.types import Finding, FitData, Split, Task

#: Share of the test rows, as in the command `train`.
TEST_SIZE = 0.2

#: With fewer test rows, the error of a score is more than a few percent.
_FEW_TEST_ROWS = 200


@dataclass(frozen=True)
class ColumnSummary:
    """Kind, missing values and levels of a column."""

    name: str
    kind: str
    n_missing: int
    detail: str


@dataclass(frozen=True)
class Inspection:
    """What a table shows before training.

    Attributes
    ----------
    task : {"classification", "regression"}
    n_rows : int
    columns : tuple of ColumnSummary
    target : str
        Class counts, or mean and range.
    is_imbalanced : bool
    findings : tuple of Finding
        Findings of the data checks, for a split of the kind `split.kind`.
    split : Split
    advice : tuple of str
    """

    task: Task
    n_rows: int
    columns: tuple[ColumnSummary, ...]
    target: str
    is_imbalanced: bool
    findings: tuple[Finding, ...]
    split: Split
    advice: tuple[str, ...]


def inspect_table(
    frame: pd.DataFrame,
    target: str,
    *,
    task: str = "auto",
    time_column: str | None = None,
    group_column: str | None = None,
) -> Inspection:
    """Inspect a table without training a model.

    Parameters
    ----------
    frame : DataFrame
    target : str
        Name of the target column.
    task : {"auto", "classification", "regression"}, default="auto"
    time_column, group_column : str or None, default=None
        Columns for the split.

    Raises
    ------
    InputError
        If a column does not exist, or the target cannot be used.
    """
    found: Task = infer_task(frame[target]) if task == "auto" else task  # type: ignore[assignment]
    is_classes = found == "classification"
    data = validate_inputs(
        FitInputs(frame, target, groups=group_column, time_column=time_column),
        found,
        DummyClassifier() if is_classes else DummyRegressor(),
    )
    kind = resolve_kind(
        "auto", task=found, has_groups=data.groups is not None, has_time=data.time is not None
    )
    split, notes = split_rows(data, SplitPlan(kind, test_size=TEST_SIZE))
    findings = audit_rows(AuditTable(data, split.train, split.test, "test", kind))
    counts = count_classes(data.y, data.n_classes) if is_classes else np.empty(0)
    return Inspection(
        found,
        data.n_samples,
        tuple(_summaries(data)),
        _describe_target(data, counts),
        is_imbalanced(counts),
        findings,
        split,
        (*notes, *_advice(split, findings, counts)),
    )


def _summaries(data: FitData) -> list[ColumnSummary]:
    read = column_reader(data.X)
    found = []
    for position, name in enumerate(map(str, data.X.columns)):
        try:
            column = infer_column_type(read(position), name)
        except InputError as error:
            found.append(ColumnSummary(name, "not usable", 0, str(error)))
            continue
        detail = f"{len(column.levels):,} levels" if column.kind == "category" else ""
        if column.kind in ("numeric", "datetime"):
            detail = _describe_range(column.values)
        notes = "; ".join(filter(None, [detail, column.detail, column.warning]))
        found.append(ColumnSummary(name, column.kind, column.n_missing, notes))
    return found


def _describe_range(values: Any) -> str:
    series = pd.Series(values).dropna()
    if series.empty:
        return ""
    low, high = series.min(), series.max()
    if isinstance(low, pd.Timestamp):
        return f"{low:%Y-%m-%d} to {high:%Y-%m-%d}"
    return f"{low:.6g} to {high:.6g}"


def _describe_target(data: FitData, counts: Any) -> str:
    if data.classes is not None:
        return describe_imbalance(data.classes, counts)
    y = data.y
    return (
        f"mean {y.mean():.6g}, standard deviation {y.std():.6g}, {y.min():.6g} to {y.max():.6g}"
    )


def _advice(split: Split, findings: Sequence[Finding], counts: Any) -> list[str]:
    """Return which options of the command `train` fit the table."""
    by_code = {finding.code: finding for finding in findings}
    advice = []
    if "SKT104" in by_code:
        column = by_code["SKT104"].columns[0]
        advice.append(f"keep the rows of each {column!r} together: --group-column {column}")
    if "SKT105" in by_code:
        column = by_code["SKT105"].columns[0]
        advice.append(
            f"to score on later rows than those of the training: --time-column {column}"
        )
    if len(split.test) < _FEW_TEST_ROWS:
        advice.append(
            f"{len(split.test):,} test rows give uncertain scores; score every row once with "
            "--cv 5"
        )
    if len(counts) and is_imbalanced(counts):
        advice.append(
            "the rare classes get larger weights; to add rows instead: --imbalance smote"
        )
    leaks = [f for f in findings if f.code in ("SKT101", "SKT102")]
    if leaks:
        names = " ".join(f"--drop {name}" for f in leaks for name in f.columns[:3])
        advice.append(f"leave out what is not known when you predict: {names}")
    return advice

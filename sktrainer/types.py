"""Frozen values that are passed from stage to stage.

FitData -> Split -> PreparedData -> ModelFit -> Scores
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy.typing as npt
import pandas as pd

__all__ = [
    "Array",
    "Finding",
    "FitData",
    "MetricValue",
    "ModelFit",
    "PositiveClass",
    "PreparedData",
    "PreparedSummary",
    "Rows",
    "Scorer",
    "Scores",
    "ScoringParam",
    "SetName",
    "Severity",
    "Split",
    "StopReason",
    "Task",
]

Array: TypeAlias = npt.NDArray[Any]
Scorer: TypeAlias = Callable[..., float]

ScoringParam: TypeAlias = (
    str | Scorer | list[str] | tuple[str, ...] | set[str] | Mapping[str, str | Scorer] | None
)

Task: TypeAlias = Literal["classification", "regression"]

StopReason: TypeAlias = Literal[
    "early_stopping", "callback", "max_iter", "converged", "single_fit", "partial_fit"
]

SetName: TypeAlias = Literal["train", "validation", "test"]

Severity: TypeAlias = Literal["error", "warning", "note"]

# Meanings of a model parameter that weights classes; see `ClassParameter.weights`.
ClassWeightForm: TypeAlias = Literal["labels", "codes", "positive", "balance", "other"]


@dataclass(frozen=True)
class Rows:
    """Rows of a table with their targets; `y` holds class codes or numbers."""

    X: Any
    y: Array
    sample_weight: Array | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class PositiveClass:
    """Class of two to which precision, recall and F1 refer: its code and its label.

    `other` is the label of the other class.
    """

    code: int
    label: Any
    other: Any


@dataclass(frozen=True)
class FitData:
    """Validated input of a fit.

    `X` is the user's object, not a copy. `y` holds class codes, which are positions in
    `classes`, for classification and floats for regression, never the original labels.
    `target_name` is None if the target has no name. `target_column` is the column of X
    that was used as the target, if any. `positive` is the positive class of two classes.
    """

    X: Any
    y: Array
    task: Task
    classes: Array | None = None
    sample_weight: Array | None = None
    groups: Array | None = None
    time: Array | None = None
    validation: Rows | None = None
    target_name: str | None = None
    target_column: str | None = None
    metadata_columns: tuple[str, ...] = ()
    positive: PositiveClass | None = None

    @property
    def n_samples(self) -> int:
        return len(self.y)

    @property
    def n_classes(self) -> int:
        return 0 if self.classes is None else len(self.classes)


@dataclass(frozen=True)
class Split:
    """Row positions of the training, validation and test set, in the order of use.

    `validation` is empty if no rows are held out for validation, or if the user passes
    `X_val`.
    """

    train: Array
    validation: Array
    test: Array
    kind: str

    def positions(self, name: SetName) -> Array:
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


@dataclass(frozen=True)
class Finding:
    """Finding of the data audit.

    `found` states the problem, `why` its effect on the scores and `fix` what to do. `detail`
    has the measured numbers. `code` and `name` identify the check; its page in the
    documentation has the same code.
    """

    severity: Severity
    columns: tuple[str, ...]
    found: str
    why: str
    fix: str
    detail: str = ""
    code: str = ""
    name: str = ""

    @property
    def message(self) -> str:
        """Text of the warning or error, without numbers that differ between folds."""
        found = self.found[:1].upper() + self.found[1:]
        return f"{self.code} {self.name}: {found}. {self.why}. {self.fix}."


@dataclass(frozen=True)
class PreparedSummary:
    """What the preparation did to the training rows, for the report.

    `class_counts` has the number of training rows per class "before" and "after" resampling.
    `imbalance` names the method that handled class imbalance. `class_weight` holds one weight
    per class, if class weights are used, and `own_factors` those that the model's own
    parameters add, if they are known.
    """

    class_counts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    imbalance: str | None = None
    class_weight: Array | None = None
    own_factors: Array | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreparedData:
    """Training and validation rows as passed to the model, and the fitted steps.

    `train` is encoded and resampled. `train_before_resampling` is the training set as
    `transform` returns it, if it is available at no extra cost (None: transform it again to
    score it). `class_codes` holds the codes of the classes that occur in the training set;
    the `y` of `train` and `validation` are positions in `class_codes`.
    """

    train: Rows
    validation: Rows | None
    steps: tuple[tuple[str, Any], ...]
    summary: PreparedSummary
    class_codes: Array | None = None
    categorical: tuple[int, ...] = ()
    train_before_resampling: Any = None
    prior_shift: Array | None = None


@dataclass(frozen=True)
class MetricValue:
    """Value of one metric on one set after one iteration (counted from 1)."""

    iteration: int
    set: Literal["train", "validation"]
    metric: str
    value: float
    seconds: float


@dataclass(frozen=True)
class ModelFit:
    """Result of a backend's fit.

    `n_iter` and `best_iteration` start at 1 and are None for a model that is not
    iterative. `batch_size` is only set for networks. `class_order` holds the class codes in
    the order of the model's probability columns, if its `classes_` does not show it.
    `metric_for_unknown_loss` is the metric of the library that was monitored because the loss
    of a user-defined objective is unknown. `watched` is the name of the monitored metric, and
    whether a greater value is better; backends leave it unset. `gpu_memory_mb` is the peak of
    the memory that the library allocated on the GPU.
    """

    model: Any
    stop_reason: StopReason
    n_iter: int | None = None
    best_iteration: int | None = None
    evaluations: Sequence[MetricValue] = ()
    batch_size: int | None = None
    metric_for_unknown_loss: str | None = None
    class_order: Sequence[int] | None = None
    watched: tuple[str, bool] | None = None
    gpu_memory_mb: float | None = None


@dataclass(frozen=True)
class Scores:
    """Scores: one row per set (`train`, `validation`, `test`), one column per metric.

    `baseline` has the same shape and holds the scores of a constant prediction. `problems`
    states for each set why scores could not be computed, by metric. `never_predicted` has a
    sentence for each set with classes that the model never predicts.
    """

    table: pd.DataFrame
    confusion: pd.DataFrame | None = None
    baseline: pd.DataFrame = field(default_factory=pd.DataFrame)
    problems: Mapping[SetName, Mapping[str, str]] = field(default_factory=dict)
    never_predicted: Mapping[SetName, str] = field(default_factory=dict)

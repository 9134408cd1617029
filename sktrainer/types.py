"""The values that the stages hand on, one after the other; all of them frozen.

CheckedData -> Split -> Prepared -> FitOutcome -> Scores
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy.typing as npt
import pandas as pd

Array: TypeAlias = npt.NDArray[Any]
Scorer: TypeAlias = Callable[..., float]
Task: TypeAlias = Literal["classification", "regression"]
StopReason: TypeAlias = Literal[
    "early_stopping", "max_iter", "converged", "single_fit", "partial_fit"
]
PartName: TypeAlias = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Rows:
    """Some rows of a table with their targets; `y` holds class codes or numbers."""

    X: Any
    y: Array
    sample_weight: Array | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class CheckedData:
    """What the caller passed, found usable.

    `X` is the caller's own object (no copy). `y` holds positions into `classes`
    (classification) or floats (regression), never the caller's labels. `target_name` is
    None where the target came without a name; `target_column` names the column that was
    taken out of X for it, where one was.
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

    @property
    def n_samples(self) -> int:
        return len(self.y)

    @property
    def n_classes(self) -> int:
        return 0 if self.classes is None else len(self.classes)


@dataclass(frozen=True)
class Split:
    """Row positions of the parts, each sorted as the rows are to be read.

    `validation` is empty where nothing is held out for it, also where the caller
    brought validation rows of his own.
    """

    train: Array
    validation: Array
    test: Array
    kind: str

    def part(self, name: PartName) -> Array:
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


@dataclass(frozen=True)
class Prepared:
    """Training and validation rows as the model gets them, and the steps that made them.

    `train` is encoded and resampled. `unsampled` is the training part as `transform`
    gives it, where that is at hand for nothing (None: transform again to score it).
    `class_codes` are the positions, into all classes, of those that the training part
    has; the `y` of `train` and `validation` are positions into `class_codes`.
    `class_weight` are the weights that were given to the classes, where they were.
    """

    train: Rows
    validation: Rows | None
    steps: tuple[tuple[str, Any], ...]
    class_codes: Array | None = None
    categorical: tuple[int, ...] = ()
    unsampled: Any = None
    class_counts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    prior_shift: Array | None = None
    imbalance: str | None = None
    class_weight: Array | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """One value of one metric on one part after one iteration (counted from 1)."""

    iteration: int
    set: Literal["train", "validation"]
    metric: str
    value: float
    seconds: float


@dataclass(frozen=True)
class ModelFit:
    """What a backend gives back; both counts are from 1, None where nothing iterates.

    `batch_size` is that of a network.
    """

    model: Any
    stop_reason: StopReason
    n_iter: int | None = None
    best_iteration: int | None = None
    evaluations: Sequence[Evaluation] = ()
    batch_size: int | None = None


@dataclass(frozen=True)
class FitOutcome:
    """The pipeline that was fitted, as a model of the caller's classes, and how it went.

    `resumed_from` are the iterations of the checkpoint that the fit went on from.
    """

    fitted: Any
    fit: ModelFit
    resumed_from: int | None = None


@dataclass(frozen=True)
class Scores:
    """A row a part (`train`, `validation`, `test`), a column a metric."""

    table: pd.DataFrame
    confusion: pd.DataFrame | None = None

"""The report of one fit: what was decided, what came out, and how to show it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd

from sktrainer.results.history import history_frame
from sktrainer.types import StopReason, Task

__all__ = [
    "ColumnTreatment",
    "DataSection",
    "FittingSection",
    "ImbalanceSection",
    "SplitSection",
    "TrainingReport",
]


class DataSection(TypedDict, total=False):
    """The table that was passed.

    `inputs` maps each array of a dict to the shape of one of its rows. `class_counts` maps
    each class, as text, to its rows; `positive_class` is the one of two classes that
    precision, recall and F1 are of; `target_summary` maps "mean", "std", "min", "max" to
    the target's, in its own unit (regression). `n_missing` counts cells of the training
    rows, where the automatic preprocessor looked at them. `fingerprint` is that of all that
    `fit` was given, in which every cell counts.
    """

    rows: int
    columns: int
    inputs: dict[str, list[int]]
    target: str | None
    class_counts: dict[str, int]
    positive_class: str
    target_summary: dict[str, float]
    n_missing: int
    fingerprint: str


class SplitSection(TypedDict, total=False):
    """How the rows were parted.

    `rows` maps "train", "validation", "test" to their number of rows; `class_counts`
    maps them to the rows of each class. `reason` says what decided the kind.
    """

    kind: str
    rows: dict[str, int]
    reason: str
    class_counts: dict[str, dict[str, int]]


class ImbalanceSection(TypedDict, total=False):
    """What was done about rare classes, on training rows only.

    `before` and `after` map each class to its rows, or, for weights, `after` to the sum
    of its weights. `prior_shift` is the share of each class in what the model was fitted
    on over its share in the data; `probabilities_corrected` says whether `predict_proba`
    divides by it.
    """

    method: str
    before: dict[str, int]
    after: dict[str, float]
    probabilities_corrected: bool
    prior_shift: dict[str, float]
    detail: str


class FittingSection(TypedDict, total=False):
    """How the model was fitted; iterations count from 1.

    `iteration` is what an iteration is called ("round", "tree", "epoch"). `metric` is what
    stopping watched, on the rows that `validation` tells of, and `best_value` its value at
    the best iteration, where `values_at_best` holds those of all validation metrics.
    `refit_rounds` are the iterations of a last fit on all rows; `from_folds` says that they
    are the median of the best ones that the folds found. A network took its rows in batches
    of `batch_size`, and learned a target by `target_scale`, "mean" and "deviation" of its
    columns, so that the loss counts in deviations; None: as it is. The model had `n_threads`
    threads at most, and so had each of the `n_fold_workers` folds fitted at once
    `n_fold_threads`. It trained on `device` (None: nothing is known of it), for
    `device_reason` where a GPU was looked for and not taken. Of a model fitted chunk by
    chunk `n_chunks` are those so far.
    """

    n_iter: int | None
    best_iteration: int | None
    max_iter: int | None
    iteration: str
    stop_reason: StopReason
    patience: int | None
    tol: float
    metric: str | None
    validation: str
    best_value: float | None
    values_at_best: dict[str, float]
    refit_rounds: int | None
    batch_size: int | None
    target_scale: dict[str, list[float]] | None
    from_folds: bool
    n_threads: int
    n_fold_workers: int
    n_fold_threads: int
    device: str | None
    device_reason: str
    seconds: float
    n_chunks: int


class ColumnTreatment(TypedDict, total=False):
    """What became of one column, or of `n_columns` that were treated alike."""

    name: str
    n_columns: int
    kind: str
    treatment: str
    n_levels: int | None
    n_missing: int | None
    detail: str


def _no_history() -> pd.DataFrame:
    return history_frame(())


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


@dataclass(frozen=True, eq=False, repr=False)
class TrainingReport:
    """What one fit decided and what came of it, as plain values.

    It holds neither data nor model, so it pickles small and outlives both.

    Attributes
    ----------
    estimator : str
        The model's class name.
    task : {"classification", "regression"}
    data, split, fitting : dict
        See `DataSection`, `SplitSection`, `FittingSection`; any key may miss.
    steps : dict
        The steps of the fitted pipeline, the model among them, each with its class.
    preprocessing : tuple of dict
        One `ColumnTreatment` a column of the table; in a very wide one, a group of them.
    imbalance : dict or None
        See `ImbalanceSection`; None where classes were left as they are.
    scores : DataFrame
        A row a part ("train", "validation", "test"), a column a metric.
    scores_note : str
        Which class, or which mean over the classes, the scores are of.
    confusion : DataFrame or None
        Rows are true classes, columns predicted ones, counts of `confusion_part`.
    importances : Series or None
        The largest weights of features, the index naming them.
    importance_kind : str or None
        Which attribute of the model they are.
    history : DataFrame
        `iteration`, `set`, `metric`, `value`, `seconds`.
    folds : DataFrame or None
        A row a fold.
    attempts : DataFrame or None
        A row a try of the final fit: `try`, `seed`, `validation_loss` (log loss or RMSE),
        `seconds`, `outcome`, `used`; None where the first one was fine.
    cv_summary : DataFrame or None
        A row a metric, with `mean` and `std` over the folds.
    seeds : dict
        "random_state", from which all others come; those of the split and of each step,
        by the step's name.
    parameters : dict
        Name to repr, of the trainer and of the estimator.
    versions : dict
        Library to version.
    stages : DataFrame
        `stage`, `seconds`, `peak_memory_mb` (of the process, up to that stage's end).
    notes : tuple of str
        Warnings and decisions, in the order they came.
    created : str
        ISO 8601, with the offset from UTC.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktrainer.results.report import TrainingReport
    >>> scores = pd.DataFrame({"r2": [0.9, 0.8]}, index=["train", "test"])
    >>> report = TrainingReport("Ridge", "regression", scores=scores)
    >>> report
    <TrainingReport of Ridge: r2 0.800 on the test rows>
    >>> report.to_dict()["scores"]["test"]
    {'r2': 0.8}
    """

    estimator: str
    task: Task
    data: DataSection = field(default_factory=DataSection)
    split: SplitSection = field(default_factory=SplitSection)
    steps: Mapping[str, str] = field(default_factory=dict)
    preprocessing: tuple[ColumnTreatment, ...] = ()
    imbalance: ImbalanceSection | None = None
    fitting: FittingSection = field(default_factory=FittingSection)
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    scores_note: str = ""
    confusion: pd.DataFrame | None = None
    confusion_part: str = "test"
    importances: pd.Series | None = None
    importance_kind: str | None = None
    history: pd.DataFrame = field(default_factory=_no_history)
    folds: pd.DataFrame | None = None
    cv_summary: pd.DataFrame | None = None
    attempts: pd.DataFrame | None = None
    seeds: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    stages: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()
    created: str = field(default_factory=_now)

    def __repr__(self) -> str:
        from sktrainer.results.headline import headline_scores

        return f"<TrainingReport of {self.estimator}: {headline_scores(self, limit=1)}>"

    def __str__(self) -> str:
        from sktrainer.results.text import render_text

        return render_text(self)

    def _repr_html_(self) -> str:
        from sktrainer.results.html import render_fragment

        return render_fragment(self)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the report as one page that needs no other file.

        The page is written beside its target and renamed over it, so that a crash
        leaves the old page or the new one.

        Parameters
        ----------
        path : path-like
            Its folders are made where they miss.

        Returns
        -------
        Path
            Where the page is.
        """
        from sktrainer.results.html import render_page, write_beside

        return write_beside(Path(path), render_page(self))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as dicts, lists, text, numbers and None, fit for JSON.

        NaN and infinities, which JSON has no word for, become None.
        """
        from sktrainer.results.plain import plain_values

        return plain_values(self)

"""Plain fields of a training report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

import pandas as pd

from sktrainer.callbacks.history import history_frame
from sktrainer.types import Severity, StopReason, Task


class DataSection(TypedDict, total=False):
    """Input data of the fit.

    If X is a dict of arrays, `inputs` maps each key to the shape of one row.
    `class_counts` maps each class, as a string, to its number of rows; `imbalanced` is whether
    some classes are much rarer than others. `positive_class` is the class of binary
    precision, recall and F1. `target_summary` holds "mean", "std",
    "min" and "max" of a regression target. `n_missing` is the number of missing values in
    the training rows, if the automatic preprocessor was used. `fingerprint` is a hash of
    all data passed to `fit`.
    """

    rows: int
    columns: int
    inputs: dict[str, list[int]]
    target: str | None
    class_counts: dict[str, int]
    imbalanced: bool
    positive_class: str
    target_summary: dict[str, float]
    n_missing: int
    fingerprint: str


class SplitSection(TypedDict, total=False):
    """Split into training, validation and test set.

    `rows` maps "train", "validation" and "test" to their number of rows, `class_counts` to
    the number of rows of each class. `reason` explains the choice of `kind`.
    """

    kind: str
    rows: dict[str, int]
    reason: str
    class_counts: dict[str, dict[str, int]]


class ImbalanceSection(TypedDict, total=False):
    """Handling of class imbalance, on the training rows only.

    `before` and `after` map each class to its number of rows; with class weights, `after`
    holds the effective class weights. `prior_shift` is the share of each class during
    fitting divided by its share in the data. `probabilities_corrected` is True if
    `predict_proba` divides by it.
    """

    method: str
    before: dict[str, int]
    after: dict[str, float]
    probabilities_corrected: bool
    prior_shift: dict[str, float]
    detail: str


class FittingSection(TypedDict, total=False):
    """Training of the model. Iterations are counted from 1.

    - `iteration`: name of one iteration ("round", "tree", "epoch").
    - `metric`, `validation`: metric and rows that early stopping used. `best_value` and
      `values_at_best` (of all validation metrics) are from the best iteration.
    - `patience_source`: parameter of the model that the patience is from, if any.
    - `refit_rounds`: number of iterations of the final fit on training plus validation
      rows. If `from_folds` is True, it is the median of the best iterations of the folds.
      If `n_inner_folds` is positive, it was chosen by that many inner folds.
    - `target_scale`: "mean" and "deviation" of each target column, if the network learned
      a standardized target. The loss is then in squared standard deviations.
    - `n_fold_workers` folds ran in parallel, with at most `n_fold_threads` threads each.
    - `device`: None if unknown. `device_reason` explains why no GPU was used.
    - `seconds`, `cpu_seconds`: of the final fit and the refit, CPU time of all threads.
    - `memory_increase_mb`: how much more memory the process had at the peak of the whole fit
      than before it. `gpu_memory_mb`: peak of what the library allocated on the GPU. They are
      absent if they are unknown.
    - `n_chunks`: number of `partial_fit` calls so far.
    """

    n_iter: int | None
    best_iteration: int | None
    max_iter: int | None
    iteration: str
    stop_reason: StopReason
    patience: int | None
    patience_source: str
    tol: float
    metric: str | None
    validation: str
    best_value: float | None
    values_at_best: dict[str, float]
    refit_rounds: int | None
    batch_size: int | None
    target_scale: dict[str, list[float]] | None
    from_folds: bool
    n_inner_folds: int
    n_threads: int
    n_fold_workers: int
    n_fold_threads: int
    device: str | None
    device_reason: str
    seconds: float
    cpu_seconds: float
    memory_increase_mb: float
    gpu_memory_mb: float
    n_chunks: int


class ColumnTreatment(TypedDict, total=False):
    """Treatment of one column, or of `n_columns` columns with the same treatment."""

    name: str
    n_columns: int
    kind: str
    treatment: str
    n_levels: int | None
    n_missing: int | None
    detail: str


class AuditFinding(TypedDict):
    """Finding of the data audit: the fields of `sktrainer.types.Finding`."""

    code: str
    name: str
    severity: Severity
    columns: tuple[str, ...]
    found: str
    detail: str
    why: str
    fix: str


class Alert(TypedDict):
    """Problem of the training that needs a decision: what was found, and what to do.

    `name` is "nan-loss", "divergence", "memory", "overfitting", "max-iterations" or
    "test-score".
    """

    name: str
    found: str
    fix: str


class LibraryWarning(TypedDict):
    """Warning of a library during the fit, with the stages that raised it and how often.

    Warnings that differ in numbers only are counted as one.
    """

    category: str
    message: str
    stages: tuple[str, ...]
    count: int


class ClassCurves(TypedDict):
    """ROC and precision-recall curve of one class against the others, as lists of numbers."""

    label: str
    n_rows: int
    roc_auc: float
    average_precision: float
    false_positive_rate: list[float]
    true_positive_rate: list[float]
    recall: list[float]
    precision: list[float]


class ErrorSummary(TypedDict):
    """Errors of one output of a regression; residuals are actual minus predicted values.

    `counts[i][j]` is the number of rows whose predicted value is in bin i and whose actual
    value is in bin j. The first and last bin include the values beyond the edges.
    `by_prediction` and `by_time` hold quantiles of the residuals of equally large bins of
    rows: "5%", "25%", "50%", "75%", "95%", and the mean "predicted" value or the "position" of
    the bin in time, from 0 to 1. `by_time` is empty without a time order.
    """

    output: str
    edges: list[float]
    counts: list[list[int]]
    absolute_error: dict[str, float]
    by_prediction: dict[str, list[float]]
    by_time: dict[str, list[float]]


class EvaluationSection(TypedDict, total=False):
    """Curves and error statistics of predictions that the scores were computed from.

    They contain counts and rates, and no value of a row.

    - `source`: "test" or "out-of-fold" rows. `n_rows`: their number; `n_used`: number of rows
      that the curves were computed from, if they are a random part.
    - `curves`: of the positive class, or of the classes with the lowest ROC AUC.
    - `thresholds`: "threshold", "precision", "recall", "f1", "false_positives" and
      "false_negatives" of the positive class, for decreasing thresholds.
    - `calibration`: mean "predicted" probability, "observed" share and number of "rows" of
      equally large bins. For more than two classes, they are those of the predicted class.
    - `score_histogram`: "edges", and the number of rows with and without the class ("yes",
      "no").
    - `errors`: one `ErrorSummary` per output of a regression.
    """

    source: str
    n_rows: int
    n_used: int
    curves: list[ClassCurves]
    thresholds: dict[str, list[float]]
    calibration: dict[str, list[float]]
    score_histogram: dict[str, list[float]]
    errors: list[ErrorSummary]


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


@dataclass(frozen=True, eq=False, repr=False)
class ReportContent:
    """Fields of a report, which the renderers read. `TrainingReport` documents them."""

    estimator: str
    task: Task
    data: DataSection = field(default_factory=DataSection)
    split: SplitSection = field(default_factory=SplitSection)
    steps: Mapping[str, str] = field(default_factory=dict)
    preprocessing: tuple[ColumnTreatment, ...] = ()
    imbalance: ImbalanceSection | None = None
    fitting: FittingSection = field(default_factory=FittingSection)
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    baseline: pd.DataFrame = field(default_factory=pd.DataFrame)
    metric_names: Mapping[str, str] = field(default_factory=dict)
    scores_note: str = ""
    confusion: pd.DataFrame | None = None
    confusion_set: str = "test"
    evaluation: EvaluationSection = field(default_factory=EvaluationSection)
    intervals: pd.DataFrame | None = None
    intervals_note: str = ""
    importances: pd.Series | None = None
    importance_kind: str | None = None
    permutation_importances: pd.DataFrame | None = None
    permutation_note: str = ""
    history: pd.DataFrame = field(default_factory=lambda: history_frame(()))
    folds: pd.DataFrame | None = None
    cv_summary: pd.DataFrame | None = None
    folds_note: str = ""
    fold_history: pd.DataFrame | None = None
    attempts: pd.DataFrame | None = None
    seeds: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    changed_parameters: tuple[str, ...] = ()
    code: str = ""
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    stages: pd.DataFrame = field(default_factory=pd.DataFrame)
    findings: tuple[AuditFinding, ...] = ()
    alerts: tuple[Alert, ...] = ()
    warnings: tuple[LibraryWarning, ...] = ()
    notes: tuple[str, ...] = ()
    created: str = field(default_factory=_now)

    def shown(self, metric: str) -> str:
        """Return the name under which a metric is displayed, with its class if it has one."""
        return self.metric_names.get(metric, metric)

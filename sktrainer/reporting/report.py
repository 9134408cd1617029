"""Training report: the decisions and results of one fit."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.paths import as_path
from sktrainer.reporting.content import ReportContent
from sktrainer.reporting.html import render_fragment, render_page
from sktrainer.reporting.key_metrics import key_metrics_line
from sktrainer.reporting.screen import render_screen
from sktrainer.reporting.text import WIDTH, render_text
from sktrainer.reporting.to_dict import to_plain


@dataclass(frozen=True, eq=False, repr=False)
class TrainingReport(ReportContent):
    """Decisions and results of one fit, as plain values.

    Printing it shows the most important parts on one screen, `full()` returns all of them as
    text, and notebooks show an HTML report. It contains neither the data nor the model, so its
    pickle is small.

    Attributes
    ----------
    estimator : str
        Class name of the model.
    task : {"classification", "regression"}
    data, split, fitting : dict
        See `DataSection`, `SplitSection` and `FittingSection`. Any key may be absent.
    steps : dict
        Class name of each step, including the model.
    preprocessing : tuple of dict
        One `ColumnTreatment` per column. In a very wide table, one per group of columns.
    imbalance : dict or None
        See `ImbalanceSection`. None if class imbalance was not handled.
    scores : DataFrame
        One row per set ("train", "validation", "test") and one column per metric.
    baseline : DataFrame
        Scores of a constant prediction, with the rows and columns of `scores`.
    metric_names : dict
        Displayed names of the scores of one class, such as "f1 ('bad')" for "f1".
    scores_note : str
        What the constant prediction is, and how scores are averaged over the classes.
    confusion : DataFrame or None
        Confusion matrix of the rows `confusion_set` ("test", "out-of-fold", "validation" or
        "train"). Rows are true classes, columns are predicted classes.
    evaluation : dict
        See `EvaluationSection`: curves, thresholds, calibration and errors of the test rows,
        otherwise of the out-of-fold predictions. It contains no row of the data.
    intervals : DataFrame or None
        95 % bootstrap interval of the test scores, with columns `low` and `high`, indexed by
        metric. `intervals_note` states how it was computed, or why there is none.
    importances : Series or None
        Largest feature importances, indexed by feature name.
    importance_kind : str or None
        Attribute of the model that the importances come from.
    permutation_importances : DataFrame or None
        Columns `mean` and `std`, indexed by input column, once
        `ManagedTrainer.permutation_importance` was called. `permutation_note` names the metric
        and the rows.
    history : DataFrame
        Columns `iteration`, `set`, `metric`, `value`, `seconds`.
    folds : DataFrame or None
        One row per fold.
    attempts : DataFrame or None
        One row per attempt of the final fit, with columns `attempt`, `seed`, `validation_loss`
        (log loss or RMSE), `seconds`, `outcome`, `used`. None if there was only one.
    cv_summary : DataFrame or None
        One row per metric, with `mean` and `std` over the folds, the score of a constant
        prediction (`constant`), the number of folds that have this score (`n_folds`), whether
        it is computed on the predictions of all folds together (`pooled`), and the 95 %
        interval of the mean (`low`, `high`). `folds_note` states how it was computed, and why
        a metric has none.
    fold_history : DataFrame or None
        Validation curve of every fold, with at most 100 points each: columns `fold`,
        `iteration`, `metric`, `value`.
    seeds : dict
        "random_state" and the seeds derived from it, by step name.
    parameters : dict
        Parameters of the trainer and of the estimator: name to repr. `changed_parameters`
        names those that differ from their defaults.
    code : str
        Python code that repeats the fit with the same seed.
    command : str
        Shell command that repeats it: the command that started it, or a configuration and the
        command that runs it. If there is none, a comment says why.
    versions : dict
        Versions of the libraries.
    stages : DataFrame
        Columns `stage`, `seconds`, `cpu_seconds`, `memory_increase_mb` (how much more memory
        the process had at the peak of the stage than at its start) and `gpu_memory_mb`. NaN is
        unknown.
    findings : tuple of dict
        One `AuditFinding` per finding of the data audit, the most serious first.
    alerts : tuple of dict
        One `Alert` per problem of the training, with what to do.
    warnings : tuple of dict
        One `LibraryWarning` per different warning of a library, with the stages that raised it.
    notes : tuple of str
        Warnings and decisions, in chronological order.
    created : str
        ISO 8601 time with UTC offset.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktrainer.reporting.report import TrainingReport
    >>> scores = pd.DataFrame({"r2": [0.9, 0.8]}, index=["train", "test"])
    >>> report = TrainingReport("Ridge", "regression", scores=scores)
    >>> report
    <TrainingReport of Ridge: r2 0.800 on the test rows>
    >>> report.to_dict()["scores"]["test"]
    {'r2': 0.8}
    """

    def __repr__(self) -> str:
        return f"<TrainingReport of {self.estimator}: {key_metrics_line(self, limit=1)}>"

    def __str__(self) -> str:
        return render_screen(self)

    def full(self, *, width: int = WIDTH) -> str:
        """Return the whole report as text, of any length.

        `print(report)` shows the most important parts on one screen instead.

        Parameters
        ----------
        width : int, default=100
            Maximum length of a line.

        Returns
        -------
        str
        """
        return render_text(self, width=width)

    def _repr_html_(self) -> str:
        return render_fragment(self)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the report as one self-contained HTML page.

        The file is written atomically: a crash leaves the old file or the new one.

        Parameters
        ----------
        path : path-like
            Path of the file. Missing parent folders are created.

        Returns
        -------
        Path
            Path of the file.
        """
        target = as_path(path)
        with atomic_write(target) as part:
            part.write_text(render_page(self), encoding="utf-8", newline="\n")
        return target

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON-compatible dict.

        Returns
        -------
        dict
            One entry per attribute. NaN and infinity are None.
        """
        return to_plain(self)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as JSON, and write it to a file if a path is given.

        The JSON conforms to the schema `TrainingReport.json_schema()`.

        Parameters
        ----------
        path : path-like or None, default=None
            Path of the file, which is written atomically. Missing parent folders are created.

        Returns
        -------
        str
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        if path is not None:
            with atomic_write(as_path(path)) as part:
                part.write_text(text + "\n", encoding="utf-8", newline="\n")
        return text

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """Return the JSON schema of `to_dict` and `to_json` (draft 2020-12).

        Returns
        -------
        dict
        """
        file = resources.files("sktrainer.reporting") / "report.schema.json"
        schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return schema

"""Training of several models on the same folds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor

from sktrainer.comparison.result import Comparison, write_comparison
from sktrainer.comparison.runs import compare
from sktrainer.data.inputs import FIT_ARGUMENTS
from sktrainer.exceptions import FitError, InputError
from sktrainer.reporting.comparison_page import render_comparison
from sktrainer.reporting.formats import format_column
from sktrainer.reporting.key_metrics import rank_metrics
from sktrainer.reporting.score_tables import interval_text
from sktrainer.reporting.text import text_table
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.seeds import RandomState, root_seed
from sktrainer.scoring.scorers import lower_is_better
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import ScoringParam

BASELINE = "baseline"


@dataclass(frozen=True, eq=False, repr=False)
class Leaderboard:
    """Models that were trained on the same folds, the best one first.

    Attributes
    ----------
    table : DataFrame
        One row per model: `mean` and `std` of the first metric over the folds, its 95 %
        interval (`low`, `high`), the mean of every other metric, and `fit_seconds` of the
        final fit.
    metric : str
        The metric that orders the models.
    trainers : dict of str to ManagedTrainer
        The fitted trainers, in the order of the table. The baseline predicts a constant.
    comparison : Comparison
        Paired differences from the best model, parameters and curves.
    errors : dict of str to str
        Why a model could not be trained.
    """

    table: pd.DataFrame
    metric: str
    trainers: Mapping[str, ManagedTrainer]
    comparison: Comparison
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def best(self) -> ManagedTrainer:
        """The fitted trainer with the best mean score."""
        return self.trainers[str(self.table.index[0])]

    def __repr__(self) -> str:
        return f"<Leaderboard of {len(self.table)} models by {self.metric}>"

    def __str__(self) -> str:
        failed = "\n".join(f"{name} failed: {text}" for name, text in self.errors.items())
        return "\n\n".join(
            filter(None, [text_table(self.shown(), numbers=True), failed, str(self.comparison)])
        )

    def shown(self) -> pd.DataFrame:
        """Return the models with the metric that orders them, as strings."""
        columns = {
            self.metric: format_column(self.table[self.metric].tolist()),
            "std": format_column(self.table["std"].tolist()),
            "95% interval": [interval_text(self.table, str(name)) for name in self.table.index],
            "fit_seconds": format_column(self.table["fit_seconds"].tolist()),
        }
        return pd.DataFrame(columns, index=self.table.index)

    def _repr_html_(self) -> str:
        return render_comparison(self._page(), whole=False)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the leaderboard and the comparison as one self-contained HTML page.

        Parameters
        ----------
        path : path-like
            Path of the file, which is written atomically.

        Returns
        -------
        Path
        """
        return write_comparison(self._page(), path)

    def _page(self) -> dict[str, Any]:
        page = self.comparison._page()
        tables = {f"Models by {self.metric}": self.shown(), **page["tables"]}
        failed = tuple(f"{name} failed: {text}" for name, text in self.errors.items())
        title = f"Leaderboard of {len(self.table)} models"
        return {**page, "title": title, "tables": tables, "failed": failed}


def compare_models(
    models: Mapping[str, Any],
    X: Any,
    y: Any = None,
    *,
    cv: Any = 5,
    scoring: ScoringParam = None,
    random_state: RandomState = 42,
    sort_by: str | None = None,
    **trainer_params: Any,
) -> Leaderboard:
    """Train several models on the same folds, beside a constant baseline.

    Parameters
    ----------
    models : dict of str to estimator
        Any estimators that `ManagedTrainer` accepts, by name.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or str, default=None
        The target, or the name of its column in X.
    cv : int, splitter or iterable, default=5
        As in `ManagedTrainer`. A splitter with a seed gives every model the same folds.
    scoring : str, list, dict, callable or None, default=None
        As in `ManagedTrainer`.
    random_state : int, default=42
        Seed of the folds and of all models.
    sort_by : str or None, default=None
        Metric that orders the models. None: the first metric of the report. A loss of
        the default scores (`log_loss`, `rmse`, `mae`) orders from small to large, any other
        score from large to small.
    **trainer_params
        Further parameters of `ManagedTrainer`, the same for all models, and arguments of its
        `fit`, such as `groups`.

    Returns
    -------
    Leaderboard

    Raises
    ------
    InputError
        If parameters or data are invalid, before any model is trained where possible.
    FitError
        If no model could be trained.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer import compare_models
    >>> X, y = load_diabetes(return_X_y=True)
    >>> models = {"ridge": Ridge(), "forest": RandomForestRegressor(10)}
    >>> leaderboard = compare_models(models, X, y, cv=3)
    >>> leaderboard.table.index[-1], leaderboard.metric
    ('baseline', 'r2')
    """
    if not models:
        raise InputError("models is empty: pass estimators by name, such as {'ridge': Ridge()}")
    if BASELINE in models:
        raise InputError(f"the name {BASELINE!r} is reserved: give the model another name")
    fit_arguments = {k: trainer_params.pop(k) for k in FIT_ARGUMENTS if k in trainer_params}
    parameters = {"cv": cv, "scoring": scoring, "random_state": root_seed(random_state)}
    if not isinstance(cv, int) and not hasattr(cv, "split"):
        parameters["cv"] = list(cv)  # a generator would be empty after the first model
    trainers: dict[str, ManagedTrainer] = {}
    errors: dict[str, str] = {}
    for name, model in models.items():
        trainer = ManagedTrainer(clone_estimator(model), **parameters, **trainer_params)
        try:
            trainers[str(name)] = trainer.fit(X, y, **fit_arguments)
        except FitError as error:
            errors[str(name)] = str(error)
    if not trainers:
        raise FitError("no model could be trained:\n" + "\n".join(errors.values()))
    task = next(iter(trainers.values())).report_.task
    constant: Any = DummyClassifier() if task == "classification" else DummyRegressor()
    shared = {k: v for k, v in trainer_params.items() if k not in _OF_TRAINING}
    baseline = ManagedTrainer(constant, task=task, **parameters, **shared)
    trainers[BASELINE] = baseline.fit(X, y, **fit_arguments)
    table, metric = _table(trainers, sort_by, is_default=scoring is None)
    ordered = {str(name): trainers[str(name)] for name in table.index}
    comparison = compare(
        *ordered.values(), names=list(ordered), X=X, y=y, groups=fit_arguments.get("groups")
    )
    return Leaderboard(table, metric, ordered, comparison, errors)


# Parameters that concern the training of a model, not the rows; the baseline has no training.
_OF_TRAINING = (
    "task", "handle_imbalance", "correct_probabilities", "early_stopping", "eval_metric",
    "n_iter_no_change", "tol", "n_retries", "checkpoint", "device",
)  # fmt: skip


def _table(
    trainers: Mapping[str, ManagedTrainer], sort_by: str | None, *, is_default: bool
) -> tuple[pd.DataFrame, str]:
    """Return the models in order of the metric, and the metric."""
    first = next(iter(trainers.values())).report_
    assert first.cv_summary is not None
    names = [str(name) for name in first.cv_summary.index]
    metric = sort_by
    if metric is None:
        metric = rank_metrics(names, 1, imbalanced=first.data.get("imbalanced", False))[0]
    if metric not in names:
        raise InputError(f"sort_by={metric!r} is not a metric; expected one of {names}")
    rows = {}
    for name, trainer in trainers.items():
        summary = trainer.report_.cv_summary
        assert summary is not None
        values = summary.loc[metric]
        rows[name] = {
            metric: values["mean"],
            "std": values["std"],
            "low": values["low"],
            "high": values["high"],
            **{other: summary["mean"][other] for other in names if other != metric},
            "fit_seconds": trainer.report_.fitting.get("seconds"),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").astype(float)
    ascending = is_default and lower_is_better(metric)
    return table.sort_values(metric, ascending=ascending, kind="stable"), metric

"""Methods of the trainer that analyze a fitted model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sktrainer.data.indexing import take_rows
from sktrainer.data.inputs import scoring_rows
from sktrainer.exceptions import InputError
from sktrainer.scoring.predictor import Predictor
from sktrainer.types import Array, Rows, ScoringParam, Split

if TYPE_CHECKING:
    from sktrainer.analysis.learning_curve import LearningCurve
    from sktrainer.analysis.thresholds import TunedThreshold
    from sktrainer.reporting.report import TrainingReport


class AnalysisMixin:
    """Mixin with analyses, most of which need the data passed to `fit` again."""

    _predictor: Predictor
    pipeline_: Any
    model_: Any
    split_: Split
    report_: TrainingReport

    @property
    def feature_importances_(self) -> Array:
        """Importance of each column of X, of shape (`n_features_in_`,).

        They are the model's `feature_importances_` or the absolute values of its `coef_`,
        summed over the columns that a column of X is encoded as.
        """
        from sktrainer.training.importances import column_importances

        check_is_fitted(self)
        names = self._predictor.columns.names or None
        if names is None and hasattr(self, "n_features_in_"):
            names = tuple(f"x{position}" for position in range(self.n_features_in_))
        return column_importances(self._predictor.pipeline, self.model_, names)

    @property
    def threshold_(self) -> float | None:
        """Probability from which `predict` predicts the positive class. None: not tuned."""
        check_is_fitted(self)
        decoded = self._predictor.decoded
        return None if decoded is None else decoded.threshold

    def tune_threshold(
        self,
        X: Any,
        y: Any = None,
        *,
        metric: str | Callable[[Array, Array], float] = "f1",
        costs: Mapping[str, float] | None = None,
    ) -> TunedThreshold:
        """Choose the probability from which `predict` predicts the positive class.

        It is chosen on the out-of-fold predictions if the trainer has `cv`, otherwise on the
        validation rows, never on test rows. From then on, `predict`, `score` and `pipeline_`
        use it, and files keep it. A further `fit` resets it. Scores in `scores_` and `report_`
        are those of the model before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The table that was passed to `fit`.
        y : array-like of shape (n_samples,) or str, default=None
            The target, or the name of its column in X.
        metric : str or callable, default="f1"
            What to maximize: "f1", "accuracy", "balanced_accuracy", "jaccard",
            "matthews_corrcoef", or a function of true and predicted labels.
        costs : dict or None, default=None
            Costs to minimize instead, such as ``{"false_positive": 1, "false_negative": 20}``.

        Returns
        -------
        TunedThreshold

        Raises
        ------
        InputError
            If the model is not a classifier of two classes with probabilities, if there are no
            out-of-fold predictions and no validation rows that the model was not fitted on, or
            if X is not the table that was passed to `fit`.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sktrainer import ManagedTrainer
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> trainer = ManagedTrainer(LogisticRegression(), cv=3, random_state=0).fit(X, y)
        >>> costs = {"false_positive": 5, "false_negative": 1}
        >>> found = trainer.tune_threshold(X, y, costs=costs)
        >>> found.source, found.threshold == trainer.threshold_
        ('out-of-fold', True)
        """
        from sktrainer.analysis.thresholds import check_metric, tune

        check_is_fitted(self)
        check_metric(metric, costs)
        fitted = self._predictor
        positive = getattr(self, "pos_label_", None)
        if fitted.classes is None or positive is None or not fitted.has_method("predict_proba"):
            raise InputError(
                "tune_threshold needs a classifier of two classes that has predict_proba"
            )
        rows = self._rows_of_fit(X, y)
        code = fitted.classes.tolist().index(positive)
        predicted = getattr(self, "oof_predictions_", None)
        if predicted is not None:
            used = np.flatnonzero(predicted["n_folds"] > 0)
            likely = predicted[f"probability_{positive}"].to_numpy()[used]
            source = "out-of-fold"
        else:
            used, source = self._validation_rows(), "validation"
            likely = fitted.predict_proba(take_rows(rows.X, used))[:, code]
        if len(np.unique(rows.y[used])) < 2:
            raise InputError(
                f"the {len(used):,} {source} rows have one class only, which no threshold "
                "separates. Use cv or a larger validation_size"
            )
        labels = (fitted.classes.tolist()[1 - code], positive)
        found = tune(rows.y[used] == code, likely, labels, metric, costs, source)
        self._predictor = fitted.with_threshold(found.threshold, code)
        self.pipeline_ = self._predictor.pipeline
        others = tuple(n for n in self.report_.notes if not n.startswith(_THRESHOLD_NOTE))
        note = f"{_THRESHOLD_NOTE}: {found}. All scores in this report are those at 0.5"
        self.report_ = replace(self.report_, notes=(*others, note))
        return found

    def permutation_importance(
        self,
        X: Any,
        y: Any = None,
        *,
        scoring: ScoringParam = None,
        n_repeats: int = 5,
        random_state: int | None = 0,
        n_jobs: int | None = None,
    ) -> pd.DataFrame:
        """Return by how much a score of the validation rows drops if a column is shuffled.

        There is one value per column of X, also for columns that the trainer encodes as
        several. The report shows the result from then on.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            The table that was passed to `fit`.
        y : array-like of shape (n_samples,) or str, default=None
            The target, or the name of its column in X.
        scoring : str, callable or None, default=None
            A single scorer. None: the first scorer of the trainer.
        n_repeats : int, default=5
            How often each column is shuffled.
        random_state : int or None, default=0
        n_jobs : int or None, default=None
            Number of columns that are shuffled in parallel.

        Returns
        -------
        DataFrame of shape (n_features, 2)
            Columns `mean` and `std` over the repeats, indexed by column, largest first.

        Raises
        ------
        InputError
            If there are no validation rows that the model was not fitted on, or if X is not
            the table that was passed to `fit`.

        See Also
        --------
        sklearn.inspection.permutation_importance : The function that computes it.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> from sktrainer import ManagedTrainer
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> trainer = ManagedTrainer(Ridge(0.1), validation_size=0.3, random_state=0).fit(X, y)
        >>> sorted(trainer.permutation_importance(X, y).index[:2])
        ['s1', 's5']
        """
        from sktrainer.analysis.permutation import permutation_table

        check_is_fitted(self)
        self._rows_of_fit(X, y)
        table, metric = permutation_table(
            self, X, y, self._validation_rows(), scoring, n_repeats, random_state, n_jobs
        )
        n_rows = len(self._validation_rows())
        note = f"drop of {metric} on {n_rows:,} validation rows, {n_repeats} repeats"
        self.report_ = replace(
            self.report_, permutation_importances=table, permutation_note=note
        )
        return table

    def learning_curve(
        self,
        X: Any,
        y: Any = None,
        *,
        sizes: Sequence[float] = (0.1, 0.2, 0.35, 0.6, 1.0),
        cv: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> LearningCurve:
        """Score models that are trained on more and more rows, on the same folds.

        Early stopping and all other stages run for each size. The trainer itself, which need
        not be fitted, is not changed.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or str, default=None
            The target, or the name of its column in X.
        sizes : sequence of float, default=(0.1, 0.2, 0.35, 0.6, 1.0)
            Shares of the training rows of each fold. The rows of a size contain those of all
            smaller sizes; of a split by time, they are the latest ones.
        cv : int, splitter, iterable or None, default=None
            None: `cv` of the trainer, or 5 folds.
        sample_weight, groups : array-like, str or None, default=None
            As in `fit`.

        Returns
        -------
        LearningCurve
            Scores and seconds by number of rows, a fitted power law, and an answer to whether
            more rows would help.

        Raises
        ------
        InputError
            If parameters or data are invalid.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> from sktrainer import ManagedTrainer
        >>> X, y = load_diabetes(return_X_y=True)
        >>> curve = ManagedTrainer(Ridge(), random_state=0).learning_curve(X, y, sizes=[0.5, 1])
        >>> curve.table["rows"].tolist()
        [177, 354]
        """
        from sktrainer.analysis.learning_curve import compute_learning_curve

        return compute_learning_curve(self, X, y, sizes, cv, sample_weight, groups)

    def _rows_of_fit(self, X: Any, y: Any) -> Rows:
        """Return the rows of X with encoded targets, if they are those of the fit."""
        fitted = self._predictor
        rows, _ = scoring_rows(X, y, fitted.task, fitted.classes)
        expected = self.report_.data.get("rows")
        if len(rows) != expected:
            raise InputError(
                f"X has {len(rows):,} rows, but the trainer was fitted on {expected:,}. Pass "
                "the table that was passed to fit"
            )
        return rows

    def _validation_rows(self) -> Array:
        """Return the positions of validation rows that the model was not fitted on."""
        if not len(self.split_.validation) or self.report_.fitting.get("refit_rounds"):
            raise InputError(
                "there are no validation rows that the model was not fitted on. Fit with "
                "validation_size=0.2 and refit=False"
            )
        return self.split_.validation


_THRESHOLD_NOTE = "Tuned threshold"

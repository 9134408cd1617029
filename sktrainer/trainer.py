"""ManagedTrainer: the scikit-learn estimator that runs all training stages."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils.validation import validate_data

from sktrainer.analysis.mixin import AnalysisMixin
from sktrainer.backends.estimators import is_raw_network, model_name, wrap_estimator
from sktrainer.callbacks.history import evals_result, history_frame
from sktrainer.callbacks.sklearn_callbacks import SklearnCallbackMixin, root_task
from sktrainer.checkpoints.schedule import Checkpoint
from sktrainer.data.indexing import is_input_dict
from sktrainer.data.inputs import FitInputs, unknown_argument_problem
from sktrainer.data.named_columns import pop_columns
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.persistence import PersistenceMixin
from sktrainer.prediction import PredictMixin
from sktrainer.runtime.seeds import RandomState
from sktrainer.training.partial_fit.mixin import PartialFitMixin, supports_partial_fit
from sktrainer.training.tags import trainer_tags
from sktrainer.types import Array, Scorer, ScoringParam, Split

if TYPE_CHECKING:
    from sktrainer.data.fingerprint.fingerprint import Fingerprint
    from sktrainer.reporting.report import TrainingReport
    from sktrainer.training.parameters import TrainerParams
    from sktrainer.training.partial_fit.state import PartialFitResult
    from sktrainer.training.run import FitState

__all__ = ["ManagedTrainer"]


class ManagedTrainer(
    PredictMixin,
    AnalysisMixin,
    PartialFitMixin,
    PersistenceMixin,
    SklearnCallbackMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Meta-estimator that manages the training of a model.

    It splits the rows, encodes the table, handles class imbalance, stops early, scores and
    reports. It is an ordinary scikit-learn estimator: it clones, pickles, and works inside
    pipelines and `GridSearchCV`, where `estimator__max_depth` sets a parameter of the model.
    Everything that is fitted sees training rows only. Every automatic decision is in
    `report_`.

    Parameters
    ----------
    estimator : estimator
        One of: a scikit-learn, XGBoost, LightGBM or CatBoost model, or any other with the
        scikit-learn interface; a skorch net or a torch Module (class or instance); a scikeras
        estimator, a Keras model or a function that builds one; a Pipeline that ends in one of
        these, whose steps are kept. It is cloned and never modified.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto": the task of the estimator; if it supports both, the task is inferred from y.
        A numeric y with at most 20 distinct values is treated as labels, otherwise as a
        regression target. More than 20 consecutive whole numbers raise an error.
    preprocessor : "auto", None or transformer, default="auto"
        "auto": the encoding that this model needs for these columns. No preprocessor is
        added if the model needs none, or if a step of your own Pipeline transforms X.
    categorical_encoding : {"auto", "native", "onehot", "ordinal", "target"}, default="auto"
        Used by the automatic preprocessor. "auto": category codes or one-hot columns for
        columns with few levels, cross-fitted target encoding for the others.
    scaling : "auto" or bool, default="auto"
        "auto": scale the columns if the model is sensitive to scale.
    handle_imbalance : None, str or sampler, default=None
        "class_weight", "smote", "oversample", "undersample", or an imblearn sampler; for the
        training rows only. "auto": if the classes are imbalanced, warn and weight them, unless
        the model does; "auto_smote" and so on: the same with resampling.
    correct_probabilities : bool, default=False
        Whether `predict_proba` corrects the shift of the class priors that resampling or
        class weights cause, those of the model itself included. `predict` is not affected.
    pos_label : "auto" or class label, default="auto"
        Positive class of precision, recall, F1 and every other score of one class of two.
        "auto": 1 or True if the labels are 0 and 1, -1 and 1, or booleans, otherwise the
        class with fewer rows in y. Such a score is shown with its class.
    split : {"auto", "random", "stratified", "group", "time"} or splitter, default="auto"
        How test rows, validation rows and folds are drawn. "auto": by time if `time_column`
        is set, by group if `groups` are passed, otherwise stratified for classification and
        random for regression.
    time_column : str, int or None, default=None
        Column of dates or numbers that orders the rows for ``split="time"`` and for your own
        splitters. Dates as strings must have one unambiguous format. None: the order of the
        rows in X.
    gap : int, str or timedelta, default=0
        For time splits: what is left out of the training rows before each validation set,
        test set and test fold. A number of rows, or with a `time_column` of dates a duration
        such as "7D".
    shuffle : bool, default=True
        Whether to shuffle the rows before a random or stratified split.
    test_size : float, int or None, default=None
        Fraction or number of rows held out and scored in `fit`.
    validation_size : "auto", "cv", float, int or None, default="auto"
        Fraction or number of rows held out for early stopping. It is a fraction of all rows,
        in a fold of the fold's training rows. "cv": inner folds of the training rows choose the
        number of rounds for a fit on all of them, and `history_` has their mean curves. "auto":
        "cv" for boosting on fewer than 1,500 training rows (not with `refit`, `gap`, your own
        splitter or fewer than 10 groups), otherwise 0.1 if the model stops early, else none.
    cv : int, splitter, iterable or None, default=None
        Folds of a cross-validation that fills `cv_results_` before the final fit.
    scoring : str, list, dict, callable or None, default=None
        Metrics of `scores_` and `cv_results_`; `score` uses the first one. None: accuracy,
        balanced_accuracy, precision, recall, f1, roc_auc, average_precision (of two classes)
        and log_loss for classification, r2, rmse and mae for regression.
    early_stopping : bool or "auto", default="auto"
        True: stop any iterative estimator early. False: never. "auto": boosting and
        networks, which overfit with more iterations.
    eval_metric : str or callable, default="loss"
        Metric monitored on the validation rows: the model's own loss or a scorer.
    n_iter_no_change : int or None, default=None
        Iterations without improvement after which the fit stops. None: the patience of the
        model's own early stopping if it is set (such as `early_stopping_rounds`), else 50.
    tol : float, default=0.0
        Minimum improvement. A value must be better than the best one by more than this.
    refit : bool, default=False
        After early stopping, fit again on training and validation rows for
        `best_iteration_` rounds. With `cv`, fit on all rows except the test rows, for the
        median of the best rounds of the folds.
    n_retries : int, default=0
        Number of retries with other seeds after a fit that raised an error, diverged, or is
        no better than a constant prediction on the validation rows. The fit that is used is
        chosen on validation rows only.
    audit : bool or dict, default=True
        Whether to check the data for leakage and other mistakes before training. Findings are
        in `report_`, and errors stop the fit. ``{"ignore": ["SKT101"]}`` leaves out checks.
    random_state : int, RandomState, Generator or None, default=None
        Seed from which all others are derived. Seeds set on the estimator are kept.
    n_jobs : int or None, default=None
        Number of folds fitted in parallel. Folds and model threads together use all cores.
    checkpoint : path-like, Checkpoint or None, default=None
        A folder, or ``Checkpoint(folder, every=50)``. The next call with the same data and
        parameters resumes a fit that was killed, bit-identically, or loads a finished one.
        Clones use separate sub-folders.
    device : {"auto", "cpu", "cuda", "cuda:1", ..., "mps"}, default="auto"
        Device to train on. "auto": the one that the model's own parameters name; otherwise a
        GPU, if training on it is reproducible (XGBoost, networks); otherwise the CPU.
    trackers : sequence of str or Tracker, default=()
        "jsonl", "mlflow", "wandb", their settings (such as `MlflowTracker`), or objects with
        the methods of `Tracker`. They record each fit. Not saved in files.
    callbacks : sequence of object, default=()
        Objects with methods of `Callback`, and callbacks of scikit-learn. Not saved in files.
    verbose : int, default=0
        0: silent; 1: stages, progress bars and scores; 2: every iteration.

    Attributes
    ----------
    pipeline_ : imblearn.pipeline.Pipeline
        The fitted steps and model. It takes the rows of X, and predicts the labels of y.
    model_ : estimator
        The fitted model as an object of its own library. It takes encoded rows and was
        trained on class codes, positions in `classes_`.
    classes_ : ndarray of shape (n_classes,)
        The original class labels. Classification only.
    pos_label_ : object
        The positive class. Only set for two classes.
    n_features_in_ : int
        Number of columns of X. Only set if X has columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names of X. Only set if X has column names.
    feature_importances_ : ndarray of shape (`n_features_in_`,)
        One value per column of X. Only available if the model has importances or
        coefficients, and if each encoded column is derived from one column of X.
    n_iter_, best_iteration_ : int or None
        Number of iterations run, and the best iteration; both are counted from 1.
    stop_reason_ : str
        "early_stopping", "callback", "max_iter", "converged", "single_fit" or "partial_fit".
    history_ : DataFrame
        Metrics per iteration: `iteration`, `set`, `metric`, `value`, `seconds`.
    evals_result_ : dict
        The same metrics as ``{"train": {metric: [...]}, "validation": {...}}``.
    cv_results_ : dict
        The keys of `GridSearchCV.cv_results_` for one candidate. Only set with `cv`. Scores
        such as F1 and RMSE, which are no means over rows, are computed on the test rows of
        all folds together if a fold has fewer than ten test rows or lacks a class.
    oof_predictions_ : DataFrame of shape (n_samples, n_columns)
        Out-of-fold predictions, one row per row of X. `prediction` is the label or number
        (`prediction_0`, ... for several outputs), `probability_<label>` the probability of a
        class, and `n_folds` the number of folds that predicted the row. A row that no fold
        predicted has missing values. A row that several folds predicted has the mean of
        their numbers or probabilities, and the most probable class. Only set with `cv`.
    scores_ : DataFrame
        One row per set (train, validation, test) and one column per metric.
    split_ : Split
        `train`, `validation`, `test`: row positions in the X passed to `fit`.
    report_ : TrainingReport
        Everything that was decided and measured during the fit.
    fingerprint_ : dict or None
        Hashes of the data passed to `fit`, one per column, which `verify` compares.
    run_path_ : pathlib.Path
        Folder of the recorded run. Only set with `trackers`.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sktrainer import ManagedTrainer
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> model = HistGradientBoostingClassifier(max_iter=500)
    >>> trainer = ManagedTrainer(model, test_size=0.2, random_state=0).fit(X, y)
    >>> trainer.stop_reason_
    'early_stopping'
    >>> bool(trainer.scores_.loc["test", "roc_auc"] > 0.9)
    True
    """

    # Set by `fit`; declared here for type checkers.
    pipeline_: Any
    model_: Any
    classes_: Array
    pos_label_: object
    n_features_in_: int
    feature_names_in_: Array
    n_iter_: int | None
    best_iteration_: int | None
    stop_reason_: str
    history_: pd.DataFrame
    evals_result_: dict[str, dict[str, list[float]]]
    cv_results_: dict[str, Any]
    oof_predictions_: pd.DataFrame
    scores_: pd.DataFrame
    split_: Split
    report_: TrainingReport
    fingerprint_: Fingerprint | None

    def __init__(
        self,
        estimator: Any,
        *,
        task: str = "auto",
        preprocessor: object = "auto",
        categorical_encoding: str = "auto",
        scaling: bool | str = "auto",
        handle_imbalance: object = None,
        correct_probabilities: bool = False,
        pos_label: object = "auto",
        split: object = "auto",
        time_column: str | int | None = None,
        gap: int | str | timedelta = 0,
        shuffle: bool = True,
        test_size: float | int | None = None,
        validation_size: float | int | str | None = "auto",
        cv: object = None,
        scoring: ScoringParam = None,
        early_stopping: bool | str = "auto",
        eval_metric: str | Scorer = "loss",
        n_iter_no_change: int | None = None,
        tol: float = 0.0,
        refit: bool = False,
        n_retries: int = 0,
        audit: bool | Mapping[str, Sequence[str]] = True,
        random_state: RandomState = None,
        n_jobs: int | None = None,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
        device: str = "auto",
        trackers: Sequence[object] = (),
        callbacks: Sequence[object] = (),
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.task = task
        self.preprocessor = preprocessor
        self.categorical_encoding = categorical_encoding
        self.scaling = scaling
        self.handle_imbalance = handle_imbalance
        self.correct_probabilities = correct_probabilities
        self.pos_label = pos_label
        self.split = split
        self.time_column = time_column
        self.gap = gap
        self.shuffle = shuffle
        self.test_size = test_size
        self.validation_size = validation_size
        self.cv = cv
        self.scoring = scoring
        self.early_stopping = early_stopping
        self.eval_metric = eval_metric
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.refit = refit
        self.n_retries = n_retries
        self.audit = audit
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        self.device = device
        self.trackers = trackers
        self.callbacks = callbacks
        self.verbose = verbose

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the trainer.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of the estimator as ``estimator__<name>``. For
            a torch Module or a Keras model, these are the parameters of the estimator that
            wraps it.

        Returns
        -------
        dict of str to object
        """
        params: dict[str, Any] = super().get_params(deep=deep)
        if deep and is_raw_network(self.estimator):
            inner = wrap_estimator(self.estimator).get_params()
            params |= {f"estimator__{name}": value for name, value in inner.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the trainer, and of its estimator as ``estimator__<name>``.

        Setting a nested parameter of a torch Module or a Keras model replaces `estimator` by
        the estimator that wraps the network.

        Parameters
        ----------
        **params
            Parameter names and values.

        Returns
        -------
        self
        """
        inner = params.get("estimator", self.estimator)
        if is_raw_network(inner) and any(name.startswith("estimator__") for name in params):
            params["estimator"] = wrap_estimator(inner)
        super().set_params(**params)
        return self

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: npt.ArrayLike | None = None,
        groups: npt.ArrayLike | Sequence[Any] | None = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: npt.ArrayLike | None = None,
        **unknown: Any,
    ) -> Self:
        """Train the model on X and y.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            The rows, of any type that the first step of a Pipeline accepts. A network also
            accepts arrays with more dimensions, or a dict with one array per input.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or str
            The target, or the name of its column in X. Rows passed to `predict` may still
            have that column.
        sample_weight : array-like of shape (n_samples,) or str, default=None
            Sample weights, or the name of their column in X, which is then not a feature. Rows
            with weight 0 are ignored.
        groups : array-like of shape (n_samples,) or str, default=None
            Group labels, or the name of their column in X, which is then not a feature. A split
            never separates rows of the same group.
        X_val, y_val : array-like, default=None
            Validation rows to use instead of rows split off from X.
        sample_weight_val : array-like, default=None
            Weights of the validation rows.
        **unknown
            Any other argument raises an error that names the supported one.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If parameters or data are invalid: before training, with all mistakes.
        FitError
            If every fold of the cross-validation failed.
        CheckpointError
            If the checkpoint folder holds another run, is in use, or cannot be written.
        TrainingInterrupted
            On Ctrl-C or SIGTERM, if a checkpoint is used. It is a KeyboardInterrupt.

        Warns
        -----
        DataWarning, LeakageWarning
            If data were reinterpreted, look like a mistake, or give the target away.
        DivergenceWarning
            If training diverged. The message suggests parameter changes, or names the safe
            value with which a classifier was fitted again because its validation loss is lower.

        Notes
        -----
        Rows are matched by position. A warning is issued if the index of y, `sample_weight`
        or `groups` has the labels of X's index in a different order.
        """
        from sktrainer.training.partial_fit.state import state_after_fit
        from sktrainer.training.run import train

        if unknown:
            names = self._get_param_names()
            raise ParameterError([unknown_argument_problem(name, names) for name in unknown])
        inputs = FitInputs(X, y, sample_weight, groups, X_val, y_val, sample_weight_val)
        with root_task(self) as task:
            state = train(self._params(), inputs, task)
            self._set_fitted_attributes(state)
            self._add_command(inputs)
            can_continue = supports_partial_fit(self)
            self._partial_fit_state = state_after_fit(state) if can_continue else None
            features, _ = pop_columns(X, y=y, sample_weight=sample_weight, groups=groups)
            self._remember_columns(features)
        self._finish_run(state.recorder, features)
        return self

    def _params(self) -> TrainerParams:
        from sktrainer.training.parameters import params_of

        return params_of(self)

    def _remember_columns(self, X: Any) -> None:
        if not is_input_dict(X):
            validate_data(self, X, reset=True, skip_check_array=True)
            return
        for name in ("n_features_in_", "feature_names_in_"):  # may be left from an earlier fit
            self.__dict__.pop(name, None)

    def _set_fitted_attributes(self, state: FitState | PartialFitResult) -> None:
        predictor, fit = state.result.predictor, state.result.fit
        self._predictor = predictor
        self.pipeline_ = predictor.pipeline
        self.model_ = predictor.model
        self.n_iter_ = fit.n_iter
        self.best_iteration_ = fit.best_iteration
        self.stop_reason_ = fit.stop_reason
        self.history_ = history_frame(fit.evaluations)
        self.evals_result_ = evals_result(fit.evaluations)
        self.scores_ = state.result.scores.table
        self.split_ = state.split
        self.report_ = state.report
        self.fingerprint_ = state.fingerprint
        positive = state.report.data.get("positive_class")
        labels = [] if predictor.classes is None else predictor.classes.tolist()
        for name, value in (
            ("classes_", predictor.classes),
            ("pos_label_", next((c for c in labels if str(c) == positive), None)),
            ("cv_results_", None if state.cv is None else state.cv.results),
            ("oof_predictions_", None if state.cv is None else state.cv.oof_predictions),
        ):
            if value is not None:
                setattr(self, name, value)
            elif name in self.__dict__:
                delattr(self, name)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Set the output container of the steps before the model, from the next `fit` on.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            None leaves the setting unchanged.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If `transform` has another value.
        """
        if transform not in (None, "default", "pandas", "polars"):
            raise InputError(
                f"transform must be 'default', 'pandas', 'polars' or None, got {transform!r}"
            )
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return "_predictor" in self.__dict__

    def _sk_visual_block_(self) -> Any:
        # scikit-learn's diagram in a notebook: show the fitted steps after `fit`.
        from sklearn.utils._repr_html.estimator import _VisualBlock

        inner = self._predictor.pipeline if self.__sklearn_is_fitted__() else self.estimator
        name = "pipeline_" if self.__sklearn_is_fitted__() else "estimator"
        label = f"{name}: {model_name(inner)}"
        return _VisualBlock("parallel", [inner], names=[label], name_details=[str(inner)])

    def __sklearn_tags__(self) -> Any:
        return trainer_tags(super().__sklearn_tags__(), self)

"""ManagedTrainer: the one scikit-learn face of all that the stages do."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_regressor
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from sktrainer.anatomy import dissect
from sktrainer.backends.modules import as_net, is_module
from sktrainer.exceptions import InputError
from sktrainer.results.fitted import FittedModel
from sktrainer.results.history import evals_result, history_frame
from sktrainer.running.caller_state import kept
from sktrainer.running.checkpoint import Checkpoint, apart
from sktrainer.running.cloning import clone_estimator
from sktrainer.running.metrics import resolve_scoring
from sktrainer.stages.checks import RawInput, rows_to_score, split_off_target
from sktrainer.stages.evaluating import score_rows
from sktrainer.storage import bundle
from sktrainer.tags import trainer_tags
from sktrainer.types import Array, Split

if TYPE_CHECKING:
    from sktrainer.results.report import TrainingReport
    from sktrainer.training import Trained

__all__ = ["ManagedTrainer"]


def _model_has(method: str) -> Callable[[Any], bool]:
    """Tell whether the model, fitted or not, has this method; its own error explains."""

    def check(trainer: ManagedTrainer) -> bool:
        fitted = getattr(trainer, "_fitted", None)
        model = dissect(trainer.estimator).model if fitted is None else fitted.model
        getattr(model, method)
        if method == "predict_proba" and _is_for_regression(trainer):
            # skorch's regressors have it too, as another name of `predict`.
            raise AttributeError(f"a regressor has no {method}")
        return True

    return check


def _is_for_regression(trainer: ManagedTrainer) -> bool:
    fitted = getattr(trainer, "_fitted", None)
    return is_regressor(trainer) if fitted is None else bool(fitted.task == "regression")


class ManagedTrainer(MetaEstimatorMixin, BaseEstimator):
    """Train any model with its split, encoding, imbalance, stopping and scores managed.

    It is an ordinary scikit-learn estimator: it clones, pickles, sits in pipelines and
    goes into `GridSearchCV`, where `estimator__max_depth` reaches the model. Whatever is
    fitted sees training rows only; the report says what was decided.

    Parameters
    ----------
    estimator : estimator
        A model of scikit-learn, XGBoost, LightGBM or CatBoost, or any other with their
        interface; or a scikit-learn or imblearn Pipeline that ends in one, whose steps
        are kept. It is cloned, never changed.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto": what the estimator is for, else what y looks like.
    preprocessor : "auto", None or transformer, default="auto"
        "auto": what this model needs for these columns, and nothing where it needs
        nothing, or where a step of the caller's own Pipeline transforms X.
    categorical_encoding : {"auto", "native", "onehot", "ordinal", "target"}, default="auto"
        For the automatic preprocessor. "auto": category codes or one-hot columns for
        columns of few levels, cross-fitted target encoding for the others.
    scaling : "auto" or bool, default="auto"
        "auto": where the model is sensitive to scale.
    handle_imbalance : None, str or sampler, default=None
        "auto" (warn and weight the classes where they are imbalanced), "class_weight",
        "smote", "oversample", "undersample", or an imblearn sampler; training rows only.
    correct_probabilities : bool, default=False
        Undo, in `predict_proba`, the shift of the class priors that resampling or
        weighting caused. `predict` stays the model's own decision.
    split : {"auto", "random", "stratified", "group", "time"} or splitter, default="auto"
        How test rows, validation rows and folds are drawn. "auto": by time where there is
        a `time_column`, by group where there are groups, else stratified or random.
    time_column : str, int or None, default=None
        The column that orders the rows for ``split="time"``; None: their own order.
    shuffle : bool, default=True
        For random and stratified splits.
    test_size : float, int or None, default=None
        Fraction or number of rows held out and scored in `fit`.
    validation_size : "auto", float, int or None, default="auto"
        Fraction (of all rows) or number of rows held out to stop on. "auto": 0.1 where
        the model stops early, else none.
    cv : int, splitter, iterable or None, default=None
        Folds that fill `cv_results_` before the final fit.
    scoring : str, list, dict, callable or None, default=None
        For `scores_` and `cv_results_`; `score` uses the first. None: accuracy,
        precision, recall, f1, roc_auc and log_loss, or r2, rmse and mae.
    early_stopping : bool or "auto", default="auto"
        True: any model that goes in iterations; False: none; "auto": boosting and
        networks, where more iterations overfit.
    eval_metric : str or callable, default="loss"
        What stopping watches on the validation rows: the model's own loss or a scorer.
    n_iter_no_change : int, default=50
        Iterations without improvement after which the fit stops.
    tol : float, default=0.0
        Improvement that does not count as one.
    refit : bool, default=False
        After stopping, fit once more on training and validation rows together for
        `best_iteration_` rounds; with `cv`, on all rows but the test rows, for the median
        of the rounds that the folds found.
    random_state : int, RandomState, Generator or None, default=None
        One seed, from which each consumer's own is derived. Seeds that the estimator
        was given are left as they are.
    n_jobs : int or None, default=None
        Folds fitted at once; the threads of the models inside are set so that both
        together fill the cores and no more.
    checkpoint : path-like, Checkpoint or None, default=None
        A folder, or ``Checkpoint(folder, every=50)``. A fit that was killed goes on from
        there when it is called again with the same data and parameters, to the same bits;
        a finished one is loaded. Clones use sub-folders of their own.
    verbose : int, default=0
        0 silent, 1 the stages, progress bars and scores, 2 every iteration.

    Attributes
    ----------
    pipeline_ : imblearn.pipeline.Pipeline
        The fitted steps and model; scores rows by itself. XGBoost knows no labels: with it,
        `pipeline_.predict` gives 0 to n_classes - 1, and `predict` here the labels.
    model_ : estimator
        The fitted model as its own library made it.
    classes_ : ndarray of shape (n_classes,)
        The caller's labels; classification only.
    n_features_in_ : int
        Where X has columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where X has columns with names.
    n_iter_, best_iteration_ : int or None
        Iterations run, and the best of them, both counted from 1.
    stop_reason_ : {"early_stopping", "max_iter", "converged", "single_fit"}
    history_ : DataFrame
        `iteration`, `set`, `metric`, `value`, `seconds`.
    evals_result_ : dict
        The same as ``{"train": {metric: [...]}, "validation": {...}}``.
    cv_results_ : dict
        The keys of `GridSearchCV.cv_results_` for one candidate; with `cv` only.
    scores_ : DataFrame
        A row a part, a column a metric.
    split_ : Split
        `train`, `validation`, `test`: row positions into the X that was passed.
    report_ : TrainingReport

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

    # Set by `fit`; declared for readers and type checkers.
    _fitted: FittedModel
    pipeline_: Any
    model_: Any
    classes_: Array
    n_features_in_: int
    feature_names_in_: Array
    n_iter_: int | None
    best_iteration_: int | None
    stop_reason_: str
    history_: pd.DataFrame
    evals_result_: dict[str, dict[str, list[float]]]
    cv_results_: dict[str, Any]
    scores_: pd.DataFrame
    split_: Split
    report_: TrainingReport

    def __init__(
        self,
        estimator: Any,
        *,
        task: str = "auto",
        preprocessor: Any = "auto",
        categorical_encoding: str = "auto",
        scaling: bool | str = "auto",
        handle_imbalance: Any = None,
        correct_probabilities: bool = False,
        split: Any = "auto",
        time_column: str | int | None = None,
        shuffle: bool = True,
        test_size: float | int | None = None,
        validation_size: float | int | str | None = "auto",
        cv: Any = None,
        scoring: Any = None,
        early_stopping: bool | str = "auto",
        eval_metric: Any = "loss",
        n_iter_no_change: int = 50,
        tol: float = 0.0,
        refit: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.task = task
        self.preprocessor = preprocessor
        self.categorical_encoding = categorical_encoding
        self.scaling = scaling
        self.handle_imbalance = handle_imbalance
        self.correct_probabilities = correct_probabilities
        self.split = split
        self.time_column = time_column
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
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        self.verbose = verbose

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the trainer.

        Parameters
        ----------
        deep : bool, default=True
            Also those of the estimator, as ``estimator__<name>``; of a torch Module, those
            of the net that trains it.

        Returns
        -------
        dict of str to object
        """
        params: dict[str, Any] = super().get_params(deep=deep)
        if deep and is_module(self.estimator):
            inner = as_net(self.estimator).get_params()
            params |= {f"estimator__{name}": value for name, value in inner.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the trainer, and of its estimator as ``estimator__<name>``.

        A torch Module gives way to the net that trains it when one of the net's, or of the
        Module's constructor, is set.

        Returns
        -------
        self
        """
        inner = params.get("estimator", self.estimator)
        if is_module(inner) and any(name.startswith("estimator__") for name in params):
            params["estimator"] = as_net(inner)
        super().set_params(**params)
        return self

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Check, split, encode, fit, stop and score.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Or whatever the first step of the estimator's Pipeline takes.
        y : array-like of shape (n_samples,) or str
            The target, or its column in X.
        sample_weight : array-like of shape (n_samples,), default=None
            Rows of weight 0 count as absent.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group stay together.
        X_val, y_val : array-like, default=None
            Validation rows in place of an internal split.
        sample_weight_val : array-like, default=None

        Returns
        -------
        self

        Raises
        ------
        InputError
            Before anything is fitted, with every mistake in parameters and data.
        FitError
            Where every fold of the cross-validation failed.
        CheckpointError
            Where the checkpoint folder holds another run, is in use, or is full.
        TrainingInterrupted
            A KeyboardInterrupt, at Ctrl-C or SIGTERM, where there is a checkpoint.
        """
        from sktrainer.training import train  # a trainer that only predicts needs none of it

        raw = RawInput(
            X,
            y,
            sample_weight=sample_weight,
            groups=groups,
            X_val=X_val,
            y_val=y_val,
            sample_weight_val=sample_weight_val,
            multi_output=self.__sklearn_tags__().target_tags.multi_output,
        )
        parameters = self.get_params(deep=False)
        estimator = parameters.pop("estimator")
        if getattr(self, "_is_clone", False):
            parameters["checkpoint"] = apart(parameters["checkpoint"])
        output = getattr(self, "_sklearn_output_config", {}).get("transform")
        with kept():
            trained = train(parameters, estimator, raw, output)
        self._remember(trained)
        table, _ = split_off_target(X, y)
        validate_data(self, table, reset=True, skip_check_array=True)
        return self

    def _remember(self, trained: Trained) -> None:
        run = trained.run
        self._fitted = run.fitted
        self.pipeline_ = run.fitted.pipeline
        self.model_ = run.fitted.model
        self.n_iter_ = run.fit.n_iter
        self.best_iteration_ = run.fit.best_iteration
        self.stop_reason_ = run.fit.stop_reason
        self.history_ = history_frame(run.fit.evaluations)
        self.evals_result_ = evals_result(run.fit.evaluations)
        self.scores_ = run.scores.table
        self.split_ = trained.split
        self.report_ = trained.report
        for name, value in (
            ("classes_", trained.data.classes),
            ("cv_results_", None if trained.cv is None else trained.cv.results),
        ):
            if value is not None:
                setattr(self, name, value)
            elif name in self.__dict__:
                delattr(self, name)

    def predict(self, X: Any) -> Array:
        """Predict labels or numbers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        check_is_fitted(self)
        return self._fitted.predict(X)

    @available_if(_model_has("predict_proba"))
    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            A column for each of `classes_`, also for one that the training rows lacked.
        """
        check_is_fitted(self)
        return self._fitted.predict_proba(X)

    @available_if(_model_has("predict_proba"))
    def predict_log_proba(self, X: Any) -> Array:
        """Predict the natural logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(_model_has("decision_function"))
    def decision_function(self, X: Any) -> Array:
        """Return the model's decision values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self._fitted.decision_function(X)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Score rows with the first scorer of `scoring`: by default accuracy or R2.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or str
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        check_is_fitted(self)
        fitted = self._fitted
        rows = rows_to_score(X, y, fitted.task, fitted.classes, sample_weight)
        n_classes = 0 if fitted.classes is None else len(fitted.classes)
        scoring = resolve_scoring(self.scoring, fitted.task, n_classes).first()
        return next(iter(score_rows(fitted, rows, scoring).values()))

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose the container that the steps before the model give, from the next fit on.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            None changes nothing.

        Returns
        -------
        self
        """
        if transform not in (None, "default", "pandas", "polars"):
            raise InputError(
                f"transform must be 'default', 'pandas', 'polars' or None, got {transform!r}"
            )
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the fitted trainer to a file, whole or not at all.

        Parameters
        ----------
        path : path-like
            Ends in ``.joblib`` or ``.pkl``.

        Returns
        -------
        Path
        """
        check_is_fitted(self)
        return bundle.write(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, trusted: bool = False) -> ManagedTrainer:
        """Read a trainer that `save` wrote.

        Parameters
        ----------
        path : path-like
        trusted : bool, default=False
            ``.joblib`` and ``.pkl`` files run code as they are read: say True for your own.

        Returns
        -------
        ManagedTrainer

        Raises
        ------
        UntrustedFileError
            Where `trusted` is not True.
        InputError
            Where there is no such file, or another thing is in it.
        """
        trainer = bundle.read(path, trusted=trusted)
        if not isinstance(trainer, cls):
            raise InputError(
                f"{str(path)!r} holds a {type(trainer).__name__}, expected a {cls.__name__}"
            )
        return trainer

    def __sklearn_is_fitted__(self) -> bool:
        return "_fitted" in self.__dict__

    def __sklearn_clone__(self) -> ManagedTrainer:
        # scikit-learn's own way refuses a CatBoost model inside; see `clone_estimator`.
        parameters = self.get_params(deep=False)
        copy = type(self)(**{k: clone_estimator(v) for k, v in parameters.items()})
        for private in ("_metadata_request", "_sklearn_output_config"):
            if hasattr(self, private):
                setattr(copy, private, clone_estimator(getattr(self, private)))
        if self.checkpoint is not None:
            copy._is_clone = True  # its fits must not meet those of the others
        return copy

    def _sk_visual_block_(self) -> Any:
        # What scikit-learn draws in a notebook: the fitted steps once there are some.
        from sklearn.utils._repr_html.estimator import _VisualBlock

        inner = self._fitted.pipeline if self.__sklearn_is_fitted__() else self.estimator
        name = "pipeline_" if self.__sklearn_is_fitted__() else "estimator"
        label = f"{name}: {type(inner).__name__}"
        return _VisualBlock("parallel", [inner], names=[label], name_details=[str(inner)])

    def __sklearn_tags__(self) -> Any:
        return trainer_tags(super().__sklearn_tags__(), self)

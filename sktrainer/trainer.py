"""ManagedTrainer: the one scikit-learn face of all that the stages do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_n_features, validate_data

from sktrainer.anatomy import dissect
from sktrainer.answering import Answers
from sktrainer.backends._keras_pickle import packed, unpacked
from sktrainer.backends.adoption import as_net, copied, is_bare
from sktrainer.backends.modules import model_name
from sktrainer.backends.registry import find_backend
from sktrainer.exceptions import InputError
from sktrainer.keeping import Keeping
from sktrainer.results.history import evals_result, history_frame
from sktrainer.rows import is_inputs
from sktrainer.running.caller_state import kept
from sktrainer.running.checkpoint import Checkpoint, apart
from sktrainer.running.cloning import clone_estimator
from sktrainer.stages.checks import RawInput, split_off_target
from sktrainer.tags import takes_several_targets, trainer_tags
from sktrainer.types import Array, Split

if TYPE_CHECKING:
    from sktrainer.incremental import Learned, Stream
    from sktrainer.results.report import TrainingReport
    from sktrainer.storage.fingerprint import Fingerprint
    from sktrainer.training import Trained

__all__ = ["ManagedTrainer"]


def _learns_chunks(trainer: ManagedTrainer) -> bool:
    """Tell whether the model and its backend have `partial_fit`."""
    fitted = getattr(trainer, "_fitted", None)
    model = dissect(trainer.estimator).model if fitted is None else fitted.model
    return hasattr(model, "partial_fit") and hasattr(find_backend(model), "partial_fit")


class ManagedTrainer(Answers, Keeping, MetaEstimatorMixin, BaseEstimator):
    """Train any model with its split, encoding, imbalance, stopping and scores managed.

    It is an ordinary scikit-learn estimator: it clones, pickles, sits in pipelines and
    goes into `GridSearchCV`, where `estimator__max_depth` reaches the model. Whatever is
    fitted sees training rows only; the report says what was decided.

    Parameters
    ----------
    estimator : estimator
        A model of scikit-learn, XGBoost, LightGBM or CatBoost, or any other with their
        interface; a skorch net or a torch Module (its class or an instance); a scikeras or
        keras.wrappers estimator, a Keras model or a function that builds one; or a
        scikit-learn or imblearn Pipeline that ends in one of them, whose steps are kept.
        It is cloned, never changed.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto": what the estimator is for, else what y looks like. Of whole numbers up to
        20 are labels, and more are amounts; more without a gap are refused, as they may be
        either.
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
    n_retries : int, default=0
        Fit again with other seeds after a fit that raised, diverged, or came out no better
        on validation rows than class frequencies or the mean; validation rows alone choose.
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
    device : {"auto", "cpu", "cuda", "cuda:1", ..., "mps"}, default="auto"
        Where the model trains. "auto": as the model's own parameters say; else a GPU that
        its library sees, where a fit on it gives the same bits each time (XGBoost, networks),
        and the CPU otherwise. The number is one of any GPU.
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
    stop_reason_ : {"early_stopping", "max_iter", "converged", "single_fit", "partial_fit"}
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
    fingerprint_ : dict or None
        Of what `fit` was given, each column by itself, as text: what `verify` compares with.

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
    _stream: Stream | None = None
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
    fingerprint_: Fingerprint | None

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
        n_retries: int = 0,
        random_state: Any = None,
        n_jobs: int | None = None,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
        device: str = "auto",
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
        self.n_retries = n_retries
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        self.device = device
        self.verbose = verbose

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the trainer.

        Parameters
        ----------
        deep : bool, default=True
            Also those of the estimator, as ``estimator__<name>``; of a torch Module
            or a Keras model, those of the estimator that trains it.

        Returns
        -------
        dict of str to object
        """
        params: dict[str, Any] = super().get_params(deep=deep)
        if deep and is_bare(self.estimator):
            inner = as_net(self.estimator).get_params()
            params |= {f"estimator__{name}": value for name, value in inner.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the trainer, and of its estimator as ``estimator__<name>``.

        A torch Module or a Keras model gives way to the estimator that trains it when one of
        that one's, or of the network's constructor, is set.

        Returns
        -------
        self
        """
        inner = params.get("estimator", self.estimator)
        if is_bare(inner) and any(name.startswith("estimator__") for name in params):
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
            Or whatever the first step of the estimator's Pipeline takes. For a network
            also an array of more dimensions, or a dict of arrays, one for each input.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or str
            The target, or its column in X, which rows to predict may then still have.
        sample_weight : array-like of shape (n_samples,), default=None
            Rows of weight 0 count as absent.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group stay together.
        X_val, y_val : array-like, default=None
            Validation rows in place of an internal split.
        sample_weight_val : array-like, default=None
            Weights of the validation rows.

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

        Warns
        -----
        DataWarning
            Something in the data was handled in a way to know of, or looks like a mistake.
        DivergenceWarning
            A fit ran away; what to set is said.

        Notes
        -----
        Rows go by position. A y, weights or groups whose index has X's labels in another
        order are warned of.
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
            multi_output=takes_several_targets(self),
        )
        parameters = self.get_params(deep=False)
        estimator = parameters.pop("estimator")
        if getattr(self, "_is_clone", False):
            parameters["checkpoint"] = apart(parameters["checkpoint"])
        output = getattr(self, "_sklearn_output_config", {}).get("transform")
        with kept():
            trained = train(parameters, estimator, raw, output)
        self._remember(trained)
        self._stream = None
        if _learns_chunks(self):
            from sktrainer.incremental import stream_after

            self._stream = stream_after(trained)
        self._remember_columns(split_off_target(X, y)[0])
        return self

    @available_if(_learns_chunks)
    def partial_fit(
        self, X: Any, y: Any = None, *, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train one step further, on a chunk of rows.

        One step is one epoch over the chunk, by the library's own way: one call of a
        scikit-learn model's `partial_fit`, one epoch of a network. The first chunk is the
        one that the steps before the model are fitted on; they are frozen then, and each
        later chunk is checked against it and encoded by them. After `fit` the steps are
        those of the fit, and the model goes on from where it was left.

        Nothing is held out, scored or stopped: `split`, `test_size`, `validation_size`,
        `cv`, `early_stopping` and `refit` are of `fit` alone. Afterwards `n_iter_` counts
        the chunks, on top of the iterations of a `fit` before; `stop_reason_` is
        "partial_fit"; `history_` has the training loss of each chunk, where the library
        tells it; `scores_` is empty, `split_` tells the rows of this chunk that were
        trained on, and `report_` the rows and classes of all chunks. `fit` starts afresh.

        A chunk that is refused, or fails, leaves the trainer as it was: a copy of the
        model is trained, which a large network should have memory for. Parameters that
        are set between two chunks count from the next `fit` on.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            The columns of the first chunk, in their order, each holding what it held.
        y : array-like of shape (n_samples,) or str
            The target, or its column in X.
        classes : array-like of shape (n_classes,), default=None
            All classes that will come; needed at the first chunk, where its y lacks some.
        sample_weight : array-like of shape (n_samples,), default=None
            Rows of weight 0 count as absent.

        Returns
        -------
        self

        Raises
        ------
        InputError
            Before anything is trained, with every mistake in parameters and data.

        Examples
        --------
        >>> from sklearn.linear_model import SGDClassifier
        >>> from sktrainer import ManagedTrainer
        >>> from sktrainer.datasets import load_hypothyroid
        >>> X, y = load_hypothyroid(return_X_y=True)
        >>> trainer = ManagedTrainer(SGDClassifier(), random_state=0)
        >>> for chunk in range(4):
        ...     trainer = trainer.partial_fit(X[chunk::4], y[chunk::4])
        >>> trainer.n_iter_
        4
        >>> trainer.score(X, y) > 0.9
        True
        """
        from sktrainer.incremental import Before, Chunk, learn_chunk

        before = None
        if self.__sklearn_is_fitted__():
            stream = self._checked_stream(split_off_target(X, y)[0])
            before = Before(self._fitted, stream, self.report_)
        chunk = Chunk(X, y, classes, sample_weight, takes_several_targets(self))
        parameters = self.get_params(deep=False)
        estimator = parameters.pop("estimator")
        output = getattr(self, "_sklearn_output_config", {}).get("transform")
        with kept():
            learned = learn_chunk(parameters, estimator, chunk, before, output)
        self._remember(learned)
        self._stream = learned.stream
        if before is None:
            self._remember_columns(split_off_target(X, y)[0])
        return self

    def _checked_stream(self, X: Any) -> Stream:
        """Return what chunks go on from, where X has the columns of the rows before."""
        if self._stream is None:
            raise InputError(
                "this trainer was fitted without what chunks go on from; call fit, or "
                "partial_fit on a clone"
            )
        if hasattr(X, "columns"):
            validate_data(self, X, reset=False, skip_check_array=True)
        elif not is_inputs(X):  # of names that are missing the steps will warn
            _check_n_features(self, X, reset=False)
        return self._stream

    def _remember_columns(self, X: Any) -> None:
        if not is_inputs(X):
            validate_data(self, X, reset=True, skip_check_array=True)
            return
        for name in ("n_features_in_", "feature_names_in_"):  # of an earlier fit
            self.__dict__.pop(name, None)

    def _remember(self, trained: Trained | Learned) -> None:
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
        self.fingerprint_ = trained.fingerprint
        for name, value in (
            ("classes_", run.fitted.classes),
            ("cv_results_", None if trained.cv is None else trained.cv.results),
        ):
            if value is not None:
                setattr(self, name, value)
            elif name in self.__dict__:
                delattr(self, name)

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

    def __sklearn_is_fitted__(self) -> bool:
        return "_fitted" in self.__dict__

    def __getstate__(self) -> dict[str, Any]:
        # A Keras model as plain values: its own pickle warns, draws and bears the time.
        return packed(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unpacked(state))

    def __sklearn_clone__(self) -> ManagedTrainer:
        # scikit-learn's own way refuses a CatBoost model inside; see `clone_estimator`.
        parameters = self.get_params(deep=False)
        estimator = copied(parameters.pop("estimator"))
        rest = {name: clone_estimator(value) for name, value in parameters.items()}
        copy = type(self)(estimator, **rest)
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
        label = f"{name}: {model_name(inner)}"
        return _VisualBlock("parallel", [inner], names=[label], name_details=[str(inner)])

    def __sklearn_tags__(self) -> Any:
        return trainer_tags(super().__sklearn_tags__(), self)

"""The auto preprocessor: one transformer from a table to what a model needs."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    _check_feature_names,
    _check_feature_names_in,
    _check_n_features,
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from sktrainer.encoding.table.categories import ordinal_encoder
from sktrainer.encoding.table.cells import column_names, is_frame
from sktrainer.encoding.table.columns import duplicate_message
from sktrainer.encoding.table.learners import learner_of
from sktrainer.encoding.table.settings import Settings
from sktrainer.encoding.table.sources import Sources
from sktrainer.encoding.table.table_plan import TablePlan
from sktrainer.encoding.table.treatments import ENCODINGS, Encoding
from sktrainer.exceptions import InputError
from sktrainer.types import Array, Task


class TableEncoder(TransformerMixin, BaseEstimator):
    """Turn a table into the numbers that a model needs, and leave alone what needs nothing.

    Each column is recognised once, on the rows that `fit` sees: numbers, booleans,
    datetimes, durations, categories, text that is numbers or dates, and columns that are
    constant or empty, which are dropped. `decisions_` says what was found and done.

    Parameters
    ----------
    encoding : {"native", "native+target", "onehot", "onehot+target", "ordinal", "target"}, \
default="onehot+target"
        How category columns are encoded. "native": integer codes, to be told to the
        model by `categorical_features_`. With "+target": so for columns of at most
        `max_levels` levels, and cross-fitted target encoding for the others. "onehot"
        alone makes at most 100 columns of one, the rarest levels sharing the last.
    max_levels : int, default=30
        The border between few and many levels.
    category_codes : {"float", "frame"}, default="float"
        For native codes. "float": one float array, missing and unseen levels are NaN.
        "frame": a pandas DataFrame of floats with int32 code columns, there -1.
    impute : bool, default=True
        Fill missing numbers with the median, and mark them in a column of their own
        where training rows had any. False: they stay NaN.
    scale : bool, default=True
        Standardise quantities; one-hot columns, booleans and native codes stay.
    task : {"classification", "regression"}, default="classification"
        What target encoding takes y for.
    random_state : int, RandomState instance or None, default=None
        Which rows make a fold of the cross-fitting.

    Attributes
    ----------
    categorical_features_ : tuple of int
        Output columns that hold category codes.
    decisions_ : tuple of ColumnDecision
        One an input column.
    passthrough_ : bool
        Whether `transform` returns X itself (unless cells are missing that must not be).
    cross_fitted_ : bool
        Whether `fit_transform` gives training rows other values than `transform` does.
    ordinal_encoder_, onehot_encoder_, target_encoder_, imputer_, scaler_ : estimator or None
        scikit-learn's own, holding what was learned: levels, infrequent levels, target
        means, medians, means and deviations. The last three see codes and output columns.
    sources_ : Sources
        The input column of each output column: `values`, then `marks` of missing cells.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, shape (n_features_in_,)

    Notes
    -----
    A level that training rows did not have is treated as a missing cell. In one-hot,
    ordinal and target encoding missing is a level of its own where training rows had it.
    Output is float32, or float64 where float32 cannot tell a column's values apart; a
    NumPy array of floats keeps its dtype.

    The default of 30 levels and the choice of encodings follow a comparison on ten
    tables; cross-fitting is that of `sklearn.preprocessing.TargetEncoder`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktrainer.encoding.table_encoder import TableEncoder
    >>> X = pd.DataFrame({"sex": ["M", "F", None, "M"], "age": [31, 45, 27, 60]})
    >>> encoder = TableEncoder(scale=False).fit(X)
    >>> encoder.get_feature_names_out().tolist()
    ['sex_F', 'sex_M', 'sex_missing', 'age']
    >>> encoder.transform(X).tolist()[0]
    [0.0, 1.0, 0.0, 31.0]
    >>> encoder.decisions_[0].treatment
    'one-hot'
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "encoding": [StrOptions(set(ENCODINGS))],
        "max_levels": [Interval(Integral, 1, None, closed="left")],
        "category_codes": [StrOptions({"float", "frame"})],
        "impute": ["boolean"],
        "scale": ["boolean"],
        "task": [StrOptions({"classification", "regression"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        encoding: Encoding = "onehot+target",
        max_levels: int = 30,
        category_codes: Literal["float", "frame"] = "float",
        impute: bool = True,
        scale: bool = True,
        task: Task = "classification",
        random_state: Any = None,
    ) -> None:
        self.encoding = encoding
        self.max_levels = max_levels
        self.category_codes = category_codes
        self.impute = impute
        self.scale = scale
        self.task = task
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> TableEncoder:
        """Recognise the columns and learn their encoding.

        Parameters
        ----------
        X : DataFrame, ndarray or sparse matrix of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), default=None
            Only used, and then required, where a column is target encoded.
        sample_weight : array-like of shape (n_samples,), default=None
            By which quantities are standardised.

        Returns
        -------
        TableEncoder

        Raises
        ------
        InputError
            Cells are infinite, or hold lists, dicts or arrays.
        """
        self._learn(X, y, sample_weight)
        return self

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Fit, and return the training rows encoded; target encoding is cross-fitted.

        Parameters
        ----------
        X : DataFrame, ndarray or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        ndarray, sparse matrix or DataFrame of shape (n_samples, n_features_out)
        """
        return self._learn(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def _learn(self, X: Any, y: Any, sample_weight: Any) -> Any:
        X = self._accept(X, reset=True)
        names = self._input_names(X)
        check_consistent_length(X, y)
        settings = self._settings()
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            settings = replace(settings, weight=weight)
        learned = learner_of(X, settings)(X, names, y, settings)
        self._names = tuple(names)
        self._plan = learned.plan
        self.decisions_ = learned.decisions
        self.passthrough_: bool = learned.out is X
        self.cross_fitted_: bool = learned.encoders.target is not None
        self.categorical_features_: tuple[int, ...] = learned.plan.codes
        self.onehot_encoder_: Any = learned.encoders.onehot
        self.target_encoder_: Any = learned.encoders.target
        self.imputer_: Any = learned.plan.finish.imputer
        self.scaler_: Any = learned.plan.finish.scaler
        return self._delivered(learned.out, X)

    @property
    def sources_(self) -> Sources:
        """The input column that each output column comes from."""
        return self._plan.sources

    @property
    def ordinal_encoder_(self) -> Any:
        # Made when it is asked for: a second copy of all levels would lie in every file.
        plans = getattr(self._plan, "plans", ())
        columns = [plan.levels for plan in plans if hasattr(plan, "levels")]
        return ordinal_encoder(columns) if columns else None

    def transform(self, X: Any) -> Any:
        """Encode rows by what was learned.

        Parameters
        ----------
        X : DataFrame, ndarray or sparse matrix of shape (n_samples, n_features)
            The columns that `fit` saw.

        Returns
        -------
        ndarray, sparse matrix or DataFrame of shape (n_samples, n_features_out)

        Raises
        ------
        ValueError
            X has other columns than in training, or infinite cells.

        Warns
        -----
        DataWarning
            Texts among what were numbers or dates in training; they count as missing.
        """
        check_is_fitted(self)
        X = self._accept(X, reset=False)
        return self._delivered(self._plan.transform(X, self._names), X)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Must be the names that `fit` saw; only checked.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return np.asarray(self._plan.names, dtype=object)

    def _settings(self) -> Settings:
        return Settings(
            encoding=self.encoding,
            max_levels=self.max_levels,
            impute=self.impute,
            scale=self.scale,
            task=self.task,
            seed=self.random_state,
            frame=self.category_codes == "frame" and self.encoding.startswith("native"),
        )

    def _accept(self, X: Any, *, reset: bool) -> Any:
        """Check X as scikit-learn does, and return it or the array that it stands for."""
        if not reset and isinstance(X, pd.DataFrame) and self._has_columns_of(X):
            _require_cells(X)
            return X
        if sparse.issparse(X) or not is_frame(X):
            kinds = {"dtype": None, "accept_sparse": ("csr", "csc"), "ensure_all_finite": False}
            return validate_data(self, X, reset=reset, **kinds)
        names = column_names(X)
        if len(set(names)) < len(names):
            raise InputError(duplicate_message(names))
        _check_feature_names(self, X, reset=reset)
        _require_cells(X)
        _check_n_features(self, X, reset=reset)
        return X

    def _has_columns_of(self, X: pd.DataFrame) -> bool:
        """Whether names are those of training: a quick way past scikit-learn's check."""
        return hasattr(self, "feature_names_in_") and tuple(X.columns) == self._names

    def _input_names(self, X: Any) -> list[str]:
        if not sparse.issparse(X) and is_frame(X):
            return [str(name) for name in column_names(X)]
        return [f"x{position}" for position in range(X.shape[1])]

    def _delivered(self, out: Any, X: Any) -> Any:
        if not (isinstance(self._plan, TablePlan) and self._plan.frame):
            return out
        index = X.index if isinstance(X, pd.DataFrame) else None
        return self._plan.as_frame(out, index)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.target_tags.required = False
        tags.target_tags.single_output = True
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _require_cells(X: Any) -> None:
    for axis, unit in ((0, "sample(s)"), (1, "feature(s)")):
        if X.shape[axis] == 0:
            raise InputError(
                f"Found array with 0 {unit} (shape={tuple(X.shape)}) while a minimum of 1 "
                "is required by TableEncoder."
            )

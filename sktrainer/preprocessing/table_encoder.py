"""Automatic preprocessor: one transformer from a table to what a model needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
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

from sktrainer.data.column_checks import duplicate_message
from sktrainer.data.columns import column_names, is_float_frame, is_frame
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.base import ColumnSources, EncoderOptions, FittedTable
from sktrainer.preprocessing.categories import ordinal_encoder
from sktrainer.preprocessing.fit_matrix import fit_matrix
from sktrainer.preprocessing.fit_sparse import fit_sparse
from sktrainer.preprocessing.fit_table import fit_table
from sktrainer.preprocessing.table_transform import TableTransform
from sktrainer.preprocessing.target_encoding import count_targets
from sktrainer.preprocessing.treatments import ENCODINGS, Encoding
from sktrainer.types import Array, Task


class TableEncoder(TransformerMixin, BaseEstimator):
    """Transformer that encodes each column of a table according to its content.

    `fit` detects the kind of each column: numbers, booleans, datetimes, durations,
    categories, and strings that contain numbers or dates. It drops constant and empty
    columns. `decisions_` reports the kind and the treatment of each column.

    Parameters
    ----------
    encoding : {"native", "native+target", "onehot", "onehot+target", "ordinal", "target"}, \
default="onehot+target"
        Encoding of category columns. "native" produces integer codes in the columns
        `categorical_features_`, for models with native support for categories. "+target"
        uses cross-fitted target encoding for columns with more than `max_levels` levels,
        unless y has several columns.
        "onehot" creates at most 100 columns per input column and groups the rarest levels.
    max_levels : int, default=30
        Largest number of levels of a column that is not target encoded by "+target".
    category_codes : {"float", "frame"}, default="float"
        Output type for native codes. "float": a float array with NaN for missing and
        unknown levels. "frame": a pandas DataFrame with int32 codes, -1 for these levels.
    impute : bool, default=True
        Whether to replace missing numbers by the median and to add a missing-value
        indicator for each column with missing training values. If False, they stay NaN.
    scale : bool, default=True
        Whether to standardize quantities. One-hot columns, booleans and native codes are
        never scaled.
    missing_values : float, default=nan
        Number that means missing, besides NaN. Booleans and categories are not affected.
    float64 : bool, default=False
        Whether the output is always float64, for models that compute in the dtype of X.
    task : {"classification", "regression"}, default="classification"
        Task for which target encoding uses y.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds used for cross-fitting.
    class_names : sequence of str or None, default=None
        Names of the classes if y holds their codes. They name the columns of the target
        encoding, which has one per class if there are more than two.

    Attributes
    ----------
    categorical_features_ : tuple of int
        Positions of the output columns that contain category codes.
    decisions_ : tuple of ColumnDecision
        One decision per input column.
    passthrough_ : bool
        Whether `transform` returns X itself, unless missing values must be imputed.
    cross_fitted_ : bool
        Whether `fit_transform` and `transform` encode training rows differently.
    ordinal_encoder_, onehot_encoder_, target_encoder_, imputer_, scaler_ : estimator or None
        scikit-learn estimators with the learned values. The one-hot and target encoders
        are fitted on level codes, the imputer and the scaler on output columns.
    sources_ : ColumnSources
        Input column of each output column: `values`, then `missing_indicators`.
    n_features_in_ : int
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Only if all column names are strings.

    Notes
    -----
    A level that did not occur in the training rows is treated as missing. One-hot, ordinal
    and target encoding treat missing values as a separate level if the training rows
    contain any. The output is float32, or float64 if float32 would merge distinct values
    of a column, or if `float64` is True. Otherwise a NumPy array of floats keeps its dtype.

    The default encoding and `max_levels=30` were chosen by a comparison on ten tables.
    Cross-fitting is implemented by `sklearn.preprocessing.TargetEncoder`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktrainer.preprocessing.table_encoder import TableEncoder
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
        "missing_values": [Real],
        "float64": ["boolean"],
        "task": [StrOptions({"classification", "regression"})],
        "random_state": ["random_state"],
        "class_names": ["array-like", None],
    }

    def __init__(
        self,
        *,
        encoding: Encoding = "onehot+target",
        max_levels: int = 30,
        category_codes: Literal["float", "frame"] = "float",
        impute: bool = True,
        scale: bool = True,
        missing_values: float = math.nan,
        float64: bool = False,
        task: Task = "classification",
        random_state: int | np.random.RandomState | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.encoding = encoding
        self.max_levels = max_levels
        self.category_codes = category_codes
        self.impute = impute
        self.scale = scale
        self.missing_values = missing_values
        self.float64 = float64
        self.task = task
        self.random_state = random_state
        self.class_names = class_names

    def fit(
        self, X: Any, y: Any = None, sample_weight: npt.ArrayLike | None = None
    ) -> TableEncoder:
        """Detect the kind of each column and learn its encoding.

        Parameters
        ----------
        X : DataFrame, ndarray or sparse matrix of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), default=None
            Target values. Required if a column is target encoded, ignored otherwise.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for the means and deviations of the scaler.

        Returns
        -------
        TableEncoder
            The fitted encoder.

        Raises
        ------
        InputError
            X contains infinite values, lists, dicts or arrays, or y is missing.
        """
        self._learn(X, y, sample_weight)
        return self

    def fit_transform(
        self, X: Any, y: Any = None, sample_weight: npt.ArrayLike | None = None
    ) -> Any:
        """Fit and return the encoded training rows, with cross-fitted target encoding.

        The parameters are those of `fit`.

        Returns
        -------
        ndarray, sparse matrix or DataFrame of shape (n_samples, n_features_out)
        """
        return self._learn(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def _learn(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None) -> Any:
        X = self._validate(X, reset=True)
        names = [f"x{position}" for position in range(X.shape[1])]
        if not sparse.issparse(X) and is_frame(X):
            names = [str(name) for name in column_names(X)]
        check_consistent_length(X, y)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        encoding: str = self.encoding
        if count_targets(y) > 1:
            encoding = encoding.removesuffix("+target")
        options = EncoderOptions(
            encoding=encoding,
            max_levels=self.max_levels,
            class_names=None if self.class_names is None else tuple(self.class_names),
            impute=self.impute,
            scale=self.scale,
            task=self.task,
            seed=self.random_state,
            frame=self.category_codes == "frame" and self.encoding.startswith("native"),
            weight=weight,
            missing_values=self.missing_values,
            float64=self.float64,
        )
        fitted = _choose_fit_function(X, options)(X, names, y, options)
        self._names = tuple(names)
        self._plan = fitted.plan
        self.decisions_ = fitted.decisions
        self.passthrough_: bool = fitted.out is X
        self.cross_fitted_: bool = fitted.encoders.target is not None
        self.categorical_features_: tuple[int, ...] = fitted.plan.codes
        self.onehot_encoder_: Any = fitted.encoders.onehot
        self.target_encoder_: Any = fitted.encoders.target
        self.imputer_: Any = fitted.plan.finish.imputer
        self.scaler_: Any = fitted.plan.finish.scaler
        return self._as_output(fitted.out, X)

    @property
    def sources_(self) -> ColumnSources:
        """Input column of each output column."""
        return self._plan.sources

    @property
    def ordinal_encoder_(self) -> Any:
        # Built on demand, so that saved files do not contain a second copy of all levels.
        plans = getattr(self._plan, "plans", ())
        columns = [plan.levels for plan in plans if hasattr(plan, "levels")]
        return ordinal_encoder(columns) if columns else None

    def transform(self, X: Any) -> Any:
        """Encode rows with the learned encoding.

        Parameters
        ----------
        X : DataFrame, ndarray or sparse matrix of shape (n_samples, n_features)
            Rows with the columns passed to `fit`.

        Returns
        -------
        ndarray, sparse matrix or DataFrame of shape (n_samples, n_features_out)

        Raises
        ------
        ValueError
            The columns of X differ from those of `fit`, or X contains infinite values.

        Warns
        -----
        DataWarning
            A column of numbers or dates contains other text, which is treated as missing.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return self._as_output(self._plan.transform(X, self._names), X)

    def get_feature_names_out(self, input_features: npt.ArrayLike | None = None) -> Array:
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Only used to check that the names match those passed to `fit`.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return np.asarray(self._plan.names, dtype=object)

    def _validate(self, X: Any, *, reset: bool) -> Any:
        """Validate X as scikit-learn does; return X if it is a frame, else an array."""
        # Fast path: training column names make the slower checks of scikit-learn redundant.
        is_named = not reset and isinstance(X, pd.DataFrame)
        if is_named and hasattr(self, "feature_names_in_") and tuple(X.columns) == self._names:
            _check_not_empty(X)
            return X
        if sparse.issparse(X) or not is_frame(X):
            kinds = {"dtype": None, "accept_sparse": ("csr", "csc"), "ensure_all_finite": False}
            return validate_data(self, X, reset=reset, **kinds)
        names = column_names(X)
        if len(set(names)) < len(names):
            raise InputError(duplicate_message(names))
        _check_feature_names(self, X, reset=reset)
        _check_not_empty(X)
        _check_n_features(self, X, reset=reset)
        return X

    def _as_output(self, out: Any, X: Any) -> Any:
        if not (isinstance(self._plan, TableTransform) and self._plan.frame):
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


def _check_not_empty(X: Any) -> None:
    for axis, unit in ((0, "sample(s)"), (1, "feature(s)")):
        if X.shape[axis] == 0:
            raise InputError(
                f"Found array with 0 {unit} (shape={tuple(X.shape)}) while a minimum of 1 "
                "is required by TableEncoder."
            )


def _choose_fit_function(X: Any, options: EncoderOptions) -> Callable[..., FittedTable]:
    """Return the function that learns the encoding for this type of X."""
    if sparse.issparse(X):
        return fit_sparse
    if isinstance(X, np.ndarray) and X.dtype.kind in "iufb":
        return fit_matrix
    if not options.impute and not options.scale and is_float_frame(X):
        return fit_matrix
    return fit_table

"""Model parameters that declare a number as missing, such as `missing` of XGBoost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from sktrainer.backends.estimators import iter_nested_models
from sktrainer.backends.registry import find_backend
from sktrainer.backends.support import MissingParameter
from sktrainer.exceptions import ParameterError
from sktrainer.preprocessing.fit_sparse import SparseTransform
from sktrainer.training.column_parameters import only_encoder, passes_columns_through


def missing_number(model: Any) -> float:
    """Return the number that a model's parameters declare as missing; NaN if there is none.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> missing_number(Ridge())
    nan
    """
    numbers = [each.number(value) for _, value, each in _missing_parameters(model)]
    return next((number for number in numbers if number == number), math.nan)


def _missing_parameters(model: Any) -> Iterator[tuple[str, Any, MissingParameter]]:
    """Yield name, value and description of each parameter that declares missing values."""
    if hasattr(model, "get_params"):
        known = find_backend(model).parameters.missing
        for name, value in model.get_params(deep=False).items() if known else ():
            if name in known:
                yield name, value, known[name]


def unset_missing_number(model: Any, steps: Sequence[tuple[str, Any]]) -> None:
    """Unset the parameters that declare a number as missing, which the encoder replaced by NaN.

    Otherwise, category codes and 0/1 columns that equal the number would be missing, too. A
    sparse matrix has no such columns, and keeps the parameter.

    Raises
    ------
    ParameterError
        If a nested model declares a number as missing, because its siblings may not.
    """
    encoder = only_encoder(steps)
    if encoder is None or isinstance(encoder._plan, SparseTransform):
        return
    for name, _, each in [*_missing_parameters(model)]:
        model.set_params(**{name: each.unset})
    for nested in iter_nested_models(model, enter=passes_columns_through):
        number = missing_number(nested)
        if number == number:
            raise ParameterError(
                f"the nested {type(nested).__name__} declares {number:g} as missing, which may "
                "also be a value of an encoded column. Replace the number by NaN in X and "
                "leave the parameter out, or encode X yourself and pass preprocessor=None."
            )

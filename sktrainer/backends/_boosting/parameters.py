"""Parameters that all boosting backends treat alike."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sktrainer.exceptions import ParameterError


def refuse_unsupported(model: Any, wrapper: str) -> None:
    """Raise an error if the model cannot be trained on X and y alone, in this process.

    That is, if it is a ranker, needs a Dask cluster, or is not a scikit-learn estimator.
    `wrapper` is the name of the base class of the library's scikit-learn estimators.
    """
    bases, name = type(model).__mro__, type(model).__name__
    wrappers = [base for base in bases if base.__name__ == wrapper]
    if not wrappers:
        raise ParameterError(
            f"expected a scikit-learn estimator, got {type(model).__module__}.{name}; use "
            "the classifier or regressor of the library"
        )
    # Only classes of the library count: a user's PriceRanker may be a regressor.
    library = wrappers[-1].__module__.partition(".")[0]
    names = [b.__name__ for b in bases if b.__module__.partition(".")[0] == library]
    if any(each.endswith("Ranker") for each in names):
        raise ParameterError(
            f"expected a classifier or a regressor, got the ranker {name}; rankers need "
            "query groups: call the fit method of the ranker directly"
        )
    dask = next((each for each in names if each.startswith("Dask")), None)
    if dask is not None:
        raise ParameterError(
            f"expected an estimator that trains in this process, got {name}; use "
            f"{dask.removeprefix('Dask')} or a subclass of it, without Dask"
        )


def as_rounds(value: Any) -> int:
    """Return a number of rounds as an int, or raise ParameterError."""
    is_whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not is_whole or value < 1:
        raise ParameterError(
            f"the number of rounds must be an integer of at least 1, got {value!r}. Set "
            "n_estimators of the model"
        )
    return int(value)


def resolve_n_threads(requested: int | None, granted: int) -> int:
    """Return the number of threads to use: `granted`, or fewer if the user set fewer.

    Examples
    --------
    >>> resolve_n_threads(None, 4), resolve_n_threads(-1, 4), resolve_n_threads(2, 4)
    (4, 4, 2)
    """
    return granted if requested is None or requested <= 0 else min(int(requested), granted)

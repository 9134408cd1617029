"""Parameters that all boosting backends treat alike."""

from __future__ import annotations

from typing import Any

from sktrainer.exceptions import ParameterError

__all__ = ["refuse_unsupported", "resolve_n_threads"]


def refuse_unsupported(model: Any, wrapper: str) -> None:
    """Raise an error if the model cannot be trained on X and y alone.

    Parameters
    ----------
    model : object
    wrapper : str
        Name of the base class of the library's scikit-learn estimators.

    Raises
    ------
    ParameterError
        If the model is a ranker, needs a Dask cluster, or is not a scikit-learn estimator.
    """
    ancestors = [base.__name__ for base in type(model).__mro__]
    name = type(model).__name__
    if any(ancestor.endswith("Ranker") for ancestor in ancestors):
        raise ParameterError(
            f"expected a classifier or a regressor, got the ranker {name}; rankers need "
            "query groups: call the fit method of the ranker directly"
        )
    if any(ancestor.startswith("Dask") for ancestor in ancestors):
        raise ParameterError(
            f"expected an estimator that trains in this process, got {name}; use the "
            f"estimator without Dask: {name.removeprefix('Dask')}"
        )
    if wrapper not in ancestors:
        raise ParameterError(
            f"expected a scikit-learn estimator, got {type(model).__module__}.{name}; use "
            "the classifier or regressor of the library"
        )


def resolve_n_threads(asked: Any, granted: int) -> int:
    """Return the number of threads to use: `granted`, or fewer if the user set fewer.

    Examples
    --------
    >>> resolve_n_threads(None, 4), resolve_n_threads(-1, 4), resolve_n_threads(2, 4)
    (4, 4, 2)
    """
    return granted if asked is None or asked <= 0 else min(int(asked), granted)

"""Default parameters for models of other libraries nested in a scikit-learn model."""

from __future__ import annotations

from typing import Any

from sktrainer.backends.nesting import iter_nested_models
from sktrainer.backends.registry import find_backend

__all__ = ["apply_nested_defaults"]


def apply_nested_defaults(model: Any) -> None:
    """Set the parameters that the backends of nested models define, unless the user set them.

    Parameters
    ----------
    model : estimator
        Modified in place; pass a clone.

    Examples
    --------
    >>> from catboost import CatBoostClassifier
    >>> from sklearn.ensemble import VotingClassifier
    >>> vote = VotingClassifier([("trees", CatBoostClassifier())])
    >>> tell_guests(vote)
    >>> vote.get_params()["trees__allow_writing_files"]
    False
    """
    for part in iter_nested_models(model):
        asked = getattr(find_backend(part), "as_guest", None)
        if asked:
            given = part.get_params()
            part.set_params(**{n: v for n, v in asked.items() if given.get(n) is None})

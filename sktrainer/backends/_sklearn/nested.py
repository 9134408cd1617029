"""What models of other libraries, held by one of scikit-learn's, would leave behind."""

from __future__ import annotations

from typing import Any

__all__ = ["write_no_files"]


def write_no_files(model: Any) -> None:
    """Keep a CatBoost model in a vote or a stack from writing to the working directory.

    Parameters
    ----------
    model : estimator
        Changed in place: pass a clone. What the caller set stays.

    Examples
    --------
    >>> from catboost import CatBoostClassifier
    >>> from sklearn.ensemble import VotingClassifier
    >>> vote = VotingClassifier([("trees", CatBoostClassifier())])
    >>> write_no_files(vote)
    >>> vote.get_params()["trees__allow_writing_files"]
    False
    """
    if not hasattr(model, "get_params"):
        return
    for held in model.get_params(deep=True).values():
        if not type(held).__module__.startswith("catboost") or not hasattr(held, "get_params"):
            continue
        if held.get_params().get("allow_writing_files") is None:
            held.set_params(allow_writing_files=False)

"""Checkpoints of scikit-learn models: serialized state and training in segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sktrainer.backends.base import FitRequest
from sktrainer.backends.sklearn.parameters import override_params
from sktrainer.checkpoints.fit import pickle_member, unpickle_member

__all__ = [
    "dump_state",
    "fit_in_segments",
    "fitted_attributes",
    "load_state",
    "set_fitted_attributes",
]


_FILE = "state.pickle"


def dump_state(*values: Any) -> dict[str, bytes]:
    """Serialize values into one file, so that shared arrays stay shared.

    Examples
    --------
    >>> load_state(dump_state([1, 2], None))
    ([1, 2], None)
    """
    return dict(pickle_member(_FILE, values))


def load_state(state: Mapping[str, bytes]) -> Any:
    """Return the values that were passed to `dumped`."""
    return unpickle_member(_FILE, state)


def fitted_attributes(model: Any) -> dict[str, Any]:
    """Return the attributes of a model that are not parameters."""
    parameters = model.get_params(deep=False)
    return {name: value for name, value in vars(model).items() if name not in parameters}


def set_fitted_attributes(model: Any, state: Mapping[str, Any]) -> None:
    """Replace the fitted attributes of a model."""
    for name in set(fitted_attributes(model)) - set(state):
        delattr(model, name)
    vars(model).update(state)


def fit_in_segments(request: FitRequest, count: str, limit: int) -> Iterator[int]:
    """Train a boosting model in segments of rounds with `warm_start`.

    Parameters
    ----------
    request : FitRequest
        With a checkpoint. The first segment starts from its latest state.
    count : str
        Name of the parameter that sets the number of rounds.
    limit : int
        Maximum number of rounds.

    Yields
    ------
    int
        Number of rounds trained so far. The caller then calls `fit` once, which trains one
        segment.
    """
    model, checkpoint, done = request.model, request.checkpoint, 0
    assert checkpoint is not None
    found = checkpoint.restore()
    if found is not None:
        done, (fitted,) = found.iteration, load_state(found.state)
        set_fitted_attributes(model, fitted)
    with override_params(model, **{"warm_start": True, count: limit}):
        while done < limit and not request.monitor.stopped:
            target = min(done + checkpoint.segment_length, limit)
            model.set_params(**{count: target})
            yield done
            trained = model.n_iter_ if count == "max_iter" else model.n_estimators_
            if trained < target:  # scikit-learn stopped early
                return
            done = target
            if done < limit and not request.monitor.stopped:
                checkpoint.save_if_due(done, lambda: dump_state(fitted_attributes(model)))

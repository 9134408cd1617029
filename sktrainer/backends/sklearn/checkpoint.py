"""Checkpoints of scikit-learn models: serialized state and training in segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sktrainer.backends.base import FitRequest
from sktrainer.backends.sklearn.parameters import override_params
from sktrainer.checkpoints.fit import pickle_member, unpickle_member

_FILE = "state.pickle"


def resume(request: FitRequest, model: Any) -> tuple[int, tuple[Any, ...]]:
    """Load the latest checkpoint into a model.

    Return its iteration and the further values that were passed to `save_if_due`; 0 and () if
    there is no checkpoint.
    """
    resume_point = None if request.checkpoint is None else request.checkpoint.restore()
    if resume_point is None:
        return 0, ()
    fitted, *values = unpickle_member(_FILE, resume_point.state)
    set_fitted_attributes(model, fitted)
    return resume_point.iteration, tuple(values)


def save_if_due(request: FitRequest, iteration: int, model: Any, *values: Any) -> None:
    """Save the fitted attributes of a model and further values, if a checkpoint is due."""
    if request.checkpoint is not None:
        # One pickle, so that arrays that the values share with the model stay shared.
        request.checkpoint.save_if_due(
            iteration, lambda: pickle_member(_FILE, (fitted_attributes(model), *values))
        )


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

    Yield the number of rounds trained so far; the caller then calls `fit` once, which trains
    one segment. The first segment starts from the latest checkpoint. Without a checkpoint, all
    rounds are one segment. `count` names the parameter that sets the number of rounds, and
    `limit` is its value.
    """
    model, checkpoint = request.model, request.checkpoint
    if checkpoint is None:
        yield 0
        return
    done, _ = resume(request, model)
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
                save_if_due(request, done, model)

"""LightGBM's parameters: their many names, those left open, and changes for one fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sktrainer.backends._base import FitRequest
from sktrainer.backends._boosting import granted_threads

DEFAULT_ROUNDS = 100

# LightGBM knows its parameters by many names; the first is the one set here.
_ROUNDS = (
    "n_estimators",
    "num_iterations",
    "num_iteration",
    "n_iter",
    "num_tree",
    "num_trees",
    "num_round",
    "num_rounds",
    "nrounds",
    "num_boost_round",
    "max_iter",
)
_SEED = ("random_state", "seed", "random_seed")
_THREADS = ("n_jobs", "num_threads", "num_thread", "nthread", "nthreads")
_BOOSTING = ("boosting", "boost", "boosting_type")
_LINEAR = ("linear_tree", "linear_trees")
_METRIC = ("metric", "metrics", "metric_types")
_DEVICE = ("device_type", "device")
_STOPPING = (
    "early_stopping_round",
    "early_stopping_rounds",
    "early_stopping",
    "n_iter_no_change",
    "early_stopping_min_delta",
    "first_metric_only",
)
# Set while it trains where the user left them open: what they may be called, and the value.
_QUIET_AND_STEADY = (
    (("verbosity", "verbose"), -1),
    (("deterministic",), True),
    (("force_row_wise", "force_col_wise"), True),
)

def _set_open_parameters(model: Any, request: FitRequest) -> None:
    given = model.get_params()
    if _first(given, _SEED, None) is None:
        model.set_params(random_state=request.seed)
    alias = next((name for name in _THREADS if given.get(name) is not None), _THREADS[0])
    model.set_params(**{alias: granted_threads(given.get(alias), request.n_threads)})


def _changes(given: Mapping[str, Any]) -> dict[str, Any]:
    on_cpu = _first(given, _DEVICE, "cpu") == "cpu"
    return {
        names[0]: value
        for names, value in _QUIET_AND_STEADY
        if not any(name in given for name in names) and (on_cpu or names[0] == "verbosity")
    }


def _dropped(request: FitRequest) -> tuple[str, ...]:
    own_metric = () if request.monitor.metric.scorer is None else _METRIC
    return (*_STOPPING, *_ROUNDS[1:], *own_metric)


@contextmanager
def _overridden(
    model: Any, changes: Mapping[str, Any], drop: tuple[str, ...]
) -> Iterator[None]:
    """Change parameters while the block runs; `get_params` is the same after as before."""
    before = model.get_params()
    _forget(model, (name for name in drop if name in before))
    model.set_params(**changes)
    try:
        yield
    finally:
        _forget(model, (name for name in changes if name not in before))
        model.set_params(**{k: v for k, v in before.items() if k in changes or k in drop})
        model.set_params(n_estimators=before["n_estimators"])


def _forget(model: Any, names: Any) -> None:
    # set_params can add a parameter that the constructor does not name, and not remove it.
    for name in list(names):
        model.__dict__.pop(name, None)
        model._other_params.pop(name, None)


def _first(given: Mapping[str, Any], names: tuple[str, ...], default: Any) -> Any:
    return next((given[name] for name in names if given.get(name) is not None), default)


def _rounds(given: Mapping[str, Any]) -> int:
    aliases = (*_ROUNDS[1:], _ROUNDS[0])  # an alias wins over n_estimators, as in LightGBM
    return int(_first(given, aliases, DEFAULT_ROUNDS))


def _boosting(given: Mapping[str, Any]) -> str:
    return str(_first(given, _BOOSTING, "gbdt"))

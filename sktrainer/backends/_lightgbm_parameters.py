"""LightGBM's parameters: their many names, those left open, and changes for one fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sktrainer.backends._base import FitRequest
from sktrainer.backends._boosting import granted_threads

DEFAULT_ROUNDS = 100

BOOSTING = ("boosting", "boost", "boosting_type")
LINEAR = ("linear_tree", "linear_trees")
METRIC = ("metric", "metrics", "metric_types")
# Aliases of n_estimators, any of which wins over it.
_ROUNDS = (
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
SEED = ("random_state", "seed", "random_seed")
_THREADS = ("n_jobs", "num_threads", "num_thread", "nthread", "nthreads")
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


def first_given(given: Mapping[str, Any], names: Iterable[str], default: Any = None) -> Any:
    """Return the value of the first of these names that has one."""
    return next((given[name] for name in names if given.get(name) is not None), default)


def rounds(given: Mapping[str, Any]) -> int:
    """Return the number of rounds that a model with these parameters will train."""
    return int(first_given(given, (*_ROUNDS, "n_estimators"), DEFAULT_ROUNDS))


def set_open_parameters(request: FitRequest) -> None:
    """Set the seed where the user left it open, and threads within what was granted."""
    model = request.model
    given = model.get_params()
    if first_given(given, SEED) is None:
        model.set_params(random_state=request.seed)
    alias = next((name for name in _THREADS if given.get(name) is not None), _THREADS[0])
    model.set_params(**{alias: granted_threads(given.get(alias), request.n_threads)})


def own_device(given: Mapping[str, Any]) -> str | None:
    """Return the device that the parameters name; "gpu" is LightGBM's word for OpenCL.

    Examples
    --------
    >>> own_device({"device": "cuda", "gpu_device_id": 1}), own_device({})
    ('cuda:1', None)
    """
    device, index = first_given(given, _DEVICE), first_given(given, ("gpu_device_id",), -1)
    return f"cuda:{index}" if device == "cuda" and int(index) >= 0 else device


def set_device(model: Any, device: str) -> None:
    """Set a device on a model that names none, or a number on one that names its kind."""
    kind, _, index = device.partition(":")
    if first_given(model.get_params(), _DEVICE) is None:
        model.set_params(device_type=kind)
    if index:
        model.set_params(gpu_device_id=int(index))


@contextmanager
def parameters_for_fit(request: FitRequest, n_rounds: int) -> Iterator[None]:
    """Change parameters while the model trains; `get_params` is the same after as before.

    Quiet and deterministic where the user left that open; without a stopper of its own;
    without a metric of its own where a scorer is watched.
    """
    model = request.model
    before = model.get_params()
    on_cpu = first_given(before, _DEVICE, "cpu") == "cpu"
    changes = {
        names[0]: value
        for names, value in _QUIET_AND_STEADY
        if not any(name in before for name in names) and (on_cpu or "verbosity" in names)
    }
    own_metric = () if request.monitor.metric.scorer is None else METRIC
    drop = [name for name in (*_STOPPING, *_ROUNDS, *own_metric) if name in before]
    forget(model, drop)
    model.set_params(n_estimators=n_rounds, **changes)
    try:
        yield
    finally:
        forget(model, changes)
        restored = {name: before[name] for name in drop}
        model.set_params(n_estimators=before["n_estimators"], **restored)


def forget(model: Any, names: Iterable[str]) -> None:
    """Unset parameters."""
    # set_params can add a parameter that the constructor does not name, and not remove it.
    for name in names:
        model.__dict__.pop(name, None)
        model._other_params.pop(name, None)

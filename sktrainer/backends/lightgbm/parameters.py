"""LightGBM parameters: aliases, defaults, and temporary changes during a fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sktrainer.backends._boosting.parameters import as_rounds, resolve_n_threads
from sktrainer.backends.base import FitRequest
from sktrainer.exceptions import ParameterError, suggest_name

DEFAULT_ROUNDS = 100
BOOSTING = ("boosting", "boost", "boosting_type")
LINEAR = ("linear_tree", "linear_trees")
METRIC = ("metric", "metrics", "metric_types")

# Aliases of n_estimators. In LightGBM, each of them has precedence over n_estimators.
_ROUNDS = tuple(
    "num_iterations num_iteration n_iter num_tree num_trees num_round num_rounds nrounds "
    "num_boost_round max_iter".split()
)

SEED = ("random_state", "seed", "random_seed")
THREADS = ("n_jobs", "num_threads", "num_thread", "nthread", "nthreads")
_DEVICE = ("device_type", "device")

PATIENCE = tuple(
    "early_stopping_round early_stopping_rounds early_stopping n_iter_no_change".split()
)
_STOPPING = (*PATIENCE, "early_stopping_min_delta", "first_metric_only")

# Parameters set during training unless the user sets them: their aliases and the value.
_REPRODUCIBLE_PARAMS = (
    (("verbosity", "verbose"), -1),
    (("deterministic",), True),
    (("force_row_wise", "force_col_wise"), True),
)


def check_predicts_labels(model: Any) -> None:
    """Raise an error if a classifier with a callable objective uses LightGBM's predict_proba.

    LightGBM then returns raw scores instead of labels and probabilities. Subclasses that
    define their own `predict_proba` are allowed.
    """
    owner = next((b for b in type(model).__mro__ if "predict_proba" in vars(b)), object)
    if callable(model.objective) and owner.__module__.partition(".")[0] == "lightgbm":
        raise ParameterError(
            f"objective is a function; {type(model).__name__} would then predict raw scores "
            "instead of labels and probabilities; use objective='binary', 'multiclass' or "
            "'cross_entropy', or a subclass that defines predict and predict_proba"
        )


def is_random_forest(params: Mapping[str, Any]) -> bool:
    """Return whether the model is a random forest, which averages its trees."""
    return first_set(params, BOOSTING) in ("rf", "random_forest")


def is_dart(params: Mapping[str, Any]) -> bool:
    """Return whether boosting is DART, which changes earlier trees."""
    return first_set(params, BOOSTING) == "dart"


def first_set(params: Mapping[str, Any], names: Iterable[str], default: object = None) -> Any:
    """Return the first value that is not None among these names."""
    return next((params[name] for name in names if params.get(name) is not None), default)


def n_rounds(params: Mapping[str, Any]) -> int:
    """Return the number of rounds that these parameters request."""
    return as_rounds(first_set(params, (*_ROUNDS, "n_estimators"), DEFAULT_ROUNDS))


def set_unset_params(request: FitRequest) -> None:
    """Set the seed if the user did not, and limit the threads to `request.n_threads`."""
    model, params = request.model, request.model.get_params()
    if first_set(params, SEED) is None:
        model.set_params(random_state=request.seed)
    alias = next((name for name in THREADS if params.get(name) is not None), THREADS[0])
    model.set_params(**{alias: resolve_n_threads(params.get(alias), request.n_threads)})


def unknown_parameters(model: Any) -> dict[str, str]:
    """Return the parameters that LightGBM does not know, with the name that was meant.

    Examples
    --------
    >>> from lightgbm import LGBMClassifier
    >>> unknown_parameters(LGBMClassifier(num_leave=7, eta=0.1))
    {'num_leave': ". Did you mean 'num_leaves'?"}
    """
    from lightgbm.basic import _ConfigAliases

    names = _ConfigAliases._get_all_param_aliases()
    known = {*names, *(alias for aliases in names.values() for alias in aliases)}
    known.update(type(model)._get_param_names())
    return {n: suggest_name(n, sorted(known)) for n in model.get_params() if n not in known}


def configured_device(params: Mapping[str, Any]) -> str | None:
    """Return the device set in the parameters; LightGBM uses "gpu" for OpenCL.

    Examples
    --------
    >>> configured_device({"device": "cuda", "gpu_device_id": 1}), configured_device({})
    ('cuda:1', None)
    """
    device, index = first_set(params, _DEVICE), first_set(params, ("gpu_device_id",), -1)
    return f"cuda:{index}" if device == "cuda" and int(index) >= 0 else device


def set_device(model: Any, device: str) -> None:
    """Set the device type, unless the model sets it already, and the device index if any."""
    kind, _, index = device.partition(":")
    if first_set(model.get_params(), _DEVICE) is None:
        model.set_params(device_type=kind)
    if index:
        model.set_params(gpu_device_id=int(index))


@contextmanager
def override_params(request: FitRequest, n_rounds: int) -> Iterator[None]:
    """Change parameters during training and restore them afterwards.

    Training is silent and deterministic unless the user set these parameters. LightGBM's own
    early stopping is removed, and so is the model's metric if a scorer is monitored.
    """
    model = request.model
    before = model.get_params()
    on_cpu = first_set(before, _DEVICE, "cpu") == "cpu"
    changes = {
        names[0]: value
        for names, value in _REPRODUCIBLE_PARAMS
        if not any(name in before for name in names) and (on_cpu or "verbosity" in names)
    }
    own_metric = () if request.monitor.metric.scorer is None else METRIC
    drop = [name for name in (*_STOPPING, *_ROUNDS, *own_metric) if name in before]
    unset_params(model, drop)
    model.set_params(n_estimators=n_rounds, **changes)
    try:
        yield
    finally:
        unset_params(model, changes)
        restored = {name: before[name] for name in drop}
        model.set_params(n_estimators=before["n_estimators"], **restored)


def unset_params(model: Any, names: Iterable[str]) -> None:
    """Remove parameters from a model."""
    # set_params can add parameters that __init__ does not have, but cannot remove them.
    for name in names:
        model.__dict__.pop(name, None)
        model._other_params.pop(name, None)

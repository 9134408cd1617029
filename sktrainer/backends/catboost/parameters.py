"""CatBoost parameters: aliases and changes for one fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sktrainer.backends._boosting.parameters import as_rounds, resolve_n_threads
from sktrainer.backends.base import FitRequest
from sktrainer.exceptions import ParameterError, suggest_name
from sktrainer.runtime.signatures import accepts_any_keyword, named_parameters

DEFAULT_ROUNDS = 1000
ROUNDS_PARAMS = ("iterations", "n_estimators", "num_boost_round", "num_trees")
SEED_PARAMS = ("random_seed", "random_state")
VERBOSITY_PARAMS = ("verbose", "silent", "logging_level", "verbose_eval")

# Removed during training: CatBoost's own early stopping, validation split and choice of the
# best model, and the option to compute metrics only every few rounds.
OVERRIDDEN_PARAMS = tuple(
    "od_type od_wait od_pval early_stopping_rounds use_best_model best_model_min_trees "
    "eval_fraction metric_period".split()
)


def check_parameter_names(model: Any) -> None:
    """Raise an error for unknown names, which `set_params` of CatBoost accepts."""
    if accepts_any_keyword(type(model)):  # a subclass that passes its parameters on
        return
    known = named_parameters(type(model))
    problems = [
        f"{type(model).__name__} has no parameter {name!r}{suggest_name(name, known)}"
        for name in model.get_params()
        if name not in known
    ]
    if problems:
        raise ParameterError(problems)


def set_device(model: Any, device: str) -> None:
    """Set the device parameters of the model."""
    kind, _, index = device.partition(":")
    model.set_params(task_type="CPU" if kind == "cpu" else "GPU")
    if index:
        model.set_params(devices=index)


def set_unset_params(request: FitRequest) -> None:
    """Set seed, threads and verbosity where the model leaves them unset."""
    model = request.model
    params = model.get_params()
    if not any(params.get(name) is not None for name in SEED_PARAMS):
        model.set_params(random_seed=request.seed)
    threads = resolve_n_threads(params.get("thread_count"), request.n_threads)
    model.set_params(thread_count=threads)


@contextmanager
def override_params(
    model: Any, changes: Mapping[str, Any], drop: tuple[str, ...]
) -> Iterator[None]:
    """Change parameters during training and restore them afterwards.

    A fitted CatBoost model does not support `set_params`, and a parameter cannot be unset.
    The private attributes that store the constructor arguments are therefore restored.
    """
    before = model._init_params
    model._init_params = {name: v for name, v in before.items() if name not in drop}
    model.set_params(**changes)
    try:
        yield
    finally:
        model._init_params, model._canonized_params = before, None


def n_rounds(params: Mapping[str, Any]) -> int:
    """Return the number of rounds under any of its names."""
    return as_rounds(
        next((params[n] for n in ROUNDS_PARAMS if params.get(n) is not None), DEFAULT_ROUNDS)
    )

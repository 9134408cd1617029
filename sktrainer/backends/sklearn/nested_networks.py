"""Networks inside models of scikit-learn, such as the members of an ensemble."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sktrainer.backends.estimators import iter_nested_models
from sktrainer.backends.registry import find_backend
from sktrainer.runtime.global_state import exclusive_global_state
from sktrainer.runtime.threads import limit_threads


@contextmanager
def one_network_at_a_time(model: Any, seed: int) -> Iterator[bool]:
    """Fit the networks inside a model in a fixed order, with seeded generators.

    The networks of a library draw from one generator. If they were fitted in several threads
    or processes, each fit would give another model. So `n_jobs` of the model is set to 1. The
    context yields whether there are networks in it. If there are none, nothing is changed.
    """
    parts = [*iter_nested_models(model)]
    backends = {backend.spec.name: backend for backend in map(find_backend, parts)}
    found = [b.networks for b in backends.values() if b.networks is not None]
    if not found:
        yield False
        return
    with limit_threads(1), exclusive_global_state(seed):
        for part in (model, *parts):
            # None: the number of threads that the backend grants, which is 1.
            if part.get_params(deep=False).get("n_jobs") not in (None, 1):
                part.set_params(n_jobs=1)
        for networks in found:
            networks.seed(seed)
        yield True

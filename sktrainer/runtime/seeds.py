"""Derivation of one seed per consumer from the `random_state` of a fit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

RandomState: TypeAlias = int | np.integer | np.random.RandomState | np.random.Generator | None
MAX_SEED = 2**31 - 1


def root_seed(random_state: RandomState) -> int:
    """Return the root seed of a fit for a value of `random_state`.

    None uses fresh entropy and leaves NumPy's global generator alone. A RandomState or
    Generator is advanced by one draw, as in scikit-learn.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0]) % MAX_SEED
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(MAX_SEED))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(MAX_SEED))
    return int(random_state)


def derive_seed(root: int, *path: str | int) -> int:
    """Return the seed of the consumer identified by `path`, below 2**31 - 1.

    Seeds of different paths are independent. A new consumer does not change the seeds of
    the others.

    Examples
    --------
    >>> derive_seed(0, "model") == derive_seed(0, "model")
    True
    >>> derive_seed(0, "model") == derive_seed(0, "split")
    False
    """
    text = "/".join([str(root), *map(str, path)])
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") % MAX_SEED


def segment_seed(seed: int, segment: int) -> int:
    """Return the seed of a training segment. Segment 0 uses the seed of the fit."""
    return seed if segment == 0 else derive_seed(seed, "segment", segment)


def effective_retries(
    n_retries: int, estimator: Any, seed_names: Sequence[str] = ("random_state",)
) -> tuple[int, tuple[str, ...]]:
    """Return the number of useful retries, and a note if a fixed seed makes them useless.

    The estimator is the model without the steps before it, and `seed_names` are the names of
    its parameters for seeds.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> effective_retries(2, DecisionTreeClassifier())
    (2, ())
    >>> effective_retries(2, DecisionTreeClassifier(random_state=3))[0]
    0
    """
    if not n_retries or not hasattr(estimator, "get_params"):
        return int(n_retries), ()
    params = estimator.get_params(deep=False)
    for name in seed_names:
        if params.get(name) is not None:
            note = (
                f"n_retries={n_retries} has no effect: {name}={params[name]!r} is set on "
                f"the estimator, so every attempt would be identical; remove {name} from it"
            )
            return 0, (note,)
    return int(n_retries), ()


def set_unset_seeds(estimator: Any, seed: int) -> dict[str, int]:
    """Set every `random_state` that is None to its own derived seed. Return these seeds.

    The estimator is modified in place, so pass a clone.
    """
    if not hasattr(estimator, "get_params"):
        return {}
    seeds = {
        name: derive_seed(seed, name)
        for name, value in sorted(estimator.get_params(deep=True).items())
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    if seeds:
        estimator.set_params(**seeds)
    return seeds

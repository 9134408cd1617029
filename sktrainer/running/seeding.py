"""One seed from the caller; from it, one of its own for each consumer."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

MAX_SEED = 2**31 - 1


def root_seed(random_state: Any) -> int:
    """Draw the seed of a whole fit from what the caller passed as `random_state`.

    None gives fresh entropy: the caller's global NumPy generator is neither read nor
    moved. A RandomState or Generator is moved by one draw, as scikit-learn does.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0]) % MAX_SEED
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(MAX_SEED))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(MAX_SEED))
    return int(random_state)


def derive_seed(root: int, *path: str | int) -> int:
    """Return the seed of the consumer that `path` names, below 2**31 - 1.

    Two paths give unrelated seeds, and adding a consumer changes no other one's.

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
    """Return the seed of a segment of rounds, counted from 0; the first one keeps the fit's.

    Examples
    --------
    >>> segment_seed(7, 0), segment_seed(7, 1) == segment_seed(7, 2)
    (7, False)
    """
    return seed if segment == 0 else derive_seed(seed, "segment", segment)


def set_open_seeds(estimator: Any, seed: int) -> dict[str, int]:
    """Give each `random_state` that is still None a seed of its own; return what was set.

    Parameters
    ----------
    estimator : estimator
        Changed in place: pass a clone.
    seed : int
    """
    if not hasattr(estimator, "get_params"):
        return {}
    open_seeds = {
        name: derive_seed(seed, name)
        for name, value in sorted(estimator.get_params(deep=True).items())
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    if open_seeds:
        estimator.set_params(**open_seeds)
    return open_seeds

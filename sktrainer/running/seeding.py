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


def useful_retries(n_retries: int, estimator: Any) -> tuple[int, tuple[str, ...]]:
    """Return how often a fit that failed is to be tried again, and a note where that is 0.

    A model that was given a seed by its caller would do the same again.

    Parameters
    ----------
    n_retries : int
    estimator : estimator
        The model alone, without steps before it.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> useful_retries(2, DecisionTreeClassifier())
    (2, ())
    >>> useful_retries(2, DecisionTreeClassifier(random_state=3))[0]
    0
    """
    if not n_retries or not hasattr(estimator, "get_params"):
        return int(n_retries), ()
    parameters = estimator.get_params(deep=False)
    for name in ("random_state", "random_seed"):
        if parameters.get(name) is not None:
            note = (
                f"n_retries={n_retries} does nothing: {name}={parameters[name]!r} is set on "
                "the estimator, so that every try would be the same; leave it out there"
            )
            return 0, (note,)
    return int(n_retries), ()


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

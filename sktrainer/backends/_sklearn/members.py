"""The members of an ensemble that is grown a few at a time, and can be gone on with."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from sktrainer.backends._base import FitRequest
from sktrainer.backends._sklearn.resuming import dumped, fitted_part, loaded, put_back
from sktrainer.backends._sklearn.watching import fit_rows, labelled_weights, lent_parameters
from sktrainer.types import Rows

__all__ = ["Members", "grow_exactly", "keep_members", "step_of"]

# What is kept for each member; the last two are imbalanced-learn's.
_PER_MEMBER = ("estimators_", "estimators_features_", "samplers_", "pipelines_")


def step_of(model: Any, n_threads: int) -> int:
    """Return how many members are added at a time.

    Each call of `fit` checks the table again and starts the threads anew. Against a forest
    of 60 trees in one go (two cores, single runs on a busy machine), one tree at a time
    took 1.9 times as long with one thread on 300 rows, and 6.5 and 3.2 times with two on
    300 and 3,000 rows. Eight at a time cost nothing with one thread, about 1.5 and 1.3
    times a tree with two on those small tables, and nothing to speak of on 30,000 rows. At
    most that many less one are grown for nothing.

    A subclass from elsewhere that fits in a way of its own gets all members in one go:
    imbalanced-learn's BalancedRandomForestClassifier draws two seeds a tree, and skips one
    for each tree it has, so that what `warm_start` adds depends on where it was halted.
    """
    if type(model).fit.__module__.split(".")[0] != "sklearn":
        return int(model.n_estimators)
    return max(8, 4 * n_threads)


def grow_exactly(request: FitRequest, train: Rows, n_iter: int) -> None:
    """Grow `n_iter` members a few at a time, to the bits of one `fit`, from a checkpoint on."""
    model, size = request.model, 0
    step, oob_score = step_of(model, request.n_threads), getattr(model, "oob_score", False)
    members = Members(request, train)
    size, _ = members.resume()
    with members.under_way():
        while size < n_iter:
            size = min(size + step, n_iter)
            if oob_score and size == n_iter:  # of all members, by the last call alone
                model.set_params(oob_score=True)
            members.add(size)
            if size < n_iter:
                members.reached(size, None)
    keep_members(model, n_iter, members.seeds)


class Members:
    """The members of one fit, which are added by `warm_start`, and can be gone on from."""

    def __init__(self, request: FitRequest, train: Rows) -> None:
        self.seeds: list[Any] = []
        self._model, self._train, self._checkpoint = request.model, train, request.checkpoint
        self._random_state = request.model.random_state

    def resume(self) -> tuple[int, Any]:
        """Return how many there are in the checkpoint, and what `reached` was told of them."""
        found = None if self._checkpoint is None else self._checkpoint.found()
        if found is None:
            return 0, None
        fitted, self.seeds, more = loaded(found.state)
        put_back(self._model, fitted)
        return found.iteration, more

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Lend the model what growing needs."""
        model, train = self._model, self._train
        lent = {"warm_start": True, "n_estimators": model.n_estimators}
        lent["random_state"] = self._random_state
        lent |= {"oob_score": False} if getattr(model, "oob_score", False) else {}
        lent |= labelled_weights(model, train.y, train.sample_weight)
        waits = nullcontext() if self._checkpoint is None else self._checkpoint.polled()
        with lent_parameters(model, **lent), _quiet_presets(model), waits:
            yield

    def add(self, size: int) -> None:
        """Grow to so many members."""
        # `fit` skips the draws of the members before: it must start where they did.
        random_state = copy.deepcopy(self._random_state)
        self._model.set_params(n_estimators=size, random_state=random_state)
        fit_rows(self._model, self._train)
        self.seeds.append(getattr(self._model, "_seeds", ()))

    def reached(self, size: int, more: Any) -> None:
        """Say that the fit can go on from here."""
        if self._checkpoint is not None:
            self._checkpoint.reached(
                size, lambda: dumped(fitted_part(self._model), self.seeds, more)
            )


def keep_members(model: Any, best: int, seeds: list[Any]) -> None:
    """Drop the members after the best."""
    for name in _PER_MEMBER:
        if hasattr(model, name):
            setattr(model, name, getattr(model, name)[:best])
    if hasattr(model, "_seeds"):
        # Bagging's `estimators_samples_` draws each member's rows again from its seed.
        model._seeds = np.concatenate(seeds)[:best]


@contextmanager
def _quiet_presets(model: Any) -> Iterator[None]:
    """Silence the one warning that class weights by subsample do not suit `warm_start`.

    It is meant for calls with different rows; these are the same ones each time.
    """
    if getattr(model, "class_weight", None) != "balanced_subsample":
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="class_weight presets")
        yield

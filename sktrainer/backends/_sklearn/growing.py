"""Ensembles whose members do not depend on each other: more are added, none is changed."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from sklearn.utils import check_array

from sktrainer.backends._base import FitRequest
from sktrainer.backends._sklearn.resuming import dumped, fitted_part, loaded, put_back
from sktrainer.backends._sklearn.watching import (
    Watch,
    finished,
    fit_rows,
    labelled_weights,
    lent_parameters,
)
from sktrainer.types import Array, ModelFit, Rows

__all__ = ["Bagging", "Forest", "GrownAtOnce"]

Vote = Callable[[int], Array]

# What is kept for each member; the last two are imbalanced-learn's.
_PER_MEMBER = ("estimators_", "estimators_features_", "samplers_", "pipelines_")


def _step(model: Any, n_threads: int) -> int:
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


class Forest:
    """RandomForest and ExtraTrees: trees are added until their mean gets no better.

    A forest stopped at k trees is that of ``n_estimators=k``, to the bit: each tree's seed
    is drawn in turn.
    """

    iteration = "tree"
    count = "n_estimators"
    stops_by_default = False
    in_segments = False
    exact_is_plain = True

    def fit_watched(self, request: FitRequest, watch: Watch) -> ModelFit:
        """Add trees until the monitor stops, cut to the best."""
        return _grow(request, watch, _float32(request.train), _tree_votes(request, watch))

    def fit_exactly(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` trees."""
        with lent_parameters(request.model, n_estimators=n_iter):
            if request.checkpoint is None:
                fit_rows(request.model, request.train)
            else:
                grow_exactly(request, _float32(request.train), n_iter)


class Bagging:
    """Bagging, whatever its members are."""

    iteration = "member"
    count = "n_estimators"
    stops_by_default = False
    in_segments = False
    exact_is_plain = True

    def fit_watched(self, request: FitRequest, watch: Watch) -> ModelFit:
        """Add members until the monitor stops, cut to the best."""
        outcome = _grow(request, watch, request.train, _member_votes(request, watch))
        # Unlike a forest, it divides by this parameter rather than by how many it has.
        request.model.set_params(n_estimators=len(request.model.estimators_))
        return outcome

    def fit_exactly(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` members; `n_estimators` stays there, as `predict` divides by it."""
        request.model.set_params(n_estimators=n_iter)
        if request.checkpoint is None:
            fit_rows(request.model, request.train)
        else:
            grow_exactly(request, request.train, n_iter)


class GrownAtOnce:
    """Any other ensemble that has `warm_start` and `n_estimators`.

    It is grown a member at a time and predicts with all of them after each; as nothing is
    known of its inside, it is fitted once more with the best number of members.
    """

    iteration = "member"
    count = "n_estimators"
    stops_by_default = False
    in_segments = False
    exact_is_plain = False

    def fit_watched(self, request: FitRequest, watch: Watch) -> ModelFit:
        """Grow until the monitor stops, fit again with the best number."""
        model, limit = copy.deepcopy(request.model), request.model.n_estimators
        model.set_params(warm_start=True)
        begin, checkpoint = 0, request.checkpoint
        found = None if checkpoint is None else checkpoint.found()
        if found is not None:
            begin, (state,) = found.iteration, loaded(found.state)
            put_back(model, state)
        size = begin
        for size in range(begin + 1, limit + 1):
            model.set_params(n_estimators=size)
            fit_rows(model, request.train)
            if watch.record(size, watch.predicted_by(model)):
                break
            if checkpoint is not None:
                checkpoint.reached(size, lambda: dumped(fitted_part(model)))
        outcome = finished(request, size, stopped=request.monitor.stopped)
        self.fit_exactly(request, outcome.best_iteration or size)
        return outcome

    def fit_exactly(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` members."""
        with lent_parameters(request.model, n_estimators=n_iter):
            fit_rows(request.model, request.train)


def _grow(request: FitRequest, watch: Watch, train: Rows, vote: Vote) -> ModelFit:
    """Add members a few at a time, record them one by one, drop those after the best."""
    model, limit = request.model, request.model.n_estimators
    step = _step(model, request.n_threads)
    oob_score = getattr(model, "oob_score", False)
    members = _Members(request, train)
    total: Any = 0.0
    size, more = members.resume()
    if more is not None:
        total = more
    with members.under_way():
        while size < limit and not request.monitor.stopped:
            target = min(size + step, limit)
            members.add(target)
            while size < target and not request.monitor.stopped:
                total = total + vote(size)
                size += 1
                watch.record(size, watch.predicted(total / size))
            if not request.monitor.stopped:
                members.reached(size, total)
    outcome = finished(request, size, stopped=request.monitor.stopped)
    best = outcome.best_iteration or size
    _keep(model, best, members.seeds)
    if oob_score:
        # The out-of-bag score is not kept member by member: the forest of `best` members
        # is fitted in one go to have it.
        with lent_parameters(model, n_estimators=best):
            fit_rows(model, request.train)
    return outcome


def grow_exactly(request: FitRequest, train: Rows, n_iter: int) -> None:
    """Grow `n_iter` members a few at a time, to the bits of one `fit`, from a checkpoint on."""
    model, size = request.model, 0
    step, oob_score = _step(model, request.n_threads), getattr(model, "oob_score", False)
    members = _Members(request, train)
    size, _ = members.resume()
    with members.under_way():
        while size < n_iter:
            size = min(size + step, n_iter)
            if oob_score and size == n_iter:  # of all members, by the last call alone
                model.set_params(oob_score=True)
            members.add(size)
            members.reached(size, None)
    _keep(model, n_iter, members.seeds)


class _Members:
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


def _keep(model: Any, best: int, seeds: list[Any]) -> None:
    """Drop the members after the best."""
    for name in _PER_MEMBER:
        if hasattr(model, name):
            setattr(model, name, getattr(model, name)[:best])
    if hasattr(model, "_seeds"):
        # Bagging's `estimators_samples_` draws each member's rows again from its seed.
        model._seeds = np.concatenate(seeds)[:best]


def _float32(rows: Rows) -> Rows:
    """Convert once what a forest would convert in each call of `fit`."""
    X = rows.X
    if not isinstance(X, np.ndarray) or X.dtype == np.float32 or X.dtype.kind not in "biuf":
        return rows
    # What is too large becomes infinite, which the forest itself refuses by name.
    with np.errstate(over="ignore"):
        return Rows(X.astype(np.float32), rows.y, rows.sample_weight)


def _tree_votes(request: FitRequest, watch: Watch) -> Vote:
    X = check_array(
        watch.rows.X, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False
    )
    method = "predict_proba" if watch.classes is not None else "predict"

    def vote(i: int) -> Array:
        answer: Array = getattr(request.model.estimators_[i], method)(X, check_input=False)
        return answer

    return vote


def _member_votes(request: FitRequest, watch: Watch) -> Vote:
    X = check_array(
        watch.rows.X, accept_sparse=["csr", "csc"], dtype=None, ensure_all_finite=False
    )
    n_classes = 0 if watch.classes is None else len(watch.classes)

    def vote(i: int) -> Array:
        member = request.model.estimators_[i]
        columns = X[:, request.model.estimators_features_[i]]
        if not n_classes:
            return np.asarray(member.predict(columns), dtype=float)
        if not hasattr(member, "predict_proba"):
            votes: Array = np.eye(n_classes)[member.predict(columns)]
            return votes
        # Members know classes by their codes, and only those that their rows had.
        votes = np.zeros((X.shape[0], n_classes))
        votes[:, member.classes_] = member.predict_proba(columns)
        return votes

    return vote


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

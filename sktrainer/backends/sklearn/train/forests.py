"""Forests, bagging and other ensembles that grow by `warm_start`."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from sklearn.utils import check_array

from sktrainer.backends.base import FitRequest, watched_fit
from sktrainer.backends.sklearn.checkpoint import (
    dump_state,
    fitted_attributes,
    load_state,
    set_fitted_attributes,
)
from sktrainer.backends.sklearn.parameters import (
    balanced_class_weight,
    fit_rows,
    override_params,
)
from sktrainer.backends.sklearn.train.validation import ValidationScorer
from sktrainer.types import Array, ModelFit, Rows

__all__ = [
    "BaggingStrategy",
    "ForestStrategy",
    "WarmStartMembers",
    "WarmStartStrategy",
    "fit_members",
    "members_per_step",
    "truncate_members",
]

MemberPredictions = Callable[[int], Array]


class ForestStrategy:
    """RandomForest and ExtraTrees: add trees until the mean prediction stops improving.

    A forest stopped at k trees is bit-identical to a forest with ``n_estimators=k``, because
    the seeds of the trees are drawn in order.
    """

    iteration = "tree"
    count_parameter = "n_estimators"
    stops_by_default = False
    in_segments = False
    equals_plain_fit = True

    def fit_with_monitor(self, request: FitRequest, watch: ValidationScorer) -> ModelFit:
        """Add trees until the monitor stops and keep the best number."""
        return _add_members(
            request, watch, _float32(request.train), _tree_votes(request, watch)
        )

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` trees."""
        with override_params(request.model, n_estimators=n_iter):
            if request.checkpoint is None:
                fit_rows(request.model, request.train)
            else:
                fit_members(request, _float32(request.train), n_iter)


class BaggingStrategy:
    """Bagging with any type of member."""

    iteration = "member"
    count_parameter = "n_estimators"
    stops_by_default = False
    in_segments = False
    equals_plain_fit = True

    def fit_with_monitor(self, request: FitRequest, watch: ValidationScorer) -> ModelFit:
        """Add members until the monitor stops and keep the best number."""
        outcome = _add_members(request, watch, request.train, _member_votes(request, watch))
        # Unlike a forest, Bagging divides by this parameter, not by the number of members.
        request.model.set_params(n_estimators=len(request.model.estimators_))
        return outcome

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` members and keep `n_estimators=n_iter`, which `predict` divides by."""
        request.model.set_params(n_estimators=n_iter)
        if request.checkpoint is None or request.model.oob_score:
            # Bagging does not support oob_score together with warm_start.
            fit_rows(request.model, request.train)
        else:
            fit_members(request, request.train, n_iter)


class WarmStartStrategy:
    """Any other ensemble that has `warm_start` and `n_estimators`.

    The ensemble grows by one member at a time and predicts with all members after each step.
    Its internal structure is unknown, so that members cannot be dropped: it is fitted again
    with the best number of members.
    """

    iteration = "member"
    count_parameter = "n_estimators"
    stops_by_default = False
    in_segments = False
    equals_plain_fit = False

    def fit_with_monitor(self, request: FitRequest, watch: ValidationScorer) -> ModelFit:
        """Add members until the monitor stops and fit again with the best number."""
        # Grow a copy, so that `request.model` is unfitted for the final fit.
        model, limit = copy.deepcopy(request.model), request.model.n_estimators
        model.set_params(warm_start=True)
        begin, checkpoint = 0, request.checkpoint
        found = None if checkpoint is None else checkpoint.restore()
        if found is not None:
            begin, (state,) = found.iteration, load_state(found.state)
            set_fitted_attributes(model, state)
        size = begin
        for size in range(begin + 1, limit + 1):
            model.set_params(n_estimators=size)
            fit_rows(model, request.train)
            if watch.record(size, watch.predicted_by(model)):
                break
            if checkpoint is not None and size < limit:
                checkpoint.save_if_due(size, lambda: dump_state(fitted_attributes(model)))
        outcome = watched_fit(request, size, stopped=request.monitor.stopped)
        self.fit_n_iterations(request, outcome.best_iteration or size)
        return outcome

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` members."""
        with override_params(request.model, n_estimators=n_iter):
            fit_rows(request.model, request.train)


def _add_members(
    request: FitRequest, watch: ValidationScorer, train: Rows, vote: MemberPredictions
) -> ModelFit:
    """Add members in batches, record them one by one and drop those after the best."""
    model, limit = request.model, request.model.n_estimators
    step = members_per_step(model, request.n_threads)
    oob_score = getattr(model, "oob_score", False)
    members = WarmStartMembers(request, train)
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
            if size < limit and not request.monitor.stopped:
                members.reached(size, total)
    outcome = watched_fit(request, size, stopped=request.monitor.stopped)
    best = outcome.best_iteration or size
    truncate_members(model, best, members.seeds)
    if oob_score:
        # There is no out-of-bag score per member. Fit the best number of members in one call
        # to compute it.
        with override_params(model, n_estimators=best):
            fit_rows(model, request.train)
    return outcome


def _float32(rows: Rows) -> Rows:
    """Convert X to float32 once; a forest would convert it in each call of `fit`."""
    X = rows.X
    if not isinstance(X, np.ndarray) or X.dtype == np.float32 or X.dtype.kind not in "biuf":
        return rows
    # Too large values become infinite, for which the forest raises a clear error.
    with np.errstate(over="ignore"):
        return Rows(X.astype(np.float32), rows.y, rows.sample_weight)


def _tree_votes(request: FitRequest, watch: ValidationScorer) -> MemberPredictions:
    # Validate X once instead of in each tree.
    X = check_array(
        watch.rows.X, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False
    )
    method = "predict_proba" if watch.classes is not None else "predict"

    def vote(i: int) -> Array:
        answer: Array = getattr(request.model.estimators_[i], method)(X, check_input=False)
        return answer

    return vote


def _member_votes(request: FitRequest, watch: ValidationScorer) -> MemberPredictions:
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
        # Members use class codes as labels and know only the classes in their own rows.
        votes = np.zeros((X.shape[0], n_classes))
        votes[:, member.classes_] = member.predict_proba(columns)
        return votes

    return vote


# Attributes with one entry per member; the last two are used by imbalanced-learn.
_PER_MEMBER = ("estimators_", "estimators_features_", "samplers_", "pipelines_")


def members_per_step(model: Any, n_threads: int) -> int:
    """Return the number of members to add per batch.

    Each call of `fit` validates the table again and starts new threads. Compared with 60
    trees in one call (two cores, single runs), one tree per call took 1.9 times as long on
    300 rows with one thread, and 6.5 and 3.2 times as long on 300 and 3,000 rows with two.
    Eight trees per call had no overhead with one thread, took about 1.5 and 1.3 times as
    long with two threads on the small tables, and had no measurable overhead on 30,000 rows.
    At most one batch less one member is trained in vain.

    Subclasses from other packages that override `fit` train all members in one call:
    BalancedRandomForestClassifier of imbalanced-learn draws two seeds per tree but skips only
    one per existing tree, so that the trees added by `warm_start` depend on the batch size.
    """
    if type(model).fit.__module__.split(".")[0] != "sklearn":
        return int(model.n_estimators)
    return max(8, 4 * n_threads)


def fit_members(request: FitRequest, train: Rows, n_iter: int) -> None:
    """Grow `n_iter` members in batches with checkpoints, bit-identical to one `fit`."""
    model, size = request.model, 0
    step, oob_score = (
        members_per_step(model, request.n_threads),
        getattr(model, "oob_score", False),
    )
    members = WarmStartMembers(request, train)
    size, _ = members.resume()
    with members.under_way():
        while size < n_iter:
            size = min(size + step, n_iter)
            if oob_score and size == n_iter:  # the last call computes it for all members
                model.set_params(oob_score=True)
            members.add(size)
            if size < n_iter:
                members.reached(size, None)
    truncate_members(model, n_iter, members.seeds)


class WarmStartMembers:
    """Members of one fit, added with `warm_start` and resumable from a checkpoint."""

    def __init__(self, request: FitRequest, train: Rows) -> None:
        self.seeds: list[Any] = []
        self._model, self._train, self._checkpoint = request.model, train, request.checkpoint
        self._random_state = request.model.random_state

    def resume(self) -> tuple[int, Any]:
        """Load the checkpoint; return its number of members and the `more` of `reached`."""
        found = None if self._checkpoint is None else self._checkpoint.restore()
        if found is None:
            return 0, None
        fitted, self.seeds, more = load_state(found.state)
        set_fitted_attributes(self._model, fitted)
        return found.iteration, more

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Set the parameters needed to add members, and restore them at the end."""
        model, train = self._model, self._train
        lent = {"warm_start": True, "n_estimators": model.n_estimators}
        lent["random_state"] = self._random_state
        # The out-of-bag score is computed only once, at the end.
        lent |= {"oob_score": False} if getattr(model, "oob_score", False) else {}
        lent |= balanced_class_weight(model, train.y, train.sample_weight)
        waits = nullcontext() if self._checkpoint is None else self._checkpoint.defer_signals()
        with override_params(model, **lent), _silence_warm_start_warning(model), waits:
            yield

    def add(self, size: int) -> None:
        """Grow the ensemble to `size` members."""
        # `fit` skips the draws of the existing members, so the generator must be in its
        # initial state.
        random_state = copy.deepcopy(self._random_state)
        self._model.set_params(n_estimators=size, random_state=random_state)
        fit_rows(self._model, self._train)
        self.seeds.append(getattr(self._model, "_seeds", ()))

    def reached(self, size: int, more: Any) -> None:
        """Offer the current state to the checkpoint."""
        if self._checkpoint is not None:
            self._checkpoint.save_if_due(
                size, lambda: dump_state(fitted_attributes(self._model), self.seeds, more)
            )


def truncate_members(model: Any, best: int, seeds: list[Any]) -> None:
    """Keep the first `best` members."""
    for name in _PER_MEMBER:
        if hasattr(model, name):
            setattr(model, name, getattr(model, name)[:best])
    if hasattr(model, "_seeds"):
        # `estimators_samples_` of Bagging redraws the rows of each member from its seed.
        model._seeds = np.concatenate(seeds)[:best]


@contextmanager
def _silence_warm_start_warning(model: Any) -> Iterator[None]:
    """Suppress the warning about ``class_weight="balanced_subsample"`` with `warm_start`.

    The warning is about calls with different data; here the data is the same in each call.
    """
    if getattr(model, "class_weight", None) != "balanced_subsample":
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="class_weight presets")
        yield

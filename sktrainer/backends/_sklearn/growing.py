"""Ensembles of independent members, which grow without changing the existing members."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils import check_array

from sktrainer.backends._base import FitRequest
from sktrainer.backends._sklearn.members import (
    WarmStartMembers,
    fit_members,
    members_per_step,
    truncate_members,
)
from sktrainer.backends._sklearn.resuming import (
    dump_state,
    fitted_attributes,
    load_state,
    set_fitted_attributes,
)
from sktrainer.backends._sklearn.watching import (
    ValidationScorer,
    fit_rows,
    override_params,
    watched_fit,
)
from sktrainer.types import Array, ModelFit, Rows

__all__ = ["BaggingStrategy", "ForestStrategy", "WarmStartStrategy"]

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

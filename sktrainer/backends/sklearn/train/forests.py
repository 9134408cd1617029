"""Forests, bagging and other ensembles that grow by `warm_start`."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import check_array

from sktrainer.backends.base import FitRequest, watched_fit
from sktrainer.backends.sklearn.checkpoint import resume, save_if_due
from sktrainer.backends.sklearn.parameters import (
    balanced_class_weight,
    fit_rows,
    override_params,
    truncate,
)
from sktrainer.backends.sklearn.snapshots import first_iterations
from sktrainer.backends.sklearn.train.base import IterationStrategy
from sktrainer.backends.sklearn.train.validation import ValidationScorer
from sktrainer.callbacks.early_stopping import Monitor
from sktrainer.types import Array, ModelFit, Rows

MemberPredictions = Callable[[int], Array]


class ForestStrategy(IterationStrategy):
    """RandomForest and ExtraTrees: add trees until the mean prediction stops improving.

    A forest stopped at k trees is bit-identical to a forest with ``n_estimators=k``, because
    the seeds of the trees are drawn in order.
    """

    iteration = "tree"
    equals_plain_fit = True

    def fit_with_monitor(self, request: FitRequest, validation: ValidationScorer) -> ModelFit:
        """Add trees until the monitor stops and keep the best number."""
        # Validate X once instead of in each tree.
        X = check_array(
            validation.rows.X,
            accept_sparse="csr",
            dtype=np.float32,
            ensure_all_finite=False,
            force_writeable=True,  # trees refuse the read-only memory of a DataFrame
        )
        method = "predict_proba" if validation.classes is not None else "predict"

        def predict_tree(i: int) -> Array:
            tree = request.model.estimators_[i]
            predicted: Array = getattr(tree, method)(X, check_input=False)
            return predicted

        return _add_members(request, validation, _float32(request.train), predict_tree)

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` trees."""
        if request.checkpoint is None and not request.monitor.is_observed:
            super().fit_n_iterations(request, n_iter)
        else:
            with override_params(request.model, n_estimators=n_iter):
                _fit_members(request, _float32(request.train), n_iter)


class BaggingStrategy(IterationStrategy):
    """Bagging with any type of member."""

    equals_plain_fit = True

    def fit_with_monitor(self, request: FitRequest, validation: ValidationScorer) -> ModelFit:
        """Add members until the monitor stops and keep the best number."""
        predict_member = _bagging_predictions(request.model, validation)
        outcome = _add_members(request, validation, request.train, predict_member)
        # Unlike a forest, Bagging divides by this parameter, not by the number of members.
        request.model.set_params(n_estimators=len(request.model.estimators_))
        return outcome

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` members and keep `n_estimators=n_iter`, which `predict` divides by."""
        request.model.set_params(n_estimators=n_iter)
        in_steps = request.checkpoint is not None or request.monitor.is_observed
        if not in_steps or request.model.oob_score:
            # Bagging does not support oob_score together with warm_start.
            fit_rows(request.model, request.train)
        else:
            request.model.set_params(n_estimators=_fit_members(request, request.train, n_iter))


class WarmStartStrategy(IterationStrategy):
    """Any other ensemble that has `warm_start` and `n_estimators`.

    The ensemble grows by one member at a time and predicts with all members after each step.
    Its internal structure is unknown, so that members cannot be dropped: it is fitted again
    with the best number of members.
    """

    def fit_with_monitor(self, request: FitRequest, validation: ValidationScorer) -> ModelFit:
        """Add members until the monitor stops and fit again with the best number."""
        # Grow a copy, so that `request.model` is unfitted for the final fit.
        model, limit = copy.deepcopy(request.model), request.model.n_estimators
        model.set_params(warm_start=True)
        begin, _ = resume(request, model)
        size = begin
        for size in range(begin + 1, limit + 1):
            model.set_params(n_estimators=size)
            fit_rows(model, request.train)
            request.monitor.snapshot = partial(copy.deepcopy, model)
            if validation.record(size, validation.predicted_by(model)):
                break
            if size < limit:
                save_if_due(request, size, model)
        outcome = watched_fit(request, size, stopped=request.monitor.stopped)
        self.fit_n_iterations(request, outcome.best_iteration or size)
        return outcome


def _add_members(
    request: FitRequest,
    validation: ValidationScorer,
    train: Rows,
    predict_member: MemberPredictions,
) -> ModelFit:
    """Add members in batches, record them one by one and drop those after the best."""
    model, monitor, limit = request.model, request.monitor, request.model.n_estimators
    has_oob_score = getattr(model, "oob_score", False)
    step = _members_per_step(model, request.n_threads)
    members = _WarmStartMembers(request, train)
    size, total = members.resume()
    with members.growing():
        while size < limit and not monitor.stopped:
            target = min(size + step, limit)
            members.grow(target)
            while size < target and not monitor.stopped:
                total = total + predict_member(size)
                size += 1
                monitor.snapshot = partial(first_iterations, model, size)
                validation.record(size, validation.predicted(total / size))
            if size < limit and not monitor.stopped:
                members.save_if_due(size, total)
    outcome = watched_fit(request, size, stopped=monitor.stopped)
    best = outcome.best_iteration or size
    members.truncate(best)
    if has_oob_score:
        # There is no out-of-bag score per member. Fit the best number of members in one call
        # to compute it.
        with override_params(model, n_estimators=best):
            fit_rows(model, request.train)
    return outcome


def _fit_members(request: FitRequest, train: Rows, n_iter: int) -> int:
    """Grow `n_iter` members in batches, bit-identical to one `fit`; return their number.

    A callback may stop the fit after each batch.
    """
    model, step = request.model, _members_per_step(request.model, request.n_threads)
    has_oob_score = getattr(model, "oob_score", False)
    members = _WarmStartMembers(request, train)
    size, _ = members.resume()
    with members.growing():
        while size < n_iter:
            begin, size = size, min(size + step, n_iter)
            if has_oob_score and size == n_iter:  # the last call computes it for all members
                model.set_params(oob_score=True)
            members.grow(size)
            stopped = _observe(request.monitor, model, begin, size)
            if stopped is not None:
                size = stopped
                break
            if size < n_iter:
                members.save_if_due(size)
    members.truncate(size)
    return size


def _observe(monitor: Monitor, model: Any, begin: int, end: int) -> int | None:
    """Pass each new member to a callback; return the one after which it stops, if any."""
    if monitor.is_observed:
        for size in range(begin + 1, end + 1):
            monitor.snapshot = partial(first_iterations, model, size)
            if monitor.observe(size, {}):
                return size
    return None


def _float32(rows: Rows) -> Rows:
    """Convert X to float32 once; a forest would convert it in each call of `fit`."""
    X = rows.X
    if not isinstance(X, np.ndarray) or X.dtype == np.float32 or X.dtype.kind not in "biuf":
        return rows
    # Too large values become infinite, for which the forest raises a clear error.
    with np.errstate(over="ignore"):
        return Rows(X.astype(np.float32), rows.y, rows.sample_weight)


def _bagging_predictions(model: Any, validation: ValidationScorer) -> MemberPredictions:
    """Return a function that predicts the validation rows with one member of Bagging."""
    X = check_array(
        validation.rows.X,
        accept_sparse=["csr", "csc"],
        dtype=None,
        ensure_all_finite=False,
        force_writeable=True,
    )
    n_classes = 0 if validation.classes is None else len(validation.classes)

    def predict_member(i: int) -> Array:
        member = model.estimators_[i]
        columns = X[:, model.estimators_features_[i]]
        if not n_classes:
            return np.asarray(member.predict(columns), dtype=float)
        if not hasattr(member, "predict_proba"):
            votes: Array = np.eye(n_classes)[member.predict(columns)]
            return votes
        # Members use class codes as labels and know only the classes in their own rows.
        probabilities = np.zeros((X.shape[0], n_classes))
        probabilities[:, member.classes_] = member.predict_proba(columns)
        return probabilities

    return predict_member


def _members_per_step(model: Any, n_threads: int) -> int:
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


class _WarmStartMembers:
    """Members of one fit, added with `warm_start` and resumable from a checkpoint."""

    def __init__(self, request: FitRequest, train: Rows) -> None:
        self._request, self._model, self._train = request, request.model, train
        self._random_state = request.model.random_state
        self._seeds: list[Any] = []

    def resume(self) -> tuple[int, Any]:
        """Load the checkpoint; return its number of members and sum of their predictions."""
        size, values = resume(self._request, self._model)
        total: Any = 0.0
        if values:
            self._seeds, total = values
        return size, total

    @contextmanager
    def growing(self) -> Iterator[None]:
        """Set the parameters needed to add members, and restore them at the end."""
        model, train = self._model, self._train
        params = {
            "warm_start": True,
            "n_estimators": model.n_estimators,
            "random_state": self._random_state,
            **balanced_class_weight(model, train.y, train.sample_weight),
        }
        if getattr(model, "oob_score", False):
            params["oob_score"] = False  # computed only once, at the end
        with (
            override_params(model, **params),
            _silence_warm_start_warning(model),
            self._request.defer_signals(),
        ):
            yield

    def grow(self, size: int) -> None:
        """Grow the ensemble to `size` members."""
        # `fit` skips the draws of the existing members, so the generator must be in its
        # initial state.
        random_state = copy.deepcopy(self._random_state)
        self._model.set_params(n_estimators=size, random_state=random_state)
        fit_rows(self._model, self._train)
        self._seeds.append(getattr(self._model, "_seeds", ()))

    def save_if_due(self, size: int, total: Array | None = None) -> None:
        """Save the members and the sum of their predictions, if a checkpoint is due."""
        save_if_due(self._request, size, self._model, self._seeds, total)

    def truncate(self, size: int) -> None:
        """Keep the first `size` members."""
        # The last two are attributes of ensembles of imbalanced-learn.
        truncate(
            self._model, size, "estimators_", "estimators_features_", "samplers_", "pipelines_"
        )
        if hasattr(self._model, "_seeds"):
            # `estimators_samples_` of Bagging redraws the rows of each member from its seed.
            self._model._seeds = np.concatenate(self._seeds)[:size]


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

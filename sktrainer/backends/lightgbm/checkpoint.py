"""Training of LightGBM in segments of rounds. The rows are binned only once."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import _safe_indexing

from sktrainer.backends._boosting.recorder import RoundRecorder, train_curve_rows
from sktrainer.backends._boosting.segments import SegmentHistory, train_in_segments
from sktrainer.backends.base import FitRequest
from sktrainer.backends.lightgbm.callback import RoundCallback
from sktrainer.backends.lightgbm.metrics import EvalMetricParam
from sktrainer.backends.lightgbm.parameters import SEED, unset_params
from sktrainer.runtime.seeds import derive_seed, root_seed, segment_seed
from sktrainer.types import Rows

if TYPE_CHECKING:
    import lightgbm

# LightGBM derives these seeds from `seed` if they are not set. If the user sets them, each
# segment needs different values; otherwise all segments would draw the same numbers.
_EXTRA_SEED_PARAMS = tuple(
    "bagging_seed bagging_fraction_seed feature_fraction_seed drop_seed extra_seed "
    "objective_seed".split()
)

_BIN_SEED_PARAM = "data_random_seed"
Fit = Callable[[Rows, Any, RoundCallback | None], None]


class SegmentedTraining:
    """Segment-wise training of one fit.

    ``fit(rows, booster, callback)`` fits the wrapper on top of a booster. `metric` is the
    `eval_metric` of the wrapper.
    """

    def __init__(
        self,
        request: FitRequest,
        recorder: RoundRecorder,
        history: SegmentHistory,
        fit: Fit,
        metric: EvalMetricParam,
    ) -> None:
        self._request = request
        self._recorder = recorder
        self._history = history
        self._callback = RoundCallback(request, recorder, None, history)
        self._fit = fit
        self._metric = metric
        self._datasets: tuple[Any, list[tuple[str, Any]]] | None = None

    def train(self, max_iter: int) -> None:
        """Train up to `max_iter` rounds, starting from the latest checkpoint."""
        from lightgbm import Booster

        request, history, recorder = self._request, self._history, self._recorder
        model, checkpoint = request.model, request.checkpoint
        assert checkpoint is not None
        with _segment_seeds(model) as seeds:

            def train_segment(content: bytes, n_rounds: int, segment: int) -> bytes:
                # Load the model from its text, exactly as a resumed process does.
                booster = Booster(model_str=content.decode()) if content else None
                trained = self._train_segment(booster, n_rounds, seeds(segment))
                return bytes(trained.model_to_string(num_iteration=-1).encode())

            content = train_in_segments(checkpoint, recorder, history, max_iter, train_segment)
        if self._datasets is None:
            # The checkpoint is complete. Fit a few rows to set classes and columns.
            model.set_params(n_estimators=1)
            self._fit(_one_row_per_class(request), None, None)
        # Set the fitted attributes of the wrapper, as its own `fit` does.
        booster = Booster(model_str=(history.best_model or content).decode())
        best = (request.monitor.best_iteration or 1) - 1
        scores: Any = defaultdict(OrderedDict)
        for part, logs in history.logs.items():
            scores[part].update((metric, values[best]) for metric, values in logs.items())
        booster.best_score = model._best_score = scores
        # A best iteration of 0 makes predictions use all rounds.
        booster.best_iteration = model._best_iteration = (
            recorder.best_iteration if recorder.stops_early else 0
        )
        model._Booster, model._evals_result = booster, history.logs

    def _train_segment(
        self, booster: lightgbm.Booster | None, n_rounds: int, seeds: Mapping[str, int]
    ) -> Any:
        """Train a segment; return its booster. Only the first one uses the wrapper."""
        model = self._request.model
        if self._datasets is None:
            model.set_params(n_estimators=n_rounds, **seeds)
            self._fit(self._request.train, booster, self._callback)
            self._datasets = self._binned_datasets()
            return model.booster_
        # The wrapper would bin the rows again.
        import lightgbm
        from lightgbm.sklearn import _EvalFunctionWrapper, _ObjectiveFunctionWrapper

        train, evaluated = self._datasets
        params = {**self._callback.params, **seeds}
        params.pop("num_iterations", None)  # it would override `n_rounds`
        if callable(model._objective):
            params["objective"] = _ObjectiveFunctionWrapper(model._objective)
        feval: Any = _EvalFunctionWrapper(self._metric) if callable(self._metric) else None
        return lightgbm.train(
            params,
            train,
            n_rounds,
            valid_sets=[dataset for _, dataset in evaluated],
            valid_names=[name for name, _ in evaluated],
            feval=feval,
            init_model=booster,
            callbacks=[self._callback],
        )

    def _binned_datasets(self) -> tuple[Any, list[tuple[str, Any]]]:
        """Return the binned training set and the evaluation sets that the wrapper built.

        The raw values, which the wrapper frees, are set again: LightGBM needs them to
        continue from a model.
        """
        request, datasets = self._request, self._callback.datasets
        assert datasets is not None
        train, evaluated = datasets
        parts = [train_curve_rows(request), request.validation]
        values = [part.X for part in parts if part is not None]
        # If the training curve uses all training rows, it shares their dataset.
        shared = [("train", train)] if len(evaluated) < len(values) else []
        for (_, dataset), X in zip(evaluated, values[len(shared) :], strict=True):
            dataset.data = X
        train.data = request.train.X
        return train, [*shared, *evaluated]


@contextmanager
def _segment_seeds(model: Any) -> Iterator[Callable[[int], dict[str, int]]]:
    """Yield a function that returns a segment's seeds; restore the parameters at the end."""
    params = model.get_params()
    seed_name = next(name for name in SEED if params.get(name) is not None)
    seed = root_seed(params[seed_name])
    extra = {
        name: int(params[name]) for name in _EXTRA_SEED_PARAMS if params.get(name) is not None
    }
    # This seed determines the bins, so it must be the same for all segments.
    bin_seed = params.get(_BIN_SEED_PARAM)
    if bin_seed is None:
        bin_seed = derive_seed(seed, _BIN_SEED_PARAM)

    def seeds_of(segment: int) -> dict[str, int]:
        seeds = {name: segment_seed(value, segment) for name, value in extra.items()}
        return {**seeds, _BIN_SEED_PARAM: bin_seed, seed_name: segment_seed(seed, segment)}

    try:
        yield seeds_of
    finally:
        if _BIN_SEED_PARAM not in params:
            unset_params(model, [_BIN_SEED_PARAM])
        model.set_params(**{name: params[name] for name in (seed_name, *extra)})


def _one_row_per_class(request: FitRequest) -> Rows:
    """Return at least two rows that together contain every class."""
    rows = np.arange(2)
    if request.task == "classification":
        _, first = np.unique(request.train.y, return_index=True)
        rows = np.union1d(rows, first)
    return Rows(_safe_indexing(request.train.X, rows), request.train.y[rows])

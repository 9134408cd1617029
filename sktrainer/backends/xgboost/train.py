"""Training of an XGBoost model."""

from __future__ import annotations

from typing import Any

from sktrainer.backends._boosting.recorder import RoundRecorder, train_curve_rows
from sktrainer.backends.base import FitRequest
from sktrainer.backends.xgboost.callback import (
    RoundHistory,
    make_round_callback,
    non_stopping_callbacks,
    offset_callback,
    truncate_to_best,
)
from sktrainer.backends.xgboost.checkpoint import train_in_segments
from sktrainer.backends.xgboost.metrics import set_metric
from sktrainer.backends.xgboost.parameters import is_truncatable, n_rounds
from sktrainer.types import ModelFit

__all__ = ["fit_rounds"]


def fit_rounds(request: FitRequest) -> ModelFit:
    """Fit the model round by round."""
    model = request.model
    before = {name: getattr(model, name) for name in ("callbacks", "eval_metric")}
    own_rounds = model.n_estimators
    max_iter = request.n_iter or n_rounds(model)
    others = non_stopping_callbacks(model)
    recorder = RoundRecorder(request, set_metric(request))
    try:
        if request.checkpoint is not None:
            _train_in_segments(request, recorder, max_iter, others)
            return recorder.outcome(model, max_iter)
        model.n_estimators = max_iter
        model.callbacks = [*others, make_round_callback(request, recorder)]
        _train(request, watched=True)
        if not is_truncatable(model) and recorder.best_iteration < recorder.n_iter:
            model.n_estimators, model.callbacks = recorder.best_iteration, others or None
            _train(request, watched=False)
    finally:
        model.n_estimators = own_rounds
        for name, value in before.items():
            setattr(model, name, value)
    return recorder.outcome(model, max_iter)


def _train_in_segments(
    request: FitRequest, recorder: RoundRecorder, max_iter: int, others: list[Any]
) -> None:
    model, cuttable = request.model, is_truncatable(request.model)
    rounds = RoundHistory(keeps_best=recorder.stops_early and not cuttable)

    def fit(begin: int, booster: Any) -> None:
        live = make_round_callback(request, recorder, rounds, begin)
        model.callbacks = [*(offset_callback(callback, begin) for callback in others), live]
        _train(request, watched=True, booster=booster)

    train_in_segments(request, recorder, rounds, max_iter, fit)
    if recorder.stops_early and cuttable:
        model._Booster = truncate_to_best(model.get_booster(), recorder, request.monitor)


def _train(request: FitRequest, *, watched: bool, booster: Any = None) -> None:
    parts = [train_curve_rows(request)] if watched else []
    if watched and request.validation is not None:
        parts.append(request.validation)
    train = request.train
    request.model.fit(
        train.X,
        train.y,
        sample_weight=train.sample_weight,
        # If the curve uses all training rows, pass the same objects as above: XGBoost then
        # evaluates on the training matrix instead of building a second one.
        eval_set=[(part.X, part.y) for part in parts] or None,
        sample_weight_eval_set=[part.sample_weight for part in parts] or None,
        verbose=False,
        xgb_model=booster,
    )

"""Training of an XGBoost model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sktrainer.backends._boosting.recorder import RoundRecorder, train_curve_rows
from sktrainer.backends.base import FitRequest
from sktrainer.backends.xgboost.callback import make_round_callback, non_stopping_callbacks
from sktrainer.backends.xgboost.checkpoint import fit_in_segments
from sktrainer.backends.xgboost.metrics import set_metric
from sktrainer.backends.xgboost.parameters import is_truncatable, n_rounds
from sktrainer.types import ModelFit

if TYPE_CHECKING:
    import xgboost


def fit_rounds(request: FitRequest) -> ModelFit:
    """Fit the model round by round."""
    model = request.model
    changed = ("callbacks", "eval_metric", "n_estimators")
    before = {name: getattr(model, name) for name in changed}
    max_iter = request.n_iter or n_rounds(model)
    callbacks = non_stopping_callbacks(model)
    recorder = RoundRecorder(request, set_metric(request))
    try:
        if request.checkpoint is not None:
            fit_in_segments(request, recorder, max_iter, callbacks, partial(_fit, request))
            return recorder.outcome(model, max_iter)
        model.n_estimators = max_iter
        model.callbacks = [*callbacks, make_round_callback(request, recorder)]
        _fit(request)
        if not is_truncatable(model) and recorder.best_iteration < recorder.n_iter:
            model.n_estimators, model.callbacks = recorder.best_iteration, callbacks or None
            _fit(request, evaluate=False)
    finally:
        for name, value in before.items():
            setattr(model, name, value)
    return recorder.outcome(model, max_iter)


def _fit(
    request: FitRequest, booster: xgboost.Booster | None = None, *, evaluate: bool = True
) -> None:
    parts = [train_curve_rows(request), request.validation] if evaluate else []
    evaluated = [part for part in parts if part is not None]
    train = request.train
    request.model.fit(
        train.X,
        train.y,
        sample_weight=train.sample_weight,
        # If the curve uses all training rows, pass the same objects as above: XGBoost then
        # evaluates on the training matrix instead of building a second one.
        eval_set=[(part.X, part.y) for part in evaluated] or None,
        sample_weight_eval_set=[part.sample_weight for part in evaluated] or None,
        verbose=False,
        xgb_model=booster,
    )

"""Training of the toy models, iteration by iteration."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np

from sktrainer.backends.base import Backend, Capabilities, FitRequest, watched_fit
from sktrainer.backends.eval_metric import score_eval_metric
from sktrainer.backends.support import DECREASE, AllowedTypes, ParameterSpec
from sktrainer.runtime.seeds import derive_seed, set_unset_seeds
from sktrainer.types import ModelFit, Task
from tests.toy_backend import SPEC


class ToyBackend(Backend):
    """Backend of `ToyClassifier` and `ToyRegressor`."""

    spec = SPEC
    parameters = ParameterSpec(losses=(), divergence_fixes={"step_size": DECREASE})
    allowed_types = AllowedTypes(
        ("tests.toy_backend.model.ToyClassifier", "tests.toy_backend.model.ToyRegressor")
    )

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        return Capabilities(
            accepts_sparse=False,
            predict_is_argmax=True,
            max_iter=model.max_iter,
            early_stopping_by_default=True,
        )

    def fit(self, request: FitRequest) -> ModelFit:
        model, monitor, checkpoint = request.model, request.monitor, request.checkpoint
        set_unset_seeds(model, request.seed)
        train, targets = request.train, model.start(request.train.X, request.train.y)
        last, done, best = request.n_iter or model.max_iter, 0, model.weights_
        found = None if checkpoint is None else checkpoint.restore()
        if found is not None:
            done = found.iteration
            model.weights_, best = np.frombuffer(found.state["coef"]).reshape(2, *best.shape)
        with nullcontext() if checkpoint is None else checkpoint.defer_signals():
            while done < last and not monitor.stopped:
                done += 1
                rng = np.random.default_rng(derive_seed(model.random_state, done))
                model.step(train.X, targets, train.sample_weight, rng)
                loss = model.loss(train.X, targets, train.sample_weight)
                monitor.record(done, {"train": {"loss": loss}, **self._validate(request)})
                if monitor.improved or not monitor.stops:
                    best = model.weights_
                if checkpoint is not None and not monitor.stopped:
                    state = np.stack([model.weights_, best]).tobytes()
                    checkpoint.save_if_due(done, lambda state=state: {"coef": state})
        model.weights_ = best
        return watched_fit(request, done, stopped=monitor.stopped)

    def _validate(self, request: FitRequest) -> dict[str, dict[str, float]]:
        model, rows = request.model, request.validation
        if rows is None or not request.monitor.stops:
            return {}
        classes = getattr(model, "classes_", None)
        targets = rows.y[:, None] if classes is None else rows.y[:, None] == classes
        proba = getattr(model, "predict_proba", None)
        scores = score_eval_metric(request, classes, model.predict, proba)
        loss = model.loss(rows.X, targets, rows.sample_weight)
        return {"validation": {"loss": loss, **scores}}

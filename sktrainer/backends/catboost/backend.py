"""Backend for the estimators of CatBoost."""

from __future__ import annotations

import copy
from typing import Any

from sktrainer.backends._boosting.parameters import refuse_unsupported
from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends.base import Backend, Capabilities, FitRequest
from sktrainer.backends.catboost import SPEC
from sktrainer.backends.catboost.checkpoint import snapshot_params
from sktrainer.backends.catboost.devices import CatBoostDevices
from sktrainer.backends.catboost.metrics import requested_metric
from sktrainer.backends.catboost.onnx import CatBoostOnnxConverter
from sktrainer.backends.catboost.parameters import (
    OVERRIDDEN_PARAMS,
    ROUNDS_PARAMS,
    SEED_PARAMS,
    VERBOSITY_PARAMS,
    check_parameter_names,
    n_rounds,
    override_params,
    set_device,
    set_unset_params,
)
from sktrainer.backends.catboost.serialize import ALLOWED_TYPES, CatBoostSerializer
from sktrainer.backends.catboost.train import train_rounds
from sktrainer.backends.support import (
    CLASS_WEIGHT,
    DECREASE,
    INCREASE,
    ClassParameter,
    ColumnParameter,
    ParameterSpec,
)
from sktrainer.types import ModelFit, Task


class CatBoostBackend(Backend):
    """Backend for CatBoostClassifier, CatBoostRegressor, and subclasses.

    With ``tol=0``, CatBoost's own overfitting detector, which applies the same rule, stops
    the fit. The history is then replayed from `get_evals_result`, without times. A Python
    callback receives the complete history in each round, which makes a fit 1.3 times as long;
    it is used only with ``tol > 0``, which CatBoost does not support.
    """

    spec = SPEC
    parameters = ParameterSpec(
        seeds=SEED_PARAMS,
        losses=("loss_function", "objective"),
        threads=("thread_count",),
        verbosity=VERBOSITY_PARAMS,
        divergence_fixes={"learning_rate": DECREASE, "l2_leaf_reg": INCREASE},
        patience=("early_stopping_rounds", "od_wait"),
        classes={
            "class_weights": CLASS_WEIGHT,
            "class_names": ClassParameter("order"),
            "auto_class_weights": ClassParameter(weights="labels"),
            "scale_pos_weight": ClassParameter(weights="positive"),
        },
        columns={
            "monotone_constraints": ColumnParameter("each"),
            "feature_weights": ColumnParameter("weights"),
            "ignored_features": ColumnParameter("listed"),
            "cat_features": ColumnParameter("categories", lambda _: None),
            "text_features": ColumnParameter("strings"),
            "embedding_features": ColumnParameter("strings"),
        },
        nested_defaults={"allow_writing_files": False},
    )
    devices = CatBoostDevices()
    allowed_types = ALLOWED_TYPES
    serializer = CatBoostSerializer()
    onnx = CatBoostOnnxConverter()

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        refuse_unsupported(model, "CatBoost")
        check_parameter_names(model)
        return Capabilities(
            native_categorical=True,
            category_codes="frame",
            native_missing=True,
            scale_sensitive=False,
            predict_is_argmax=isinstance(
                model.get_params().get("loss_function", "Logloss"), str
            ),
            max_iter=n_rounds(model.get_params()),
            early_stopping_by_default=True,
            inner_folds_by_default=True,
            iteration_name="round",
            releases_gil=True,
        )

    def as_nested(self, model: Any) -> Any:
        """Return a classifier whose labels have one dimension for any number of classes."""
        from catboost import CatBoostClassifier

        from sktrainer.backends.catboost.nested import NestedCatBoostClassifier

        if type(model) is not CatBoostClassifier:
            return model
        return NestedCatBoostClassifier(**copy.deepcopy(model.get_params(deep=False)))

    def fit(self, request: FitRequest) -> ModelFit:
        refuse_unsupported(request.model, "CatBoost")
        model = request.model
        if request.device is not None:
            set_device(model, request.device)
        set_unset_params(request)
        given = model.get_params()
        max_iter = request.n_iter or n_rounds(given)
        names, changes = requested_metric(request)
        recorder = RoundRecorder(request, names)
        defaults = self.parameters.nested_defaults
        changes |= {name: v for name, v in defaults.items() if given.get(name) is None}
        dropped = (
            *OVERRIDDEN_PARAMS,
            *ROUNDS_PARAMS,
            *(["cat_features"] if request.categorical else []),
        )
        with (
            snapshot_params(request.checkpoint) as more,
            override_params(model, {**changes, **more, "iterations": max_iter}, dropped),
        ):
            train_rounds(request, recorder)
        return recorder.outcome(model, max_iter)

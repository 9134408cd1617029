"""Backend for the scikit-learn estimators of XGBoost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sktrainer.backends._boosting.parameters import refuse_unsupported
from sktrainer.backends.base import Backend, Capabilities, FitRequest
from sktrainer.backends.support import (
    DECREASE,
    INCREASE,
    ClassParameter,
    ColumnParameter,
    InputLimits,
    MissingParameter,
    ParameterSpec,
)
from sktrainer.backends.xgboost import SPEC
from sktrainer.backends.xgboost.devices import XGBoostDevices, check_no_cpu_fallback
from sktrainer.backends.xgboost.onnx import XGBoostOnnxConverter
from sktrainer.backends.xgboost.parameters import (
    is_random_forest,
    is_truncatable,
    n_rounds,
    set_unset_params,
    unused_parameters,
)
from sktrainer.backends.xgboost.serialize import ALLOWED_TYPES, XGBoostSerializer
from sktrainer.backends.xgboost.train import fit_rounds
from sktrainer.types import ModelFit, Task


class XGBoostBackend(Backend):
    """Backend for XGBClassifier, XGBRegressor, their random forests, and subclasses.

    The booster is cut to its best round, as `xgboost.callback.EarlyStopping(save_best=True)`
    does. DART and gblinear change earlier trees or coefficients in later rounds. These models
    are fitted again with the best number of rounds. A booster trained on a GPU is set to
    predict on the CPU: it then works on machines without a GPU, and XGBoost does not warn
    that the rows are on a different device.
    """

    spec = SPEC
    parameters = ParameterSpec(
        seeds=("random_state", "seed"),
        losses=("objective",),
        threads=("n_jobs", "nthread"),
        verbosity=("verbosity",),
        patience=("early_stopping_rounds", "callbacks.EarlyStopping.rounds"),
        classes={"scale_pos_weight": ClassParameter(weights="positive")},
        columns={
            "monotone_constraints": ColumnParameter("each", tuple),
            "interaction_constraints": ColumnParameter("groups", str),
            "feature_weights": ColumnParameter("weights"),
            "feature_types": ColumnParameter("types"),
        },
        missing={
            "missing": MissingParameter(
                lambda value: math.nan if value is None else float(value), math.nan
            )
        },
        divergence_fixes={
            "min_child_weight": "increase {name} (now {value}; try 1 for very rare classes)",
            "learning_rate": DECREASE,
            "reg_lambda": INCREASE,
        },
    )
    input_limits = InputLimits("[]<")
    devices = XGBoostDevices()
    allowed_types = ALLOWED_TYPES
    serializer = XGBoostSerializer()
    onnx = XGBoostOnnxConverter()

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        refuse_unsupported(model, "XGBModel")
        linear = model.booster == "gblinear"
        # The exact algorithm and multi-output trees do not support categorical features.
        plain = model.tree_method != "exact" and model.multi_strategy != "multi_output_tree"
        is_boosted = is_truncatable(model) and not is_random_forest(model)
        return Capabilities(
            native_categorical=not linear and plain,
            native_missing=not linear,
            scale_sensitive=linear,
            predict_is_argmax=model.objective in (None, "binary:logistic", "multi:softprob"),
            max_iter=None if is_random_forest(model) else n_rounds(model),
            early_stopping_by_default=is_boosted,
            inner_folds_by_default=is_boosted,
            iteration_name="round",
            releases_gil=True,
            segmented_training=not is_random_forest(model),
        )

    def ignored_parameters(self, model: Any) -> Mapping[str, str]:
        return unused_parameters(model)

    def fit(self, request: FitRequest) -> ModelFit:
        refuse_unsupported(request.model, "XGBModel")
        model = request.model
        if request.device is not None:
            model.set_params(device=request.device)
        on_gpu = str(self.devices.configured_device(model)).startswith("cuda")
        if on_gpu:
            check_no_cpu_fallback(str(model.device))
        set_unset_params(request)
        own_stop, model.early_stopping_rounds = model.early_stopping_rounds, None
        try:
            if is_random_forest(model):
                model.fit(
                    request.train.X,
                    request.train.y,
                    sample_weight=request.train.sample_weight,
                    verbose=False,
                )
                fit = ModelFit(model=model, stop_reason="single_fit")
            else:
                fit = fit_rounds(request)
            if on_gpu:
                model.get_booster().set_param({"device": "cpu"})
            return fit
        finally:
            model.early_stopping_rounds = own_stop

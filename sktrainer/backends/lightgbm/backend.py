"""Backend for the scikit-learn estimators of LightGBM."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sktrainer.backends._boosting.parameters import refuse_unsupported
from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends.base import Backend, Capabilities, FitRequest
from sktrainer.backends.lightgbm import SPEC
from sktrainer.backends.lightgbm.callback import RoundCallback
from sktrainer.backends.lightgbm.devices import LightGBMDevices
from sktrainer.backends.lightgbm.metrics import resolve_metric
from sktrainer.backends.lightgbm.onnx import LightGBMOnnxConverter
from sktrainer.backends.lightgbm.parameters import (
    LINEAR,
    PATIENCE,
    SEED,
    THREADS,
    check_predicts_labels,
    first_set,
    is_dart,
    is_random_forest,
    n_rounds,
    override_params,
    set_device,
    set_unset_params,
    unknown_parameters,
)
from sktrainer.backends.lightgbm.serialize import ALLOWED_TYPES, LightGBMSerializer
from sktrainer.backends.lightgbm.train import train_in_segments, train_rounds
from sktrainer.backends.support import (
    CLASS_WEIGHT,
    DECREASE,
    INCREASE,
    ClassParameter,
    ColumnParameter,
    InputLimits,
    MissingParameter,
    ParameterSpec,
    SafeSetting,
)
from sktrainer.types import ModelFit, Task


class LightGBMBackend(Backend):
    """Backend for LGBMClassifier, LGBMRegressor, and subclasses.

    The backend sets `best_iteration_`, which predictions use, as LightGBM's early stopping
    does. DART changes earlier trees in later rounds, so that these models are fitted again
    with the best number of rounds.
    """

    spec = SPEC
    parameters = ParameterSpec(
        seeds=SEED,
        losses=("objective",),
        threads=THREADS,
        verbosity=("verbosity", "verbose"),
        missing={
            "zero_as_missing": MissingParameter(
                lambda value: 0.0 if value in (True, "true") else math.nan, False
            )
        },
        divergence_fixes={
            "min_child_weight": "increase {name} (now {value}; try 1 for very rare classes)",
            "learning_rate": DECREASE,
            "reg_lambda": INCREASE,
        },
        # With rare classes, leaves of a very small sum of hessians get very large values.
        safe_settings={
            "min_child_weight": SafeSetting(
                1.0,
                aliases=(
                    "min_sum_hessian_in_leaf",
                    "min_sum_hessian_per_leaf",
                    "min_sum_hessian",
                    "min_hessian",
                ),
            )
        },
        patience=PATIENCE,
        classes={
            "class_weight": CLASS_WEIGHT,
            "scale_pos_weight": ClassParameter(weights="positive"),
            **dict.fromkeys(
                ("is_unbalance", "unbalance", "unbalanced_sets"),
                ClassParameter(weights="balance"),
            ),
        },
        columns={
            **dict.fromkeys(
                ("monotone_constraints", "monotone_constraint", "monotonic_cst", "mc"),
                ColumnParameter("each"),
            ),
            **dict.fromkeys(
                ("feature_contri", "feature_contrib", "feature_penalty", "fc", "fp"),
                ColumnParameter("weights"),
            ),
            **dict.fromkeys(
                (
                    "categorical_feature",
                    "categorical_column",
                    "categorical_features",
                    "cat_feature",
                ),
                ColumnParameter("types"),
            ),
            "interaction_constraints": ColumnParameter("groups"),
        },
    )
    input_limits = InputLimits('",:[]{}', sparse_floats_only=True)
    devices = LightGBMDevices()
    allowed_types = ALLOWED_TYPES
    serializer = LightGBMSerializer()
    onnx = LightGBMOnnxConverter()

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        refuse_unsupported(model, "LGBMModel")
        if task == "classification":
            check_predicts_labels(model)
        given = model.get_params()
        is_boosted = not is_random_forest(given) and not is_dart(given)
        return Capabilities(
            native_categorical=True,
            native_missing=True,
            # Linear leaves depend on the values of a column, not only on their order.
            scale_sensitive=bool(first_set(given, LINEAR)),
            predict_is_argmax=not callable(model.objective),
            max_iter=n_rounds(given),
            early_stopping_by_default=is_boosted,
            inner_folds_by_default=is_boosted,
            iteration_name="round",
            releases_gil=True,
            # LightGBM cannot continue the training of a random forest.
            segmented_training=not is_random_forest(given),
        )

    def ignored_parameters(self, model: Any) -> Mapping[str, str]:
        return unknown_parameters(model)

    def fit(self, request: FitRequest) -> ModelFit:
        refuse_unsupported(request.model, "LGBMModel")
        model = request.model
        if request.device is not None:
            set_device(model, request.device)
        set_unset_params(request)
        given = model.get_params()
        max_iter = request.n_iter or n_rounds(given)
        names, metric = resolve_metric(request, given)
        recorder = RoundRecorder(request, names)
        cuts = recorder.stops_early and not is_dart(given)
        with override_params(request, max_iter):
            if request.checkpoint is not None and not is_random_forest(given):
                train_in_segments(request, recorder, max_iter, metric, cuts=cuts)
                return recorder.outcome(model, max_iter)
            train_rounds(
                request, RoundCallback(request, recorder, max_iter if cuts else None), metric
            )
            if recorder.stops_early and not cuts and recorder.best_iteration < recorder.n_iter:
                model.set_params(n_estimators=recorder.best_iteration)
                train_rounds(request)
        return recorder.outcome(model, max_iter)

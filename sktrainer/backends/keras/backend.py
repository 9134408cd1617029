"""Keras backend: models, model-building functions, wrappers of scikeras and keras.wrappers."""

from __future__ import annotations

import json
from typing import Any

from sktrainer.backends._networks.onnx import NetworkOnnxConverter
from sktrainer.backends._networks.parameters import epochs_or_none
from sktrainer.backends.base import Backend, Capabilities, FitRequest
from sktrainer.backends.keras import SPEC
from sktrainer.backends.keras.devices import gpus, random_state, set_random_state, set_seeds
from sktrainer.backends.keras.estimator import KerasEstimator
from sktrainer.backends.keras.network import (
    decode_networks,
    encode_networks,
    hash_stable_copy,
)
from sktrainer.backends.keras.recognize import is_instance, is_keras_model, is_keras_wrapper
from sktrainer.backends.keras.serialize import ALLOWED_TYPES, FORMAT, NETWORK_SERIALIZER
from sktrainer.backends.keras.train import fit_network, partial_fit_network
from sktrainer.backends.keras.wrappers import to_trainable
from sktrainer.backends.registry import is_builder
from sktrainer.backends.support import (
    CLASS_WEIGHT,
    DECREASE,
    ClassParameter,
    NetworkSerializer,
    ParameterSpec,
)
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.devices import AvailableGpus
from sktrainer.types import ModelFit, Task


class KerasDevices:
    """GPUs of Keras models, which have no device parameter."""

    def configured_device(self, model: Any) -> None:
        return None

    def available_gpus(self, model: Any) -> AvailableGpus:
        return gpus()


class KerasNetworks:
    """Keras models as instances, classes or builders, and the wrappers of two packages."""

    serializer: NetworkSerializer = NETWORK_SERIALIZER

    def is_raw(self, value: object) -> bool:
        return is_keras_model(value) or is_builder(value)

    def wrap(self, value: object) -> Any:
        """Return the estimator of a model or builder; a wrapper becomes trainable."""
        if self.is_raw(value):
            return KerasEstimator(value)
        return to_trainable(value) if is_keras_wrapper(value) else value

    def clone(self, value: Any) -> Any:
        """Return a copy of a model, or of an estimator with its models.

        Keras's own pickling consumes Python's global random state. `sklearn.clone` drops the
        `fit_kwargs` of keras.wrappers, so wrappers are rebuilt from their parameters.
        """
        if is_keras_model(value):
            return hash_stable_copy(value)
        if not is_keras_wrapper(value):
            return clone_estimator(value)
        params = encode_networks(value.get_params(deep=False))
        copies = {name: clone_estimator(item) for name, item in params.items()}
        return type(value)(**decode_networks(copies))

    def encode(self, value: object) -> Any:
        return encode_networks({"": value})[""]

    def decode(self, encoded: object) -> Any:
        return decode_networks({"": encoded})[""]

    def describe(self, value: Any) -> Any:
        """Return the configuration of a model, optimizer, loss or metric, and its weights."""
        if not hasattr(value, "get_config"):
            return None
        compiled = value.get_compile_config() if getattr(value, "compiled", False) else None
        # The configuration of a Keras loss omits some of its arguments; add them.
        losses = (value, getattr(value, "loss", None))
        parts = [
            value.get_config(),
            compiled,
            [getattr(loss, "_fn_kwargs", None) for loss in losses],
        ]
        weights = value.get_weights() if hasattr(value, "get_weights") else None
        return [json.dumps(parts, default=str, sort_keys=True), weights]

    def problems(self, model: Any) -> list[str]:
        found: list[str] = model.problems()
        return found

    def was_trained(self, model: Any) -> bool:
        """Return whether the optimizer of a model instance has made any steps."""
        inner = getattr(model, "model", None)
        optimizer = getattr(inner, "optimizer", None) if is_instance(inner) else None
        return optimizer is not None and int(optimizer.iterations) > 0

    def runtime_packages(self, model: Any) -> tuple[str, ...]:
        import keras

        return ("keras", keras.backend.backend())

    def random_state(self) -> Any:
        return random_state()

    def set_random_state(self, state: Any) -> None:
        set_random_state(state)

    def seed(self, seed: int) -> None:
        set_seeds(seed)


class KerasBackend(Backend):
    """Backend for Keras models."""

    spec = SPEC
    parameters = ParameterSpec(
        divergence_fixes={"learning_rate": DECREASE},
        patience=tuple(
            f"{name}.EarlyStopping.patience"
            for name in ("callbacks", "fit__callbacks", "fit_kwargs.callbacks")
        ),
        classes={
            "class_weight": CLASS_WEIGHT,
            "fit__class_weight": CLASS_WEIGHT,
            "fit_kwargs.class_weight": ClassParameter(weights="codes"),
        },
    )
    devices = KerasDevices()
    allowed_types = ALLOWED_TYPES
    serializer = FORMAT
    onnx = NetworkOnnxConverter('trainer.model_.model_.export(path, format="onnx")')
    fit_chunk = staticmethod(partial_fit_network)
    networks = KerasNetworks()

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        """Return the requirements and capabilities of this model."""
        return Capabilities(
            accepts_sparse=False,
            accepts_nd=True,
            multi_output=True,
            predict_is_argmax=True,
            max_iter=epochs_or_none(model.training_options().epochs),
            early_stopping_by_default=True,
            iteration_name="epoch",
        )

    def fit(self, request: FitRequest) -> ModelFit:
        return fit_network(request)

"""Keras: models as configurations and arrays, and their estimators as plain values."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.backends._networks.documents import ArrayStore
from sktrainer.backends._networks.placeholders import EstimatorPlaceholder
from sktrainer.backends._networks.serializer import NetworkFiles
from sktrainer.backends.keras.recognize import is_keras_object, root_package
from sktrainer.backends.support import (
    AllowedTypes,
    ModelParts,
    ModelSerializer,
    NetworkSerializer,
    import_paths,
)
from sktrainer.exceptions import FileFormatError
from sktrainer.files.json_codec import decode_json, encode_json
from sktrainer.runtime.global_state import preserve_global_state

MEMBER = "model.keras"
ROOTS = ("keras", "scikeras")

ALLOWED_TYPES = AllowedTypes(
    objects=(
        "sktrainer/keras-output-spec",
        "keras.src.callbacks.early_stopping.EarlyStopping",
        "keras.src.callbacks.learning_rate_scheduler.LearningRateScheduler",
        "keras.src.callbacks.terminate_on_nan.TerminateOnNaN",
        "keras.src.wrappers.utils.TargetReshaper",
        *import_paths(
            "scikeras.utils.transformers",
            "ClassifierLabelEncoder RegressorTargetEncoder TargetReshaper",
        ),
    ),
    classes=(
        "sktrainer/keras-estimator",
        *import_paths("scikeras.wrappers", "BaseWrapper KerasClassifier KerasRegressor"),
        *import_paths(
            "keras.src.wrappers.sklearn_wrapper", "SKLearnClassifier SKLearnRegressor"
        ),
    ),
    class_prefixes=("keras.src.losses.", "keras.src.metrics.", "keras.src.optimizers."),
    # `__setstate__` of these classes accepts Lambda layers.
    refused=("keras.src.", "scikeras.wrappers", "sktrainer.backends.keras.mixin"),
)


class KerasSerializer:
    """File format of Keras estimators: parameters, model and optimizer state."""

    suffixes: tuple[str, ...] = (".keras",)

    def split(self, model: Any) -> ModelParts:
        """Separate the Keras model from its estimator."""
        return ModelParts(*NETWORK_SERIALIZER.to_files(model, MEMBER))

    def join(self, parts: ModelParts) -> Any:
        """Restore the Keras model and its estimator."""
        is_estimator = isinstance(parts.state, EstimatorPlaceholder)
        if not is_estimator or f"{MEMBER}.json" not in parts.files:
            raise FileFormatError(f"{MEMBER}.json or its estimator is missing")
        return NETWORK_SERIALIZER.from_files(parts.state, parts.files, MEMBER)

    def write(self, model: Any, path: Path) -> None:
        """Write a file that `keras.saving.load_model` can read."""
        with preserve_global_state(), warnings.catch_warnings():
            # Keras on TensorFlow implements `__array__` in a way that NumPy deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            model.model_.save(path)


class KerasNetworkSerializer(NetworkFiles):
    """Serializer of Keras objects, on their own or as attributes of estimators."""

    prefix = "trainer.keras"
    array_suffix = ".npz"

    def holds(self, value: object) -> bool:
        """Return whether Keras can restore this object from a configuration."""
        return is_keras_object(value)

    def encode(self, networks: Sequence[Any]) -> tuple[bytes, bytes]:
        """Return Keras objects as JSON and arrays of NumPy."""
        from sktrainer.backends.keras.network import encode_object

        store = ArrayStore()
        document = encode_json([encode_object(item) for item in networks], store.encode)
        return document, store.to_bytes()

    def decode(self, document: bytes, arrays: bytes) -> Sequence[Any]:
        """Create Keras objects, whose import paths must be trusted."""
        from sktrainer.backends.keras.network import decode_object

        return [decode_object(entry) for entry in _entries(document, arrays)]

    def type_names(self, document: bytes, arrays: bytes) -> set[str]:
        """Return the import paths that the user must trust."""
        from sktrainer.backends.keras.audit import audit_entry

        entries = _entries(document, arrays)
        return {name for entry in entries for name in audit_entry(entry).needed}

    def take_apart(self, value: object) -> EstimatorPlaceholder | None:
        """Return class and attributes of a Keras estimator, without the adapter's class."""
        if isinstance(value, type) or not hasattr(value, "get_params"):
            return None
        from sktrainer.backends.keras.estimator import KerasEstimator
        from sktrainer.backends.keras.mixin import KerasEstimatorBase

        kind = type(value)
        fitted = isinstance(value, KerasEstimatorBase) and not isinstance(value, KerasEstimator)
        if not isinstance(value, KerasEstimatorBase) and not _is_of_keras(kind):
            return None
        return EstimatorPlaceholder(
            kind.__bases__[1] if fitted else kind, dict(vars(value)), fitted
        )

    def put_together(self, stored: EstimatorPlaceholder) -> Any:
        """Return a Keras estimator."""
        from sktrainer.backends.keras.estimator import KerasEstimator
        from sktrainer.backends.keras.wrappers import with_mixin

        kind: Any = stored.kind
        known = isinstance(kind, type) and (
            issubclass(kind, KerasEstimator) or _is_of_keras(kind)
        )
        if not known or not hasattr(kind, "get_params"):
            raise FileFormatError(
                f"it contains an estimator of class {kind!r}, which is not a Keras estimator"
            )
        kind = with_mixin(kind) if stored.fitted else kind
        net = kind.__new__(kind)  # without __setstate__, which accepts Lambda layers
        vars(net).update(stored.state)
        return net


FORMAT = KerasSerializer()
NETWORK_SERIALIZER = KerasNetworkSerializer()


def _entries(document: bytes, arrays: bytes) -> list[dict[str, Any]]:
    """Return the objects in a document as plain values and arrays, without creating them."""
    entries: list[dict[str, Any]] = decode_json(document, ArrayStore.from_bytes(arrays).readers)
    return entries


def _is_of_keras(kind: type) -> bool:
    return any(root_package(base) in ROOTS for base in kind.__mro__)


if TYPE_CHECKING:
    _: ModelSerializer = FORMAT
    __: NetworkSerializer = NETWORK_SERIALIZER

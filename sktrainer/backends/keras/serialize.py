"""Keras: models as configurations and arrays, and their estimators as plain values."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.backends._networks.documents import ArrayStore
from sktrainer.backends._networks.placeholders import (
    EstimatorPlaceholder,
    NetworkPlaceholder,
    insert_networks,
    replace_networks,
)
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

__all__ = ["ALLOWED_TYPES", "FORMAT", "STOWAGE"]


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
        return ModelParts(*STOWAGE.stowed(model, MEMBER))

    def join(self, halves: ModelParts) -> Any:
        """Restore the Keras model and its estimator."""
        is_estimator = isinstance(halves.state, EstimatorPlaceholder)
        if not is_estimator or f"{MEMBER}.json" not in halves.files:
            raise FileFormatError(f"{MEMBER}.json or its estimator is missing")
        return STOWAGE.unstowed(halves.state, halves.files, MEMBER)

    def write(self, model: Any, path: Path) -> None:
        """Write a file that `keras.saving.load_model` can read."""
        with preserve_global_state(), warnings.catch_warnings():
            # Keras on TensorFlow implements `__array__` in a way that NumPy deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            model.model_.save(path)


class KerasNetworkSerializer:
    """Storage of Keras estimators, and of bare Keras models, optimizers and losses."""

    prefix = "trainer.keras"

    def stowed(self, value: Any, prefix: str) -> tuple[Any, dict[str, bytes]]:
        """Return a value with placeholders for its Keras objects, and files with these."""
        from sktrainer.backends.keras.network import encode_object

        objects: list[Any] = []
        if _is_estimator(value):
            kind, fitted = _user_class(value)
            state = replace_networks(vars(value), is_keras_object, objects)
            stored: Any = EstimatorPlaceholder(kind, state, fitted)
        else:
            stored = replace_networks(value, is_keras_object, objects)
        if not objects:
            return stored, {}
        store = ArrayStore()
        document = encode_json([encode_object(item) for item in objects], store.encode)
        return stored, {f"{prefix}.json": document, f"{prefix}.npz": store.to_bytes()}

    def unstowed(self, value: Any, files: Mapping[str, bytes], prefix: str) -> Any:
        """Restore a value from the results of `stowed`."""
        if not isinstance(value, (NetworkPlaceholder, EstimatorPlaceholder)):
            return value
        from sktrainer.backends.keras.network import decode_object

        objects = []
        if f"{prefix}.json" in files:
            objects = [decode_object(entry) for entry in _entries(files, prefix)]
        if isinstance(value, NetworkPlaceholder):
            return insert_networks(value, objects)
        return _rebuild_estimator(value, insert_networks(value.state, objects))

    def named(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the import paths that the user must trust to load a bundle's files."""
        from sktrainer.backends.keras.audit import audit_entry

        prefixes = [n.removesuffix(".json") for n in files if n.endswith(".keras.json")]
        entries = [entry for prefix in prefixes for entry in _entries(files, prefix)]
        return {name for entry in entries for name in audit_entry(entry).needed}


FORMAT = KerasSerializer()


STOWAGE = KerasNetworkSerializer()


def _entries(files: Mapping[str, bytes], prefix: str) -> list[dict[str, Any]]:
    """Return the objects in a file as plain values and arrays, without creating them."""
    store = ArrayStore.from_bytes(files[f"{prefix}.npz"])
    entries: list[dict[str, Any]] = decode_json(files[f"{prefix}.json"], store.readers)
    return entries


def _is_estimator(value: Any) -> bool:
    from sktrainer.backends.keras.mixin import KerasEstimatorBase

    if isinstance(value, type) or not hasattr(value, "get_params"):
        return False
    return isinstance(value, KerasEstimatorBase) or _is_of_keras(type(value))


def _is_of_keras(kind: type) -> bool:
    return any(root_package(base) in ROOTS for base in kind.__mro__)


def _user_class(net: Any) -> tuple[type, bool]:
    """Return the estimator's class without the adapter, and whether there was one."""
    from sktrainer.backends.keras.estimator import KerasEstimator
    from sktrainer.backends.keras.mixin import KerasEstimatorBase

    if isinstance(net, KerasEstimatorBase) and not isinstance(net, KerasEstimator):
        return type(net).__bases__[1], True
    return type(net), False


def _rebuild_estimator(stored: EstimatorPlaceholder, state: dict[str, Any]) -> Any:
    from sktrainer.backends.keras.estimator import KerasEstimator
    from sktrainer.backends.keras.wrappers import with_mixin

    kind: Any = stored.kind
    known = isinstance(kind, type) and (issubclass(kind, KerasEstimator) or _is_of_keras(kind))
    if not known or not hasattr(kind, "get_params"):
        raise FileFormatError(
            f"it contains an estimator of class {kind!r}, which is not a Keras estimator"
        )
    kind = with_mixin(kind) if stored.fitted else kind
    net = kind.__new__(kind)  # without __setstate__, which accepts Lambda layers
    vars(net).update(state)
    return net


if TYPE_CHECKING:
    _: ModelSerializer = FORMAT
    __: NetworkSerializer = STOWAGE

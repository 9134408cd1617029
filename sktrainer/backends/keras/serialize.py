"""Keras: models as configurations and arrays, and their estimators as plain values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.backends._networks.placeholders import EstimatorPlaceholder, NetworkPlaceholder
from sktrainer.backends.support import (
    AllowedTypes,
    ModelParts,
    ModelSerializer,
    NetworkSerializer,
    import_paths,
)
from sktrainer.exceptions import FileFormatError
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
        if (
            not isinstance(halves.state, EstimatorPlaceholder)
            or f"{MEMBER}.json" not in halves.files
        ):
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
        from sktrainer.backends.keras.network import KerasObjectStore
        from sktrainer.backends.keras.recognize import is_keras_object

        drawer = KerasObjectStore()

        def stand_in(item: Any) -> Any:
            if is_keras_object(item):
                return NetworkPlaceholder(drawer.put(item))
            return _map_items(item, stand_in)

        stored = stand_in(value)
        if _is_estimator(value):
            kind, fitted = _user_class(value)
            state = {name: stand_in(item) for name, item in vars(value).items()}
            stored = EstimatorPlaceholder(kind, state, fitted)
        return stored, drawer.packed(prefix) if drawer.entries else {}

    def unstowed(self, value: Any, files: Mapping[str, bytes], prefix: str) -> Any:
        """Restore a value from the results of `stowed`."""
        from sktrainer.backends.keras.network import KerasObjectStore

        if not isinstance(value, (NetworkPlaceholder, EstimatorPlaceholder)):
            return value
        drawer = (
            KerasObjectStore.of(files, prefix)
            if f"{prefix}.json" in files
            else KerasObjectStore()
        )

        def made(item: Any) -> Any:
            return (
                drawer.take(item.number)
                if isinstance(item, NetworkPlaceholder)
                else _map_items(item, made)
            )

        if isinstance(value, NetworkPlaceholder):
            return made(value)
        return _rebuild_estimator(
            value, {name: made(item) for name, item in value.state.items()}
        )

    def named(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the import paths that the user must trust to load a bundle's files."""
        from sktrainer.backends.keras.network import KerasObjectStore

        prefixes = [n.removesuffix(".json") for n in files if n.endswith(".keras.json")]
        return {name for p in prefixes for name in KerasObjectStore.of(files, p).needed()}


FORMAT = KerasSerializer()


STOWAGE = KerasNetworkSerializer()


def _map_items(value: Any, change: Callable[[Any], Any]) -> Any:
    """Apply a function to each item of a list, tuple or dict; return other values as is."""
    if type(value) in (list, tuple):
        return type(value)(change(item) for item in value)
    if type(value) is dict:
        return {key: change(item) for key, item in value.items()}
    return value


def _is_estimator(value: Any) -> bool:
    from sktrainer.backends.keras.mixin import KerasEstimatorBase

    if isinstance(value, type) or not hasattr(value, "get_params"):
        return False
    return isinstance(value, KerasEstimatorBase) or _root(type(value)) in ROOTS


def _root(kind: type) -> str:
    roots = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((root for root in roots if root in ROOTS), "")


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
    known = isinstance(kind, type) and (
        issubclass(kind, KerasEstimator) or _root(kind) in ROOTS
    )
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

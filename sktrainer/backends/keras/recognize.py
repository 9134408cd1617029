"""Recognize Keras objects without importing Keras."""

from __future__ import annotations

from typing import Any

_KERAS_WRAPPERS = {"BaseWrapper", "SKLBase"}


def is_keras_model(estimator: Any) -> bool:
    """Return whether this is a Keras model (an instance or a class)."""
    mro = estimator.__mro__ if isinstance(estimator, type) else type(estimator).__mro__
    return any(c.__name__ == "Model" and root_package(c) == "keras" for c in mro)


def is_keras_wrapper(estimator: Any) -> bool:
    """Return whether the estimator is a wrapper of scikeras or `keras.wrappers`."""
    return not isinstance(estimator, type) and any(
        c.__name__ in _KERAS_WRAPPERS and root_package(c) in ("scikeras", "keras")
        for c in type(estimator).__mro__
    )


def root_package(kind: type) -> str:
    """Return the first part of a class's module name."""
    return kind.__module__.partition(".")[0]


def is_instance(model: Any) -> bool:
    """Return whether the value is a Keras model, and not a class or function."""
    return not isinstance(model, type) and hasattr(model, "train_on_batch")


def is_keras_object(value: object) -> bool:
    """Return whether Keras can restore this object from a configuration."""
    bases = [] if isinstance(value, type) else type(value).__mro__
    return hasattr(value, "get_config") and any(
        base.__module__.startswith("keras.src.") for base in bases
    )

"""A Keras model as plain values: its configuration and its variables.

Keras pickles a model as a zip file: that bears the time, so that no two are alike, leaves
out the states of dropout, and warns of a model that is not built yet, which is a good thing
to clone.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sktrainer.exceptions import ParameterError
from sktrainer.running.caller_state import kept

__all__ = ["copied", "is_described", "packed", "set_variables", "unpacked", "variables_of"]

_MARK = "__keras_model__"
_LIBRARIES = {"builtins", "h5py", "jax", "keras", "numpy", "optree", "tensorflow", "torch"}


def packed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same values, with each Keras model among them as plain values."""
    return {name: _pack(v) if _is_model(v) else v for name, v in values.items()}


def unpacked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same values, with the models made again."""
    return {name: _unpack(v) if _is_packed(v) else v for name, v in values.items()}


def copied(model: Any) -> Any:
    """Return another model with the same layers, weights and optimizer.

    Parameters
    ----------
    model : keras.Model
        Built or not, compiled or not.
    """
    return _unpack(_pack(model))


def _is_model(value: Any) -> bool:
    return not isinstance(value, type) and hasattr(value, "train_on_batch")


def _is_packed(value: Any) -> bool:
    return isinstance(value, dict) and _MARK in value


def _pack(model: Any) -> dict[str, Any]:
    import keras

    if not is_described(model):
        kind = type(model).__name__
        raise ParameterError(
            f"{kind} {model.name!r} cannot be copied, since {kind} has no get_config that says "
            f"what its constructor was given; pass the class {kind} or a function that builds "
            "the model, or write get_config"
        )
    return {
        _MARK: keras.saving.serialize_keras_object(model),
        "custom": _custom_objects(model),
        **variables_of(model),
    }


def is_described(model: Any) -> bool:
    """Tell whether a model's configuration says all of it.

    That of a subclass without a `get_config` of its own holds the defaults of its
    constructor, whatever this was given.
    """
    if not getattr(model.get_config, "_is_default", False):
        return True
    names = set(inspect.signature(type(model).__init__).parameters)
    return names <= {"self", "args", "kwargs", "name", "trainable", "dtype"}


def variables_of(model: Any) -> dict[str, Any]:
    """Return the weights of a model, and what its optimizer has gathered, as arrays."""
    gathers = model.compiled and model.optimizer is not None and model.optimizer.built
    return {
        "variables": [np.asarray(v) for v in model.variables],
        "optimizer": [np.asarray(v) for v in model.optimizer.variables] if gathers else None,
    }


def _unpack(state: dict[str, Any]) -> Any:
    import keras

    scope = keras.saving.custom_object_scope(state["custom"])
    with kept(), scope:  # layers draw seeds when they are made
        # A pickle runs code in any case: safe mode would only refuse Lambda layers.
        model = keras.saving.deserialize_keras_object(state[_MARK], safe_mode=False)
    set_variables(model, state)
    return model


def _custom_objects(model: Any) -> dict[str, Any]:
    """Return the classes and functions in a model that are not Keras's own, by name.

    Keras finds them again only where they are registered; here they go by reference, and a
    pickle imports what it refers to.
    """
    parts = [model, *model._flatten_layers()]
    if model.compiled:
        compiled = getattr(model._compile_config, "config", {})
        parts += [model.optimizer, *compiled.values()]
    found: dict[str, Any] = {}
    for part in parts:
        for value in (part, *_held(part)):
            kind = value if inspect.isroutine(value) or isinstance(value, type) else type(value)
            if getattr(kind, "__module__", None) and not _is_of_library(kind):
                found[kind.__name__] = kind
    return found


def _held(part: Any) -> Iterator[Any]:
    """Yield what a layer, a loss or a list of these holds."""
    values = part if isinstance(part, (list, tuple)) else getattr(part, "__dict__", {}).values()
    for value in list(values):
        if isinstance(value, (list, tuple)):
            yield from value
        else:
            yield value


def _is_of_library(kind: Any) -> bool:
    root = str(kind.__module__).partition(".")[0]
    return root in _LIBRARIES or root in sys.stdlib_module_names


def set_variables(model: Any, state: Mapping[str, Any]) -> None:
    """Give a model and its optimizer what `variables_of` took."""
    of_optimizer = state["optimizer"] or []
    if of_optimizer and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *(model.optimizer.variables if of_optimizer else [])]
    for variable, value in zip(variables, [*state["variables"], *of_optimizer], strict=True):
        variable.assign(value)

"""Keras models, losses and metrics as plain values: their configurations and variables.

Keras pickles a model as a zip file. This has a timestamp, so two pickles of one model differ;
it omits the states of dropout layers; and Keras warns about a model that is not built yet,
although such a model can be cloned.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from sktrainer.backends._keras_arguments import (
    is_function_wrapper,
    set_wrapped_arguments,
    wrapped_arguments,
)
from sktrainer.exceptions import ParameterError
from sktrainer.running.caller_state import preserve_global_state

__all__ = [
    "custom_parts",
    "decode_networks",
    "encode_networks",
    "has_full_config",
    "hash_stable_copy",
    "plain_copy",
    "set_variables",
    "variables_of",
]

_MARK = "__keras_model__"
_LIBRARIES = {"builtins", "h5py", "jax", "keras", "numpy", "optree", "tensorflow", "torch"}


def encode_networks(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with each model, loss and metric converted to plain values."""
    return {name: _packed(value) for name, value in values.items()}


def decode_networks(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the models, losses and metrics restored."""
    return {name: _unpacked(value) for name, value in values.items()}


def _packed(value: Any) -> Any:
    if _is_model(value):
        return _pack(value)
    if is_function_wrapper(value):
        return _pack_part(value)
    if type(value) in (list, tuple) and any(map(is_function_wrapper, value)):
        return type(value)(map(_packed, value))
    return value


def _unpacked(value: Any) -> Any:
    if _is_packed(value):
        return _unpack(value)
    if type(value) in (list, tuple) and any(map(_is_packed, value)):
        return type(value)(map(_unpacked, value))
    return value


def _pack_part(part: Any) -> dict[str, Any]:
    import keras

    return {
        _MARK: keras.saving.serialize_keras_object(part),
        "custom": custom_parts(part),
        "arguments": wrapped_arguments(part),
    }


def hash_stable_copy(model: Any) -> Any:
    """Return a copy of a model with the same layers, weights and optimizer.

    Pickles and hashes of the copy, and of copies of it, depend on these alone.

    Parameters
    ----------
    model : keras.Model
        Built or not, compiled or not.
    """
    return _mark_hash_stable(plain_copy(model))


def plain_copy(model: Any) -> Any:
    """Return a copy with Keras's own pickling."""
    return _unpack(_pack(model))


def _mark_hash_stable(model: Any) -> Any:
    # Set on the instance, so that its class stays unchanged. `__deepcopy__` overrides the one
    # that scikeras adds to all models.
    vars(model)["__reduce_ex__"] = partial(_reduced, model)
    vars(model)["__deepcopy__"] = partial(_marked_copy, model)
    return model


def _marked_copy(model: Any, memo: dict[int, Any]) -> Any:
    return hash_stable_copy(model)


def _reduced(model: Any, protocol: int) -> tuple[Any, ...]:
    return _revived, (_pack(model),)


def _revived(state: dict[str, Any]) -> Any:
    return _mark_hash_stable(_unpack(state))


def _is_model(value: Any) -> bool:
    return not isinstance(value, type) and hasattr(value, "train_on_batch")


def _is_packed(value: Any) -> bool:
    return isinstance(value, dict) and _MARK in value


def _pack(model: Any) -> dict[str, Any]:
    import keras

    if not has_full_config(model):
        kind = type(model).__name__
        raise ParameterError(
            f"{kind} {model.name!r} cannot be copied: {kind} has no get_config that returns "
            f"its constructor arguments; pass the class {kind} or a model-building function, "
            "or implement get_config"
        )
    return {
        _MARK: keras.saving.serialize_keras_object(model),
        "custom": custom_parts(model),
        "arguments": wrapped_arguments(model),
        **variables_of(model),
    }


def has_full_config(model: Any) -> bool:
    """Return whether a model can be restored from its configuration.

    The configuration of a subclass that does not define `get_config` has the defaults of
    its constructor, not the arguments that were passed.
    """
    if not getattr(model.get_config, "_is_default", False):
        return True
    names = set(inspect.signature(type(model).__init__).parameters)
    return names <= {"self", "args", "kwargs", "name", "trainable", "dtype"}


def variables_of(model: Any) -> dict[str, Any]:
    """Return the weights of a model and the state of its optimizer as arrays."""
    gathers = model.compiled and model.optimizer is not None and model.optimizer.built
    return {
        "variables": [np.asarray(v) for v in model.variables],
        "optimizer": [np.asarray(v) for v in model.optimizer.variables] if gathers else None,
    }


def _unpack(state: dict[str, Any]) -> Any:
    import keras

    scope = keras.saving.custom_object_scope(state.get("custom", {}))
    with preserve_global_state(), scope:  # layers draw seeds when they are created
        # Loading a pickle runs code anyway; safe mode would only reject Lambda layers.
        value = keras.saving.deserialize_keras_object(state[_MARK], safe_mode=False)
    if "arguments" in state:  # older pickles have none
        set_wrapped_arguments(value, state["arguments"])
    if "variables" in state:
        set_variables(value, state)
    return value


def custom_parts(model: Any) -> dict[str, Any]:
    """Return the user-defined classes and functions in a model, by their registered names.

    Without them, Keras can only restore registered objects.

    Parameters
    ----------
    model : keras.Model, or another object with a configuration

    Returns
    -------
    dict of str to class or function
    """
    import keras

    layers = list(model._flatten_layers()) if _is_model(model) else [model]
    held = [vars(layer) for layer in layers]
    held.append(getattr(getattr(model, "_compile_config", None), "config", None))
    parts: list[Any] = [type(layer) for layer in layers]
    parts += [part for part in _iter_parts(held) if isinstance(part, (type, FunctionType))]
    return {
        keras.saving.get_registered_name(part): part
        for part in parts
        if not _is_of_library(part) and (isinstance(part, type) or _is_importable(part))
    }


def _is_of_library(part: Any) -> bool:
    root = str(part.__module__).partition(".")[0]
    return root in _LIBRARIES or root in sys.stdlib_module_names


def _is_importable(part: Any) -> bool:
    """Return whether this can be imported, unlike the functions that Keras wraps methods in."""
    return getattr(sys.modules.get(part.__module__), part.__qualname__, None) is part


def _iter_parts(value: Any) -> Iterator[Any]:
    """Yield functions, and the classes of losses, metrics and optimizers."""
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _iter_parts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _iter_parts(item)
    elif hasattr(value, "get_config"):
        yield type(value)


def set_variables(model: Any, state: Mapping[str, Any]) -> None:
    """Assign the arrays from `variables_of` to a model and its optimizer."""
    of_optimizer = state["optimizer"] or []
    if of_optimizer and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *(model.optimizer.variables if of_optimizer else [])]
    for variable, value in zip(variables, [*state["variables"], *of_optimizer], strict=True):
        variable.assign(value)
    for layer in model._flatten_layers():
        if hasattr(layer, "finalize_state"):  # recomputes tensors derived from the weights
            layer.finalize_state()

"""A Keras model, loss or metric as plain values: its configuration and its variables.

Keras pickles a model as a zip file: that bears the time, so that no two are alike, leaves
out the states of dropout, and warns of a model that is not built yet, which is a good thing
to clone.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from sktrainer.backends._keras_arguments import arguments_of, give_arguments, is_part
from sktrainer.exceptions import ParameterError
from sktrainer.running.caller_state import kept

__all__ = [
    "copied",
    "custom_parts",
    "is_described",
    "packed",
    "set_variables",
    "unmarked",
    "unpacked",
    "variables_of",
]

_MARK = "__keras_model__"
_LIBRARIES = {"builtins", "h5py", "jax", "keras", "numpy", "optree", "tensorflow", "torch"}


def packed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same values, with each model, loss and metric among them as plain values."""
    return {name: _packed(value) for name, value in values.items()}


def unpacked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same values, with the models, losses and metrics made again."""
    return {name: _unpacked(value) for name, value in values.items()}


def _packed(value: Any) -> Any:
    if _is_model(value):
        return _pack(value)
    if is_part(value):
        return _pack_part(value)
    if type(value) in (list, tuple) and any(map(is_part, value)):
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
        "arguments": arguments_of(part),
    }


def copied(model: Any) -> Any:
    """Return another model with the same layers, weights and optimizer.

    Like its own copies it pickles, and is hashed, by these.

    Parameters
    ----------
    model : keras.Model
        Built or not, compiled or not.
    """
    return _marked(unmarked(model))


def unmarked(model: Any) -> Any:
    """Return a copy that pickles as Keras has it."""
    return _unpack(_pack(model))


def _marked(model: Any) -> Any:
    # On it alone, not on its class. scikeras gives all models a `__deepcopy__`: it comes first.
    vars(model)["__reduce_ex__"] = partial(_reduced, model)
    vars(model)["__deepcopy__"] = partial(_marked_copy, model)
    return model


def _marked_copy(model: Any, memo: dict[int, Any]) -> Any:
    return copied(model)


def _reduced(model: Any, protocol: int) -> tuple[Any, ...]:
    return _revived, (_pack(model),)


def _revived(state: dict[str, Any]) -> Any:
    return _marked(_unpack(state))


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
        "custom": custom_parts(model),
        "arguments": arguments_of(model),
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

    scope = keras.saving.custom_object_scope(state.get("custom", {}))
    with kept(), scope:  # layers draw seeds when they are made
        # A pickle runs code in any case: safe mode would only refuse Lambda layers.
        value = keras.saving.deserialize_keras_object(state[_MARK], safe_mode=False)
    if "arguments" in state:  # pickles of earlier days have none
        give_arguments(value, state["arguments"])
    if "variables" in state:
        set_variables(value, state)
    return value


def custom_parts(model: Any) -> dict[str, Any]:
    """Return the caller's classes and functions in a model, by the names that Keras gives them.

    Without them Keras makes again only what was registered.

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
    parts += [part for part in _parts(held) if isinstance(part, (type, FunctionType))]
    return {
        keras.saving.get_registered_name(part): part
        for part in parts
        if not _is_of_library(part) and (isinstance(part, type) or _is_at_its_path(part))
    }


def _is_of_library(part: Any) -> bool:
    root = str(part.__module__).partition(".")[0]
    return root in _LIBRARIES or root in sys.stdlib_module_names


def _is_at_its_path(part: Any) -> bool:
    """Tell whether this can be imported: Keras wraps methods by functions that cannot."""
    return getattr(sys.modules.get(part.__module__), part.__qualname__, None) is part


def _parts(value: Any) -> Iterator[Any]:
    """Yield functions, and the classes of losses, metrics and optimizers."""
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _parts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _parts(item)
    elif hasattr(value, "get_config"):
        yield type(value)


def set_variables(model: Any, state: Mapping[str, Any]) -> None:
    """Give a model and its optimizer what `variables_of` took."""
    of_optimizer = state["optimizer"] or []
    if of_optimizer and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *(model.optimizer.variables if of_optimizer else [])]
    for variable, value in zip(variables, [*state["variables"], *of_optimizer], strict=True):
        variable.assign(value)
    for layer in model._flatten_layers():
        if hasattr(layer, "finalize_state"):  # what it computes with is made of its weights
            layer.finalize_state()

"""Keras networks as plain values and arrays, for copies, pickles and `.skt` files."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from sktrainer.backends.keras.audit import audit_entry, build_checked
from sktrainer.backends.keras.recognize import is_instance
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.files.json_codec import encode_json
from sktrainer.runtime.global_state import exclusive_global_state, preserve_global_state
from sktrainer.runtime.signatures import import_path

_CONFIG = "__keras_config__"  # key that only the result of `_encode` has
_LIBRARIES = {"builtins", "h5py", "jax", "keras", "numpy", "optree", "tensorflow", "torch"}


def encode_networks(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with each model, loss and metric converted to plain values."""
    return {name: _map_networks(value, _is_network, _encode) for name, value in values.items()}


def decode_networks(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the models, losses and metrics restored."""
    return {name: _map_networks(value, _is_encoded, _decode) for name, value in values.items()}


def _map_networks(
    value: Any, applies: Callable[[Any], bool], change: Callable[[Any], Any]
) -> Any:
    if applies(value):
        return change(value)
    if type(value) in (list, tuple) and any(map(applies, value)):
        return type(value)(_map_networks(item, applies, change) for item in value)
    return value


def _is_network(value: object) -> bool:
    return is_instance(value) or _is_function_wrapper(value)


def _is_encoded(value: object) -> bool:
    return isinstance(value, dict) and _CONFIG in value


def _is_function_wrapper(value: object) -> bool:
    """Return whether this is a loss or metric that wraps a function and its arguments."""
    return not isinstance(value, type) and hasattr(value, "_fn_kwargs")


def hash_stable_copy(model: Any) -> Any:
    """Return a copy of a model with the same layers, weights and optimizer.

    Pickles and hashes of the copy, and of copies of it, depend on these alone.
    """
    return _mark_hash_stable(plain_copy(model))


def plain_copy(model: Any) -> Any:
    """Return a copy with Keras's own pickling."""
    return _decode(_encode(model))


def _mark_hash_stable(model: Any) -> Any:
    # Set on the instance, so that its class stays unchanged. `__deepcopy__` overrides the one
    # that scikeras adds to all models.
    vars(model)["__reduce_ex__"] = partial(_reduce, model)
    vars(model)["__deepcopy__"] = partial(_copy_marked, model)
    return model


def _copy_marked(model: Any, memo: dict[int, Any]) -> Any:
    return hash_stable_copy(model)


def _reduce(model: Any, protocol: int) -> tuple[Any, ...]:
    return _rebuild, (_encode(model),)


def _rebuild(entry: dict[str, Any]) -> Any:
    return _mark_hash_stable(_decode(entry))


def _encode(value: Any) -> dict[str, Any]:
    """Return a model, loss or metric as plain values, arrays and user-defined classes.

    Raises
    ------
    ParameterError
        If a model cannot be restored from its configuration.
    """
    import keras

    if is_instance(value) and not has_full_config(value):
        kind = type(value).__name__
        raise ParameterError(
            f"{kind} {value.name!r} cannot be copied: {kind} has no get_config that returns "
            f"its constructor arguments; pass the class {kind} or a model-building function, "
            "or implement get_config"
        )
    return {
        _CONFIG: keras.saving.serialize_keras_object(value),
        "custom": custom_objects(value),
        "arguments": _wrapped_arguments(value),
        **variables_of(value),
    }


def _decode(entry: Mapping[str, Any]) -> Any:
    import keras

    scope = keras.saving.custom_object_scope(entry["custom"])
    with exclusive_global_state(), scope:  # layers draw seeds when they are created
        # Loading a pickle runs code anyway; safe mode would only reject Lambda layers.
        value = keras.saving.deserialize_keras_object(entry[_CONFIG], safe_mode=False)
    for part, arguments in zip(_wrapped_functions(value), entry["arguments"], strict=True):
        part._fn_kwargs = dict(arguments)  # a configuration lacks some of them
    set_variables(value, entry)
    return value


def _wrapped_arguments(value: object) -> list[dict[str, Any]]:
    """Return the arguments of a loss or metric, or of all those in a compiled model."""
    return [dict(part._fn_kwargs) for part in _wrapped_functions(value)]


def _wrapped_functions(value: object) -> Iterator[Any]:
    if _is_function_wrapper(value):
        yield value
    elif isinstance(value, dict):
        yield from _wrapped_functions(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _wrapped_functions(item)
    elif is_instance(value):
        yield from _wrapped_functions(compile_arguments(value))


def compile_arguments(value: object) -> dict[str, Any]:
    """Return the arguments that a model was compiled with; empty for other values."""
    return getattr(getattr(value, "_compile_config", None), "config", None) or {}


def has_full_config(model: Any) -> bool:
    """Return whether a model can be restored from its configuration.

    The configuration of a subclass that does not define `get_config` has the defaults of
    its constructor, not the arguments that were passed.
    """
    if not getattr(model.get_config, "_is_default", False):
        return True
    names = set(inspect.signature(type(model).__init__).parameters)
    return names <= {"self", "args", "kwargs", "name", "trainable", "dtype"}


def variables_of(value: Any) -> dict[str, Any]:
    """Return the variables of a model and its optimizer as arrays; None for those without."""
    if not is_instance(value):
        return {"variables": None, "optimizer": None}
    is_built = value.compiled and value.optimizer is not None and value.optimizer.built
    return {
        "variables": [np.asarray(v) for v in value.variables],
        "optimizer": [np.asarray(v) for v in value.optimizer.variables] if is_built else None,
    }


def set_variables(value: Any, arrays: Mapping[str, Any]) -> None:
    """Assign the arrays from `variables_of` to a model and its optimizer."""
    if arrays["variables"] is None:
        return
    of_optimizer = arrays["optimizer"] or []
    if of_optimizer and not value.optimizer.built:
        value.optimizer.build(value.trainable_variables)
    variables = [*value.variables, *(value.optimizer.variables if of_optimizer else [])]
    for variable, array in zip(variables, [*arrays["variables"], *of_optimizer], strict=True):
        variable.assign(array)
    for layer in value._flatten_layers():
        if hasattr(layer, "finalize_state"):  # recomputes tensors derived from the weights
            layer.finalize_state()


def custom_objects(value: Any) -> dict[str, Any]:
    """Return the user-defined classes and functions in a Keras object, by registered name.

    Without them, Keras can only restore registered objects.
    """
    import keras

    layers = list(value._flatten_layers()) if is_instance(value) else [value]
    content = [*map(vars, layers), compile_arguments(value)]
    parts: list[Any] = [type(layer) for layer in layers]
    parts += [part for part in _iter_parts(content) if isinstance(part, (type, FunctionType))]
    return {
        keras.saving.get_registered_name(part): part
        for part in parts
        if not _is_of_library(part) and (isinstance(part, type) or _is_importable(part))
    }


def _is_of_library(part: object) -> bool:
    root = str(part.__module__).partition(".")[0]
    return root in _LIBRARIES or root in sys.stdlib_module_names


def _is_importable(part: Any) -> bool:
    """Return whether this can be imported, unlike the functions that Keras wraps methods in."""
    return getattr(sys.modules.get(part.__module__), part.__qualname__, None) is part


def _iter_parts(value: object) -> Iterator[Any]:
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


def encode_object(value: object) -> dict[str, Any]:
    """Return a Keras object as JSON-serializable values and arrays.

    They are `config`, `functions` (import paths of user-defined ones), `variables` and
    `optimizer`.

    Raises
    ------
    InputError
        If it cannot be restored, or a class or function in it cannot be imported.
    """
    try:
        described = _describe(value)
        entry = described | variables_of(value)
        _check_paths(audit_entry(entry).needed)
        again = decode_object(entry)
        before = encode_json([described, _wrapped_arguments(value)])
        after = encode_json([_describe(again), _wrapped_arguments(again)])
        if before != after or _has_non_weight_state(value):
            raise InputError("its Keras configuration is incomplete")
    except Exception as error:
        raise InputError(
            f"the Keras {type(value).__name__} cannot be restored exactly from a .skt file "
            f"({error}); save to a .joblib file instead"
        ) from error
    return entry


def decode_object(entry: Mapping[str, Any]) -> Any:
    """Create an object from the result of `encode_object`; its import paths must be trusted."""
    import keras

    custom = {name: _imported(path) for name, path in audit_entry(entry).custom.items()}
    config = json.loads(json.dumps(entry["config"]))  # a copy: Keras changes it
    compiled = config.pop("compile_config", None)
    # Layers draw seeds when they are created. Sizes can only be checked in advance if no
    # user-defined code creates variables.
    with preserve_global_state(), keras.saving.custom_object_scope(custom):
        if not custom and entry["variables"] is not None:
            value = build_checked(config, entry["variables"])
        else:
            value = keras.saving.deserialize_keras_object(config, safe_mode=True)
        if compiled:
            value.compile_from_config(compiled)
            value.compiled = True
    set_variables(value, entry)
    return value


def _describe(value: object) -> dict[str, Any]:
    import keras

    config = json.loads(json.dumps(keras.saving.serialize_keras_object(value)))
    for node in _nodes(config.get("config")):
        node.pop("compile_config", None)  # only used for the outermost model
    called = {n["config"] for n in _nodes(config) if n.get("class_name") == "function"}
    functions = {
        name: import_path(part)  # Keras only stores the names of functions
        for name, part in sorted(custom_objects(value).items())
        if name in called and isinstance(part, FunctionType)
    }
    return {"config": config, "functions": functions}


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _check_paths(paths: set[str]) -> None:
    local = [path for path in sorted(paths) if path.startswith("__main__.") or "<" in path]
    if local:
        raise InputError(
            f"{local[0]!r} is defined in this process only; move it to a module that can be "
            "imported (a .py file)"
        )


def _has_non_weight_state(value: Any) -> bool:
    """Return whether a layer stores more than weights, such as a vocabulary."""
    layers = value._flatten_layers() if is_instance(value) else []
    return any(
        "save_assets" in vars(base)
        for layer in layers
        for base in type(layer).__mro__
        if base.__module__ != "keras.src.saving.keras_saveable"
    )


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)

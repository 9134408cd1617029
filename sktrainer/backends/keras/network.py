"""Keras networks as plain values and arrays, for copies, pickles and `.skt` files."""

from __future__ import annotations

import importlib
import inspect
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any

import keras
import numpy as np

from sktrainer.backends.keras.audit import MAX_FREE_INTEGER, ConfigAuditor, plain_name
from sktrainer.exceptions import FileFormatError, InputError, ParameterError
from sktrainer.files.archive import open_archive, read_member, write_archive
from sktrainer.files.arrays import check_npz
from sktrainer.files.json_codec import decode_json, encode_json
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.types import Array

__all__ = [
    "KerasObjectStore",
    "custom_parts",
    "decode_networks",
    "encode_networks",
    "has_full_config",
    "hash_stable_copy",
    "is_function_wrapper",
    "plain_copy",
    "set_variables",
    "set_wrapped_arguments",
    "variables_of",
    "wrapped_arguments",
]


def is_function_wrapper(value: Any) -> bool:
    """Return whether this is a loss or metric that wraps a function and its arguments."""
    return not isinstance(value, type) and hasattr(value, "_fn_kwargs")


def wrapped_arguments(value: Any) -> list[dict[str, Any]]:
    """Return the arguments of a loss or metric, or of all those in a compiled model."""
    return [dict(part._fn_kwargs) for part in _wrapped_functions(value)]


def set_wrapped_arguments(value: Any, arguments: Sequence[dict[str, Any]]) -> None:
    """Set the arguments that `wrapped_arguments` returned for the original on its copy."""
    for part, given in zip(_wrapped_functions(value), arguments, strict=True):
        part._fn_kwargs = dict(given)


def _wrapped_functions(value: Any) -> Iterator[Any]:
    if is_function_wrapper(value):
        yield value
    elif isinstance(value, dict):
        yield from _wrapped_functions(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _wrapped_functions(item)
    elif hasattr(value, "train_on_batch"):
        yield from _wrapped_functions(
            getattr(getattr(value, "_compile_config", None), "config", None)
        )


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


BFLOAT16 = "bfloat16"


class KerasObjectStore:
    """Keras objects that are written to a file or read from one.

    Attributes
    ----------
    entries : list of dict
        One per object: `config`, `functions` (user-defined ones), and the dtypes of the
        arrays in `variables` and `optimizer`.
    arrays : dict of str to ndarray
        Keys are "{number of the object}.{variables or optimizer}.{position}".
    """

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.arrays: dict[str, Array] = {}

    @classmethod
    def of(cls, files: Mapping[str, bytes], prefix: str) -> KerasObjectStore:
        """Read the result of `packed` without creating any object."""
        drawer = cls()
        drawer.entries = decode_json(files[f"{prefix}.json"])
        data = files[f"{prefix}.npz"]
        check_npz(f"{prefix}.npz", data)
        archive, members = open_archive(io.BytesIO(data), compressed=False)
        for name, info in members.items():
            npy = io.BytesIO(read_member(archive, info))
            drawer.arrays[name.removesuffix(".npy")] = np.load(npy, allow_pickle=False)
        return drawer

    def packed(self, prefix: str) -> dict[str, bytes]:
        """Return the files that store all objects."""
        parts = {}
        for name, array in self.arrays.items():
            file = io.BytesIO()
            np.save(file, array, allow_pickle=False)
            parts[f"{name}.npy"] = file.getvalue()
        file = io.BytesIO()
        write_archive(file, parts, compressed=False)
        return {f"{prefix}.json": encode_json(self.entries), f"{prefix}.npz": file.getvalue()}

    def needed(self) -> set[str]:
        """Return the import paths that the user must trust."""
        found: set[str] = set()
        for number in range(len(self.entries)):
            found |= self._names(number).needed
        return found

    def put(self, value: Any) -> int:
        """Add an object, check that it can be restored, and return its number.

        Raises
        ------
        InputError
            If it cannot be restored, or a class or function in it cannot be imported.
        """
        number, what = len(self.entries), f"Keras {type(value).__name__}"
        self.entries.append(_described(value))
        for kind, variables in _variables(value).items():
            self.entries[number][kind] = None if variables is None else []
            for position, variable in enumerate(variables or ()):
                array, dtype = _stored(variable)
                self.entries[number][kind].append(dtype)
                self.arrays[f"{number}.{kind}.{position}"] = array
        try:
            _check_paths(self._names(number).needed)
            again = self.take(number)
            same = encode_json(_described(again)) == encode_json(
                self.entries[number] | _no_arrays()
            )
            same &= encode_json(wrapped_arguments(again)) == encode_json(
                wrapped_arguments(value)
            )
        except Exception as error:
            raise InputError(_not_the_same(what, str(error))) from error
        if not same or _has_non_weight_state(value):
            raise InputError(_not_the_same(what, "its Keras configuration is incomplete"))
        return number

    def take(self, number: int) -> Any:
        """Create an object; the import paths that it needs must be trusted."""
        entry, names = self.entries[number], self._names(number)
        custom = {name: _imported(path) for name, path in names.custom.items()}
        config = json.loads(json.dumps(entry["config"]))
        compiled = config.pop("compile_config", None)
        arrays = {kind: self._arrays(number, kind) for kind in ("variables", "optimizer")}
        own = not names.custom and arrays["variables"] is not None
        # Layers draw seeds when they are created. Sizes can only be checked in advance if no
        # user-defined code creates variables.
        with preserve_global_state(), keras.saving.custom_object_scope(custom):
            if own:
                value = _build_checked(config, arrays["variables"] or [])
            else:
                value = keras.saving.deserialize_keras_object(config, safe_mode=True)
            if compiled:
                value.compile_from_config(compiled)
                value.compiled = True
        if arrays["optimizer"] is not None:
            value.optimizer.build(value.trainable_variables)
        if arrays["variables"] is not None:
            set_variables(value, arrays)
        return value

    def _names(self, number: int) -> ConfigAuditor:
        entry, start = self.entries[number], f"{number}."
        sizes = [array.size for name, array in self.arrays.items() if name.startswith(start)]
        names = ConfigAuditor(entry["functions"], sum(sizes))
        names.read(entry["config"])
        return names

    def _arrays(self, number: int, kind: str) -> list[Array] | None:
        dtypes = self.entries[number][kind]
        if dtypes is None:
            return None
        return [
            _restored(self.arrays[f"{number}.{kind}.{position}"], dtype)
            for position, dtype in enumerate(dtypes)
        ]


def _check_paths(paths: set[str]) -> None:
    local = [path for path in sorted(paths) if path.startswith("__main__.") or "<" in path]
    if local:
        raise InputError(
            f"{local[0]!r} is defined in this process only; move it to a module that can be "
            "imported (a .py file)"
        )


def _described(value: Any) -> dict[str, Any]:
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(value)))
    for node in _nodes(config.get("config")):
        node.pop("compile_config", None)  # only used for the outermost model
    return {"config": config, "functions": _functions_in(value, config), **_no_arrays()}


def _no_arrays() -> dict[str, None]:
    return {"variables": None, "optimizer": None}


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _functions_in(value: Any, config: Any) -> dict[str, str]:
    """Return the import paths of user-defined functions; Keras only stores their names."""
    called = {n["config"] for n in _nodes(config) if n.get("class_name") == "function"}
    found = {
        name: plain_name(part)
        for name, part in custom_parts(value).items()
        if name in called and isinstance(part, FunctionType)
    }
    return dict(sorted(found.items()))


def _variables(value: Any) -> dict[str, Any]:
    if not isinstance(value, keras.Model):
        return {}
    optimizer = value.optimizer if value.compiled else None
    gathered = None if optimizer is None or not optimizer.built else optimizer.variables
    return {"variables": value.variables, "optimizer": gathered}


def _stored(variable: Any) -> tuple[Array, str]:
    array = np.asarray(variable)
    dtype = str(keras.backend.standardize_dtype(variable.dtype))
    return (array.view(np.uint16) if dtype == BFLOAT16 else array), dtype


def _restored(array: Array, dtype: str) -> Array:
    if dtype != BFLOAT16:
        return array
    import ml_dtypes

    return array.view(ml_dtypes.bfloat16)


def _has_non_weight_state(value: Any) -> bool:
    """Return whether a layer stores more than weights, such as a vocabulary."""
    layers = value._flatten_layers() if isinstance(value, keras.Model) else []
    return any(
        "save_assets" in vars(base)
        for layer in layers
        for base in type(layer).__mro__
        if base.__module__ != "keras.src.saving.keras_saveable"
    )


def _build_checked(config: Any, arrays: list[Array]) -> Any:
    """Create a model, but no variables before their sizes match those of the arrays.

    A file can then not allocate much more memory than it has data. Within Keras's stateless
    scope, variables are recorded but not created.
    """
    from keras.src.backend.common import global_state

    key = "uninitialized_variables"
    before = global_state.get_global_attribute(key, [])
    global_state.set_global_attribute(key, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            value = keras.saving.deserialize_keras_object(config, safe_mode=True)
        noted = global_state.get_global_attribute(key, [])
    finally:
        global_state.set_global_attribute(key, before)
    same = [tuple(v.shape) for v in value.variables] == [a.shape for a in arrays]
    size = sum(int(np.prod(v.shape)) for v in noted)  # with templates, as in Bidirectional
    if not same or size > MAX_FREE_INTEGER + 2 * sum(array.size for array in arrays):
        raise FileFormatError("a Keras model has layers that do not match its weights in size")
    for variable in noted:
        variable._deferred_initialize()
    return value


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _not_the_same(what: str, why: str) -> str:
    return (
        f"the {what} cannot be restored exactly from a .skt file ({why}); save to a .joblib "
        "file instead"
    )

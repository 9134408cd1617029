"""Keras models, optimizers and losses as JSON configurations and arrays, without pickle."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

import keras
import numpy as np

from sktrainer.backends._keras_arguments import wrapped_arguments
from sktrainer.backends._keras_pickle import custom_parts, set_variables
from sktrainer.exceptions import FileFormatError, InputError
from sktrainer.running.caller_state import preserve_global_state
from sktrainer.storage.archive import open_archive, read_member, write_archive
from sktrainer.storage.arrays import check_npz
from sktrainer.storage.natives._keras_names import MAX_FREE_INTEGER, ConfigAuditor, plain_name
from sktrainer.storage.texts import decode_json, encode_json
from sktrainer.types import Array

__all__ = ["KerasObjectStore", "is_keras_object"]

BFLOAT16 = "bfloat16"
"""Dtype that NumPy only supports with the package ml_dtypes."""


def is_keras_object(value: Any) -> bool:
    """Return whether Keras can restore this object from a configuration."""
    bases = [] if isinstance(value, type) else type(value).__mro__
    return hasattr(value, "get_config") and any(
        base.__module__.startswith("keras.src.") for base in bases
    )


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

"""Check of the names in a Keras configuration before anything is created from it.

Keras imports and calls objects by the names in a configuration. This module looks up each
name as Keras would. It must refer to a reviewed object of Keras, or the user must trust it.
Legacy formats that Keras still accepts are rejected.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sktrainer.exceptions import FileFormatError
from sktrainer.runtime.signatures import import_path
from sktrainer.types import Array

ALLOWED_MODULES = (
    *(
        f"keras.src.layers.{package}."
        for package in "activations attention convolutional merging normalization pooling "
        "regularization reshaping rnn".split()
    ),
    *(
        f"keras.src.layers.core.{module}."
        for module in (
            "dense einsum_dense embedding identity input_layer masking wrapper".split()
        )
    ),
    "keras.src.layers.preprocessing.normalization.",
    "keras.src.layers.preprocessing.rescaling.",
    *(f"keras.src.models.{module}." for module in "functional model sequential".split()),
    *(f"keras.src.ops.{module}." for module in "linalg math nn numpy".split()),
    *(
        f"keras.src.{package}."
        for package in "constraints dtype_policies initializers losses metrics optimizers "
        "random regularizers".split()
    ),
)

FUNCTION_MODULES = ("keras.src.activations.", "keras.src.losses.", "keras.src.metrics.")
BUILTIN_GROUPS = ("activations", "initializers", "losses", "metrics", "regularizers")
FORBIDDEN_CALLS = frozenset({"deserialize", "get", "serialize"})

VALUES = frozenset(
    {"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__"}
)

PARTS = frozenset({"class_name", "config", "module", "registered_name"})
NUMBERS = re.compile(r"(bfloat16|bool|complex\d+|float\d+|u?int\d+)")
MAX_FREE_INTEGER = 1_000_000
UNSIZED_INTEGERS = ("decay_steps", "seed")


@dataclass
class ConfigAuditor:
    """Names in a configuration.

    Attributes
    ----------
    functions : mapping of str to str
        Import paths of user-defined functions by their names in the configuration.
    largest : int
        Number of elements of all arrays of the object.
    needed : set of str
        Import paths that the user must trust.
    custom : dict of str to str
        Import paths of user-defined objects by the names that Keras looks up.
    """

    functions: Mapping[str, str] = field(default_factory=dict)
    largest: int = 0
    needed: set[str] = field(default_factory=set)
    custom: dict[str, str] = field(default_factory=dict)
    _own: set[str] = field(default_factory=set)

    def read(self, config: Mapping[str, Any]) -> None:
        """Read the whole configuration.

        Raises
        ------
        FileFormatError
            If it contains code, or is not in the current format of Keras.
        """
        # Only the outermost model may have a compile_config; `_items` rejects any other.
        compiled = config.get("compile_config") if isinstance(config, dict) else None
        self._walk({k: v for k, v in config.items() if k != "compile_config"})
        self._walk(compiled)
        clash = self._own & set(self.custom)
        if clash:
            raise FileFormatError(f"a Keras model redefines the Keras name {min(clash)!r}")

    def _walk(self, value: object, key: str = "") -> None:
        if isinstance(value, dict):
            self._node(value) if "class_name" in value else self._items(value)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self._walk(item, key)
        elif isinstance(value, str):
            if ">" in value:  # "package>name" refers to any object registered in this process
                raise FileFormatError(f"a Keras model contains the string {value[:80]!r}")
        elif isinstance(value, int) and not any(part in key for part in UNSIZED_INTEGERS):
            self._size(key, value)

    def _size(self, key: str, value: int) -> None:
        if abs(value) > max(MAX_FREE_INTEGER, self.largest):
            raise FileFormatError(f"a Keras model has {key}={value:,}, larger than its arrays")

    def _items(self, value: Mapping[str, Any]) -> None:
        if "compile_config" in value:
            raise FileFormatError("a Keras model has a nested model with a compile_config")
        for key, item in value.items():
            self._walk(item, str(key))

    def _node(self, value: Mapping[str, Any]) -> None:
        name, config = value["class_name"], value.get("config")
        if name in VALUES:
            self._plain(value)
            return
        if str(name).startswith("__"):
            raise FileFormatError(f"a Keras model contains code ({name})")
        module, registered = value.get("module"), value.get("registered_name")
        if not (isinstance(name, str) and isinstance(module, str) and set(value) >= PARTS):
            raise FileFormatError(f"a Keras model contains {name!r} in a legacy format")
        if name == "function":
            self._function(module, config)
            return
        if module.partition(".")[0] == "keras":
            self._class_of_keras(module, name, registered)
        else:
            if not isinstance(registered, str):
                raise FileFormatError(f"a Keras model contains the unnamed {module}.{name}")
            self._ask(registered, f"{module}.{name}")
        self._items({k: v for k, v in value.items() if k not in PARTS} | {"config": config})

    def _plain(self, value: Mapping[str, Any]) -> None:
        config = value.get("config")
        if set(value) != {"class_name", "config"} or not isinstance(config, dict):
            raise FileFormatError("a Keras model contains a value in an unknown format")
        if not NUMBERS.fullmatch(str(config.get("dtype", "bool"))):
            raise FileFormatError("a Keras model contains an array that is not numeric")
        self._items(config)

    def _function(self, module: str, name: object) -> None:
        if not isinstance(name, str):
            raise FileFormatError("a Keras model contains a function without a name")
        if name in self.functions:
            self._ask(name, str(self.functions[name]))
            return
        places = (f"keras.{part}" for part in BUILTIN_GROUPS)
        found = _first(f"{p}.{name}" for p in (places if module == "builtins" else [module]))
        own = str(getattr(found, "__module__", "")) + "."
        if found is None or name in FORBIDDEN_CALLS or not own.startswith(FUNCTION_MODULES):
            raise FileFormatError(f"a Keras model contains the unknown function {name!r}")
        self._own.add(name)

    def _class_of_keras(self, module: str, name: str, registered: object) -> None:
        from keras.saving import get_registered_object

        found = _first([f"{module}.{name}"])
        if found is None:
            found = vars(sys.modules[module]).get(name) if _loaded(module) else None
            if registered != name or get_registered_object(name) not in (None, found):
                raise FileFormatError(f"a Keras model renames {module}.{name}")
            self._own.add(name)
        elif registered is not None:
            raise FileFormatError(f"a Keras model renames {module}.{name}")
        if not isinstance(found, type):
            raise FileFormatError(f"a Keras model contains {module}.{name}, not a Keras class")
        path = import_path(found)
        if not path.startswith(ALLOWED_MODULES):
            self.needed.add(path)

    def _ask(self, name: str, path: str) -> None:
        if self.custom.setdefault(name, path) != path:
            raise FileFormatError(f"a Keras model has two objects with the name {name!r}")
        self.needed.add(path)


def audit_entry(entry: Mapping[str, Any]) -> ConfigAuditor:
    """Audit the configuration of a stored Keras object.

    `entry` has `config`, `functions`, and the arrays `variables` and `optimizer`.
    """
    arrays = [*(entry["variables"] or ()), *(entry["optimizer"] or ())]
    auditor = ConfigAuditor(entry["functions"], sum(array.size for array in arrays))
    auditor.read(entry["config"])
    return auditor


def build_checked(config: Mapping[str, Any], arrays: list[Array]) -> Any:
    """Create a model, but no variables before their sizes match those of the arrays.

    A file can then not allocate much more memory than it has data. Within Keras's stateless
    scope, variables are recorded but not created.
    """
    import keras
    from keras.src.backend.common import global_state

    key = "uninitialized_variables"
    before = global_state.get_global_attribute(key, [])
    global_state.set_global_attribute(key, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            value = keras.saving.deserialize_keras_object(config, safe_mode=True)
        recorded = global_state.get_global_attribute(key, [])
    finally:
        global_state.set_global_attribute(key, before)
    same = [tuple(v.shape) for v in value.variables] == [a.shape for a in arrays]
    size = sum(int(np.prod(v.shape)) for v in recorded)  # with templates, as in Bidirectional
    if not same or size > MAX_FREE_INTEGER + 2 * sum(array.size for array in arrays):
        raise FileFormatError("a Keras model has layers that do not match its weights in size")
    for variable in recorded:
        variable._deferred_initialize()
    return value


def _loaded(module: str) -> bool:
    return module.startswith("keras.src.") and module in sys.modules


def _first(names: Iterator[str] | list[str]) -> Any:
    """Return the object of the first of some public names that Keras exports."""
    from keras.src import api_export

    found = (api_export.get_symbol_from_name(name) for name in names)
    return next((symbol for symbol in found if symbol is not None), None)

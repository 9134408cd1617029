"""Validation of a skops state before anything in it is imported, constructed or called.

skops decides whether a name is trusted without regard to its use: a class that may be
constructed from a state may also be called with arguments from the file. `StateAuditor`
records each name with its role, and accepts only states in the form that `save` writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sktrainer.exceptions import FileFormatError
from sktrainer.serialization.allowlist import Role, is_allowed
from sktrainer.serialization.type_ids import name_in_state

State = dict[str, Any]
SKOPS_PROTOCOLS = (2,)
JOBLIB_MEMORY = "joblib.memory.Memory"
DICT_TYPES = ("builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch")


@dataclass
class StateAuditor:
    """Visitor of a skops state, which collects names and files in its attributes.

    Attributes
    ----------
    names : set of (str, str)
        Pairs of role and name; see `is_allowed`. A name that is called on loading ends in
        "()", so that trusting a class does not permit the file to call it.
    files : dict of str to str
        Maps each file of the state to its type: "npy", "npz" or "bin".
    approved : set of str
        Names that are harmless, because their loader uses them in a single, safe way.
    """

    names: set[tuple[Role, str]] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    _seen: dict[int, State] = field(default_factory=dict)

    def read(self, state: object) -> None:
        """Visit the whole state.

        Raises
        ------
        FileFormatError
            If the state is not in the form that `save` writes.
        """
        if not isinstance(state, dict) or state.get("protocol") not in SKOPS_PROTOCOLS:
            found = state.get("protocol") if isinstance(state, dict) else None
            raise FileFormatError(
                f"its skops protocol is {found!r}, expected one of {SKOPS_PROTOCOLS}"
            )
        self._node(state)

    def unknown(self) -> set[tuple[Role, str]]:
        """Return the pairs of role and name that are not known to be harmless."""
        return {(role, name) for role, name in self.names if not is_allowed(role, name)}

    def _node(self, state: object) -> None:
        if not isinstance(state, dict):
            raise FileFormatError(
                f"a state contains {type(state).__name__} where a dict is expected"
            )
        loader, module, name = (state.get(k) for k in ("__loader__", "__module__", "__class__"))
        if not (isinstance(loader, str) and isinstance(module, str) and isinstance(name, str)):
            raise FileFormatError("a state has no loader, module or class")
        reader = READERS.get(loader)
        if reader is None:
            raise FileFormatError(f"a state has the unknown loader {loader!r}")
        self._check_id(state)
        reader(self, state, name_in_state(module, name))

    def _check_id(self, state: State) -> None:
        """Check that states with the same number are equal, since skops reads only the first.

        Otherwise a file could show its audit one state and construct another.
        """
        number = state.get("__id__")
        if number is None:
            return
        if isinstance(number, bool) or not isinstance(number, int):
            raise FileFormatError(f"a state has the number {number!r}, expected an int")
        if self._seen.setdefault(number, state) != state:
            raise FileFormatError(f"two different states have the number {number}")

    def _only(self, name: str, *allowed: str) -> None:
        if name not in allowed:
            raise FileFormatError(f"a state has the type {name}, expected one of {allowed}")
        self.approved.add(name)

    def _children(self, states: object) -> None:
        if not isinstance(states, list):
            raise FileFormatError("the content of a state is not a list")
        for state in states:
            self._node(state)

    def _file(self, state: State, kind: str) -> None:
        name = state.get("file")
        if not isinstance(name, str) or self.files.setdefault(name, kind) != kind:
            raise FileFormatError(f"a state refers to the invalid file {name!r}")

    def _json(self, state: State, name: str) -> None:
        self._only(name, "builtins.str")
        if not isinstance(state.get("content"), str):
            raise FileFormatError("a value is not a JSON string")

    def _dict(self, state: State, name: str) -> None:
        if name in DICT_TYPES:
            self.approved.add(name)
        else:
            self.names.add(("call", f"{name}()"))
        keys, content = state.get("key_types"), state.get("content")
        if not isinstance(keys, dict) or not isinstance(content, dict):
            raise FileFormatError("a dict has no keys or values")
        self._check_id(keys)
        if keys.get("__loader__") != "ListNode" or _name(keys) != "builtins.list":
            raise FileFormatError("the key types of a dict are not a list")
        kinds = keys.get("content")
        if not isinstance(kinds, list) or len(kinds) != len(content):
            raise FileFormatError("the number of key types of a dict is not that of its keys")
        for kind in kinds:
            if not isinstance(kind, dict) or kind.get("__loader__") != "TypeNode":
                raise FileFormatError("a key type of a dict is not a type")
            self._check_id(kind)
            # skops calls the key type with the key, which is a string in the file.
            if not is_allowed("key", _name(kind)):
                raise FileFormatError(f"a dict has keys of the unsupported type {_name(kind)}")
        for key, value in content.items():
            self._node(value)
            if key == "memory" and not _is_null(value):
                # A joblib cache is a folder of pickles, which the next fit would load.
                self.names.add(("object", JOBLIB_MEMORY))

    def _default_dict(self, state: State, name: str) -> None:
        self._only(name, "collections.defaultdict")
        content = _mapping(state)
        self._node(content.get("main"))
        self._node(content.get("default_factory"))

    def _sequence(self, state: State, name: str) -> None:
        plain = {"ListNode": "list", "SetNode": "set", "TupleNode": "tuple"}
        if name != f"builtins.{plain[state['__loader__']]}":
            self.names.add(("call", f"{name}()"))
        self._children(state.get("content"))

    def _bytes(self, state: State, name: str) -> None:
        self._only(name, "builtins.bytes", "builtins.bytearray")
        self._file(state, "bin")

    def _slice(self, state: State, name: str) -> None:
        self._only(name, "builtins.slice")
        ends = [_mapping(state).get(key) for key in ("start", "stop", "step")]
        if not all(end is None or isinstance(end, int) for end in ends):
            raise FileFormatError("a slice has bounds that are not integers")

    def _array(self, state: State, name: str) -> None:
        import numpy as np

        module, _, kind = name.rpartition(".")
        scalar = getattr(np, kind, None) if module == "numpy" else None
        # skops calls any other type than an array or NumPy scalar.
        if name != "numpy.ndarray" and not (
            isinstance(scalar, type) and issubclass(scalar, np.generic)
        ):
            self.names.add(("call", f"{name}()"))
        if state.get("type") == "json":
            self._node(state.get("shape"))
            self._children(state.get("content"))
        else:
            self._file(state, "npy")

    def _masked(self, state: State, name: str) -> None:
        self._only(name, "numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray")
        content = _mapping(state)
        self._node(content.get("data"))
        self._node(content.get("mask"))

    def _sparse(self, state: State, name: str) -> None:
        if not name.startswith("scipy.sparse."):
            raise FileFormatError(f"a sparse matrix has the type {name}")
        self.approved.add(name)
        self._file(state, "npz")

    def _dtype(self, state: State, name: str) -> None:
        self._only(name, "numpy.dtype")
        self._node(state.get("content"))

    def _random(self, state: State, name: str) -> None:
        self._only(name, "numpy.random.mtrand.RandomState")
        self._node(state.get("content"))

    def _generator(self, state: State, name: str) -> None:
        self._only(name, "numpy.random._generator.Generator")
        content = _mapping(state)
        self._node(content.get("bit_generator"))
        self._node(content.get("seed_seq"))

    def _object(self, state: State, name: str) -> None:
        self.names.add(("object", name))
        if state.get("content") is not None:
            self._node(state["content"])

    def _reduced(self, state: State, name: str) -> None:
        if state["__loader__"] == "TreeNode":
            self._only(name, "sklearn.tree._tree.Tree")
        elif not name.startswith(("sklearn._loss._loss.Cy", "sklearn.linear_model._sgd_fast.")):
            raise FileFormatError(f"a loss has the type {name}")
        reduced = state.get("__reduce__")
        self._node(reduced.get("args") if isinstance(reduced, dict) else None)
        self._node(state.get("content"))

    def _function(self, state: State, name: str) -> None:
        self.names.add(("function", name))

    def _type(self, state: State, name: str) -> None:
        self.names.add(("type", name))

    def _partial(self, state: State, name: str) -> None:
        self._only(name, "functools.partial")
        content = _mapping(state)
        for key in ("func", "args", "kwds", "namespace"):
            self._node(content.get(key))

    def _constructed(self, state: State, name: str) -> None:
        known = is_allowed("call", name)
        self.names.add(("call", name if known else f"{name}()"))
        self._node(state.get("content"))

    def _method(self, state: State, name: str) -> None:
        content = _mapping(state)
        self.names.add(("function", f"{name}.{content.get('func')}"))
        self._node(content.get("obj"))

    def _operator(self, state: State, name: str) -> None:
        self.names.add(("function", name))
        self._node(state.get("attrs"))


def _name(state: Mapping[str, Any]) -> str:
    return f"{state.get('__module__')}.{state.get('__class__')}"


def _mapping(state: State) -> State:
    content = state.get("content")
    if not isinstance(content, dict):
        raise FileFormatError("the content of a state is not a dict")
    return content


def _is_null(state: State) -> bool:
    if state["__loader__"] != "JsonNode":
        return False
    try:
        return json.loads(state["content"]) is None
    except ValueError:
        return False


READERS: dict[str, Callable[[StateAuditor, State, str], None]] = {
    "BytearrayNode": StateAuditor._bytes,
    "BytesNode": StateAuditor._bytes,
    "ConstructorFromReduceNode": StateAuditor._constructed,
    "DTypeNode": StateAuditor._dtype,
    "DefaultDictNode": StateAuditor._default_dict,
    "DictNode": StateAuditor._dict,
    "FunctionNode": StateAuditor._function,
    "JsonNode": StateAuditor._json,
    "ListNode": StateAuditor._sequence,
    "LossNode": StateAuditor._reduced,
    "MaskedArrayNode": StateAuditor._masked,
    "MethodNode": StateAuditor._method,
    "NdArrayNode": StateAuditor._array,
    "ObjectNode": StateAuditor._object,
    "OperatorFuncNode": StateAuditor._operator,
    "PartialNode": StateAuditor._partial,
    "RandomGeneratorNode": StateAuditor._generator,
    "RandomStateNode": StateAuditor._random,
    "SetNode": StateAuditor._sequence,
    "SliceNode": StateAuditor._slice,
    "SparseMatrixNode": StateAuditor._sparse,
    "TreeNode": StateAuditor._reduced,
    "TupleNode": StateAuditor._sequence,
    "TypeNode": StateAuditor._type,
}

"""Python values as skops files: written reproducibly, and validated before they are read."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sktrainer.exceptions import FileFormatError, InputError
from sktrainer.files.archive import open_archive, read_member, write_archive
from sktrainer.files.arrays import check_npy, check_npz
from sktrainer.serialization.allowlist import is_refused, unstable_entries
from sktrainer.serialization.audit import JOBLIB_MEMORY, State, StateAuditor
from sktrainer.serialization.skops_io import SCHEMA, dump_skops, open_skops
from sktrainer.serialization.type_ids import ADDRESSES, import_path


@dataclass(frozen=True)
class AuditedState:
    """Value that was validated by `StateAuditor` and is not constructed yet.

    Attributes
    ----------
    data : bytes
        Content of the skops file.
    names : frozenset of str
        All import paths in the file.
    objects : frozenset of str
        Classes in `needs` that are constructed from a state.
    needs : frozenset of str
        Import paths that the user has to trust.
    construct : callable
        Constructs the value without further checks.
    """

    data: bytes
    names: frozenset[str]
    objects: frozenset[str]
    needs: frozenset[str]
    construct: Callable[[], Any]

    def make(self) -> Any:
        """Construct the value. The names in `needs` must be trusted before this call."""
        # `__setstate__` of a network can execute code that is stored in the state.
        for name in sorted(self.objects):
            if is_refused(name):
                raise FileFormatError(
                    f"it contains {name}, a network in a form that is not allowed"
                )
        return self.construct()


def audit_state(data: bytes) -> AuditedState:
    """Read and validate a skops file without constructing its value.

    Raises
    ------
    FileFormatError
        If the file was not written by `dump_state`.
    """
    archive, members = open_archive(io.BytesIO(data), compressed=False)
    if SCHEMA not in members:
        raise FileFormatError(f"a skops member has no {SCHEMA}")
    auditor = StateAuditor()
    auditor.read(json.loads(read_member(archive, members[SCHEMA])))
    if set(auditor.files) != set(members) - {SCHEMA}:
        raise FileFormatError("the files in a skops member differ from those in its state")
    for name, kind in auditor.files.items():
        if kind == "npy":
            check_npy(name, read_member(archive, members[name]))
        elif kind == "npz":
            check_npz(name, read_member(archive, members[name]))
    paths, construct = open_skops(data)
    ids = {address: name for name, address in ADDRESSES.items()}
    untrusted = {ids.get(path, path) for path in paths}
    names = frozenset(name for _, name in auditor.names)
    unknown = auditor.unknown()
    # Calls have to be known to this package, even if skops trusts the class.
    needs = {
        name
        for role, name in unknown
        if role == "call" or name in untrusted or name == JOBLIB_MEMORY
    }
    needs |= untrusted - {name.removesuffix("()") for name in names} - auditor.approved
    objects = frozenset(name for role, name in unknown if role == "object")
    return AuditedState(data, names, objects & needs, frozenset(needs), construct)


def dump_state(value: object, what: str) -> AuditedState:
    """Write a value as a skops file, and check that reading it gives the same value.

    `what` is the name of the value in error messages.

    Raises
    ------
    InputError
        If a part of the value cannot be written or imported, or changes when it is read.
    """
    auditor = StateAuditor()
    try:
        state, files, checksums = _normal(value)
        auditor.read(state)
    except (Exception, RecursionError) as error:
        raise InputError(
            f"{what} cannot be written to a .skt file: {error}; save to a .joblib file, or "
            "replace the unsupported value"
        ) from error
    _check_paths(auditor, what)
    data, expected = _packed(state, files), _digest(state, checksums)
    files.clear()  # a large model has a copy in `data` and one that is constructed from it
    audited = audit_state(data)
    if any(map(is_refused, audited.objects)):
        raise InputError(
            f"{what} contains a network inside another estimator, which .skt files do not "
            "support; save to a .joblib file"
        )
    try:
        again, _, checksums = _normal(audited.construct(), keep=False)
    except Exception as error:
        raise InputError(_not_the_same(what, str(error))) from error
    if _digest(again, checksums) != expected:
        raise InputError(_not_the_same(what, "skops does not store all of a value"))
    return audited


def _not_the_same(what: str, why: str) -> str:
    return (
        f"{what} would change when loaded from a .skt file ({why}), for example because a "
        "dict has keys that are neither strings nor numbers; save to a .joblib file"
    )


def _check_paths(auditor: StateAuditor, what: str) -> None:
    """Raise an error for names that another process could not import."""
    problems = []
    for role, name in sorted(auditor.unknown()):
        module, _, attribute = import_path(name.removesuffix("()")).rpartition(".")
        if module == "__main__" or "<" in name:
            problems.append(
                f"{what} contains {name!r}, which other processes cannot import: move it to a "
                "module (a .py file), or save to a .joblib file"
            )
        elif role == "function" and not _is_there(module, attribute):
            problems.append(
                f"{what} contains {name!r}, which cannot be imported under this name: define "
                "it at the top level of a module, or save to a .joblib file"
            )
    if problems:
        raise InputError(problems)


def _is_there(module: str, attribute: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), attribute)
    except ImportError:
        owner, _, method = module.rpartition(".")
        return bool(owner) and _is_there(owner, method)


def _normal(
    value: object, *, keep: bool = True
) -> tuple[State, dict[str, bytes], dict[str, str]]:
    """Return the state and files of a value, numbered by occurrence, and their checksums.

    skops numbers objects by memory address, which differs between processes.
    """
    state, files, checksums = dump_skops(value, keep=keep)
    writer = _StateNormalizer(files, checksums, Counter(_numbers(state)))
    return writer.node(state), writer.files, writer.checksums


class _StateNormalizer:
    """Rewriter of the states of one file; `files` collects the renamed members."""

    def __init__(
        self, given: dict[str, bytes], checksums: dict[str, str], counts: Counter[int]
    ) -> None:
        self.given, self.given_checksums, self.counts = given, checksums, counts
        self.files: dict[str, bytes] = {}
        self.checksums: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._contents: dict[str, str] = {}
        self._done: dict[int, State] = {}
        self._ids = {address: name for name, address in ADDRESSES.items()}

    def node(self, value: object) -> Any:
        """Return a state that has numbers only for objects that are referenced repeatedly."""
        if isinstance(value, list):
            return [self.node(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "__loader__" not in value:
            return {key: self.node(item) for key, item in value.items()}
        number = value.pop("__id__", None)
        if number in self._done:
            return self._done[number]
        made = {key: self.node(item) for key, item in value.items()}
        if isinstance(made.get("file"), str):
            made["file"] = self._file(made["file"])
        self._set_type(made)
        if (
            made["__loader__"] == "PartialNode"
            and made["content"]["namespace"]["content"] == {}
        ):
            # The namespace of a partial is None until its `__dict__` is first read, then {}.
            made["content"] = {**made["content"], "namespace": NONE_STATE}
        # The iteration order of a set of strings depends on the hash seed of the process.
        if made["__loader__"] == "SetNode":
            made["content"].sort(
                key=lambda item: json.dumps(_bare_state(item, NOT_COMPARED), sort_keys=True)
            )
        if self.counts[number] > 1 and made["__loader__"] not in SHAREABLE_NODES:
            made["__id__"] = len(self._done) + 1
            self._done[number] = made
        return made

    def _set_type(self, state: State) -> None:
        path = f"{state['__module__']}.{state['__class__']}"
        if path == "numpy.memmap":
            state["__class__"] = "ndarray"  # constructing a memmap would open a file
        elif path in self._ids:
            state["__module__"], state["__class__"] = "", self._ids[path]

    def _file(self, name: str) -> str:
        """Return a new name, by order of occurrence; files with equal contents share it."""
        if name not in self._names:
            digest = self.given_checksums[name]
            suffix = name.rpartition(".")[2]
            new = self._contents.setdefault(digest, f"{len(self._contents)}.{suffix}")
            self.files[new], self._names[name] = self.given[name], new
            self.checksums[new] = digest
        return self._names[name]


NONE_STATE: State = {
    "__class__": "str",
    "__module__": "builtins",
    "__loader__": "JsonNode",
    "content": "null",
    "is_json": True,
}

SHAREABLE_NODES = frozenset({"JsonNode", "TypeNode", "FunctionNode"})


def _numbers(state: State) -> Iterator[int]:
    """Yield the number of every nested state."""
    stack: list[Any] = [state]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if "__id__" in value:
                yield value["__id__"]
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


NOT_COMPARED = frozenset({"__id__", "file"})


def _bare_state(
    value: object, left_out: frozenset[str], files: dict[str, str] | None = None
) -> Any:
    """Return a state without numbers, and with checksums instead of file names."""
    if isinstance(value, list):
        return [_bare_state(item, left_out, files) for item in value]
    if not isinstance(value, dict):
        return value
    bare = {k: _bare_state(v, left_out, files) for k, v in value.items() if k not in left_out}
    if files is not None and "file" in value and isinstance(value["file"], str):
        bare["file"] = files[value["file"]]
    return bare


def _digest(state: State, checksums: dict[str, str]) -> str:
    bare = _bare_state(state, NOT_COMPARED | set(unstable_entries()), checksums)
    return hashlib.sha256(json.dumps(bare).encode()).hexdigest()


def _packed(state: State, files: dict[str, bytes]) -> bytes:
    schema = json.dumps(state, separators=(",", ":")).encode()
    file = io.BytesIO()
    write_archive(file, {SCHEMA: schema, **files}, compressed=False)
    return file.getvalue()

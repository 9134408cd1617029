"""Import of skops without its side effects, and fast access to its reader and writer."""

from __future__ import annotations

import importlib
import io
import json
import sys
import threading
import zipfile
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from sktrainer.files.archive import checksum, write_archive
from sktrainer.files.arrays import canonical_array
from sktrainer.serialization.type_ids import restore_path

SCHEMA = "schema.json"

SKIPPED_IMPORTS = tuple(
    f"sklearn.externals.array_api_compat.{name}" for name in ("cupy", "dask", "torch")
)

_LOCK = threading.Lock()


def skops_io() -> ModuleType:
    """Import and return `skops.io` without importing torch, dask or cupy.

    On import, skops lists scikit-learn's estimators by importing all of its subpackages.
    Some of these contain no estimator but import torch, dask or cupy, which takes seconds
    and hundreds of megabytes. Since scikit-learn skips subpackages that cannot be imported,
    these are blocked while skops is imported.
    """
    with _LOCK:
        if "skops.io" in sys.modules:
            return sys.modules["skops.io"]
        barred = [name for name in SKIPPED_IMPORTS if name not in sys.modules]
        for name in barred:
            sys.modules[name] = None  # type: ignore[assignment]  # `import` raises on None
        try:
            return importlib.import_module("skops.io")
        finally:
            for name in barred:
                del sys.modules[name]


class _Members(dict[str, bytes]):
    """In-memory replacement for the zip file that skops writes, which would be read again.

    The members have reproducible bytes. Without `keep`, only their checksums are stored.
    """

    def __init__(self, *, keep: bool) -> None:
        self.keep, self.checksums = keep, dict[str, str]()

    def writestr(self, name: str, data: bytes | memoryview) -> None:
        content = canonical_array(name, bytes(data))
        self.checksums[name] = checksum(content)
        self[name] = content if self.keep else b""

    def namelist(self) -> _Members:
        return self


def dump_skops(
    value: object, *, keep: bool = True
) -> tuple[dict[str, Any], dict[str, bytes], dict[str, str]]:
    """Return the skops state of a value, the files that it refers to, and their checksums.

    Without `keep`, the files are empty, which saves memory if only the checksums are needed.

    `skops.io.dumps` writes indented JSON, which takes 90% of its time because Python's C
    encoder does not support an indent. The two functions that `dumps` consists of are called
    instead. `dumps` is the fallback for versions of skops without these private functions.
    """
    skops, file = skops_io(), io.BytesIO()
    members = _Members(keep=keep)
    try:
        from skops.io._protocol import PROTOCOL
        from skops.io._utils import SaveContext, get_state
    except ImportError:
        file.write(skops.dumps(value))
        with zipfile.ZipFile(file) as archive:
            schema = json.loads(archive.read(SCHEMA))
            for name in set(archive.namelist()) - {SCHEMA}:
                members.writestr(name, archive.read(name))
        return schema, dict(members), members.checksums
    state = {**get_state(value, SaveContext(zip_file=members)), "protocol": PROTOCOL}
    return json.loads(json.dumps(state)), dict(members), members.checksums


def open_skops(data: bytes) -> tuple[list[str], Callable[[], Any]]:
    """Parse a skops file, whose type ids are known, without constructing its value.

    Return the sorted names that skops does not trust by default, and a function that constructs
    the value, trusting all names. It does not parse the file again, unless this version of
    skops lacks the private functions that `skops.io.loads` consists of.
    """
    skops = skops_io()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read(SCHEMA), object_hook=restore_path)
        try:
            from skops.io._audit import get_tree
            from skops.io._utils import LoadContext
        except ImportError:
            files = {name: archive.read(name) for name in archive.namelist()}
        else:
            context = LoadContext(src=archive, protocol=schema["protocol"])
            tree = get_tree(schema, load_context=context, trusted=None)
            return sorted(tree.get_unsafe_set()), tree.construct
    file = io.BytesIO()
    write_archive(file, {**files, SCHEMA: json.dumps(schema).encode()}, compressed=False)
    names = skops.get_untrusted_types(data=file.getvalue())
    return names, partial(skops.loads, file.getvalue(), trusted=names)

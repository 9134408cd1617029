"""skops, imported without the frameworks that looking for all of scikit-learn imports."""

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

__all__ = ["SCHEMA", "dumped", "opened", "skops_io"]

SCHEMA = "schema.json"

WAYS_TO_FRAMEWORKS = tuple(
    f"sklearn.externals.array_api_compat.{name}" for name in ("cupy", "dask", "torch")
)
_LOCK = threading.Lock()


def skops_io() -> ModuleType:
    """Return `skops.io`.

    It lists scikit-learn's estimators by walking through all of its packages, and some of
    these, which hold no estimator, import torch, dask or cupy where they are installed:
    seconds, and hundreds of megabytes. The walk passes over packages that cannot be
    imported; so for its time they cannot.
    """
    with _LOCK:
        if "skops.io" in sys.modules:
            return sys.modules["skops.io"]
        barred = [name for name in WAYS_TO_FRAMEWORKS if name not in sys.modules]
        for name in barred:
            sys.modules[name] = None  # type: ignore[assignment]
        try:
            return importlib.import_module("skops.io")
        finally:
            for name in barred:
                del sys.modules[name]


class _Members(dict[str, bytes]):
    """Takes what skops writes into a zip: to write one only to read it again takes longer."""

    def writestr(self, name: str, data: Any) -> None:
        self[name] = bytes(data)

    def namelist(self) -> _Members:
        return self


def dumped(value: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the state of a value and the files that it names, as `skops.io.dumps` has them.

    That function writes the state with an indent, for which Python has no quick encoder: it
    takes nine tenths of the time. Its two halves are called here in its place, and itself
    where another version of skops has no such halves.
    """
    skops, file = skops_io(), io.BytesIO()
    try:
        from skops.io._protocol import PROTOCOL
        from skops.io._utils import SaveContext, get_state
    except ImportError:
        file.write(skops.dumps(value))
        with zipfile.ZipFile(file) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        return json.loads(files.pop(SCHEMA)), files
    members = _Members()
    state = {**get_state(value, SaveContext(zip_file=members)), "protocol": PROTOCOL}
    return json.loads(json.dumps(state)), dict(members)


def opened(data: bytes) -> tuple[list[str], Callable[[], Any]]:
    """Read a file of skops; make nothing yet.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    untrusted : list of str
        Names that skops does not trust by itself, sorted.
    make : callable
        Makes the value, with all names trusted. By `skops.io.loads`, or without reading a
        second time where this version of skops has the halves of that function.
    """
    skops = skops_io()
    try:
        from skops.io._audit import get_tree
        from skops.io._utils import read_schema
    except ImportError:
        names = skops.get_untrusted_types(data=data)
        return names, partial(skops.loads, data, trusted=names)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema, context = read_schema(archive)
        tree = get_tree(schema, load_context=context, trusted=None)
    return sorted(tree.get_unsafe_set()), tree.construct

"""Helpers that modify `.skt` files, as an attacker could."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np

from sktrainer import ManagedTrainer
from sktrainer.files.archive import write_archive
from sktrainer.testing import mixed_table

X, Y = mixed_table(200, "classification")
NUMBERS = np.random.default_rng(0).normal(size=(200, 6))
BINARY = (NUMBERS[:, 0] + NUMBERS[:, 1] > 0).astype(int)


def members_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members, *, compressed=True):
    file = io.BytesIO()
    write_archive(file, members, compressed=compressed)
    return file.getvalue()


def resealed(members):
    """Return a file with valid checksums for these members."""
    manifest = json.loads(members["manifest.json"])
    rest = {name: data for name, data in members.items() if name != "manifest.json"}
    manifest["members"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in rest.items()
    }
    return zipped({"manifest.json": json.dumps(manifest).encode(), **rest})


def with_state(bundle: bytes, member: str, change, files=None) -> bytes:
    """Return a file in which `change` was applied to the skops state of a member."""
    members = members_of(bundle)
    parts = members_of(members[member])
    state = json.loads(parts["schema.json"])
    state = change(state) or state
    parts["schema.json"] = json.dumps(state).encode()
    members[member] = zipped({**parts, **(files or {})}, compressed=False)
    return resealed(members)


def states_in(value, loader):
    """Yield all nested states with this loader."""
    if isinstance(value, dict):
        if value.get("__loader__") == loader:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from states_in(item, loader)


def json_state(value):
    return {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(value),
        "is_json": True,
    }


def sequence(kind, *items):
    loader = {"list": "ListNode", "tuple": "TupleNode"}[kind]
    return {
        "__class__": kind,
        "__module__": "builtins",
        "__loader__": loader,
        "content": list(items),
    }


def named(loader, module, name, **content):
    return {"__class__": name, "__module__": module, "__loader__": loader, **content}


def mapping(**items):
    keys = [named("TypeNode", "builtins", "str") for _ in items]
    return named(
        "DictNode", "builtins", "dict", content=items, key_types=sequence("list", *keys)
    )


def same_answers(left, right, X) -> bool:
    a, b = left.predict(X), right.predict(X)
    if a.tolist() != b.tolist():
        return False
    if not hasattr(left, "predict_proba"):
        return True
    return left.predict_proba(X).tobytes() == right.predict_proba(X).tobytes()


def saved(trainer, folder: Path) -> bytes:
    return trainer.save(folder / "whole.skt").read_bytes()


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


class Bomb:
    """Object that creates a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def replaced(bundle, name, data):
    return resealed({**members_of(bundle), name: data})


def fitted(model):
    return ManagedTrainer(model, random_state=0).fit(X, Y)

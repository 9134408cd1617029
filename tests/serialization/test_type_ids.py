"""Tests that files name sktrainer's own classes by stable ids, which outlive a move."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sktrainer import FileFormatError, ManagedTrainer, load
from sktrainer.preprocessing import table_encoder
from sktrainer.serialization import type_ids
from sktrainer.testing import mixed_table
from tests.serialization.bundles import (
    json_state,
    members_of,
    named,
    resealed,
    saved,
    states_in,
    with_state,
)

OLD_FILE = Path(__file__).parent / "data" / "linear_v1.skt"
X, Y = mixed_table(60, "classification")


@pytest.mark.parametrize("name", type_ids.ADDRESSES)
def test_id_names_a_class_at_its_own_address(name):
    kind = type_ids.load_type(name)
    assert isinstance(kind, type)
    assert type_ids.type_name(kind) == name


def test_file_contains_no_internal_import_path():
    for name, data in members_of(OLD_FILE.read_bytes()).items():
        parts = members_of(data) if name.endswith(".skops") else {name: data}
        assert b'"sktrainer.' not in parts.get("schema.json", parts.get(name, b""))
    manifest = json.loads(members_of(OLD_FILE.read_bytes())["manifest.json"])
    assert manifest["trainer"] == "sktrainer/managed-trainer"


@pytest.fixture
def moved_encoder(monkeypatch):
    """Move TableEncoder to another module, as a later version of sktrainer might."""
    encoder = table_encoder.TableEncoder
    module = ModuleType("sktrainer_moved")
    module.TableEncoder = encoder
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delattr(table_encoder, "TableEncoder")
    monkeypatch.setattr(encoder, "__module__", module.__name__)
    address = f"{module.__name__}.TableEncoder"
    monkeypatch.setitem(type_ids.ADDRESSES, "sktrainer/table-encoder", address)
    return encoder


def test_old_file_loads_after_its_class_moved(moved_encoder, tmp_path):
    trainer = load(OLD_FILE)
    assert isinstance(trainer.pipeline_[0], moved_encoder)
    expected = json.loads(OLD_FILE.with_suffix(".json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(trainer.predict_proba(X), expected, rtol=1e-6)
    again = load(trainer.save(tmp_path / "again.skt"))
    assert again.predict_proba(X).tobytes() == trainer.predict_proba(X).tobytes()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    trainer = ManagedTrainer(LogisticRegression(), random_state=0).fit(X, Y)
    return saved(trainer, tmp_path_factory.mktemp("whole"))


def _load_error(data, path):
    path.write_bytes(data)
    with pytest.raises(FileFormatError) as caught:
        load(path, trusted=True)
    return str(caught.value)


def test_internal_path_instead_of_an_id_is_rejected(bundle, tmp_path):
    def change(state):
        node = next(s for s in states_in(state, "ObjectNode") if s["__module__"] == "")
        node["__module__"], _, node["__class__"] = type_ids.ADDRESSES[
            node["__class__"]
        ].rpartition(".")

    message = _load_error(with_state(bundle, "steps.skops", change), tmp_path / "bad.skt")
    assert "by its import path, expected a type id" in message


@pytest.mark.parametrize("loader", ["FunctionNode", "TypeNode", "ObjectNode"])
@pytest.mark.parametrize("module", ["sktrainer", "sktrainer.trainer"])
def test_any_name_of_the_package_is_rejected(bundle, tmp_path, module, loader):
    def change(state):
        value = named(loader, module, "ManagedTrainer")
        state["content"]["parameters"]["content"]["scoring"] = value

    message = _load_error(with_state(bundle, "trainer.skops", change), tmp_path / "bad.skt")
    assert f"it names {module}.ManagedTrainer by its import path" in message


def test_unknown_id_asks_for_an_upgrade(bundle, tmp_path):
    def change(state):
        value = named("ObjectNode", "", "sktrainer/later", content=json_state(None))
        state["content"]["parameters"]["content"]["scoring"] = value

    message = _load_error(with_state(bundle, "trainer.skops", change), tmp_path / "bad.skt")
    assert "'sktrainer/later', which this version of sktrainer does not know" in message


def test_internal_path_of_the_trainer_is_rejected(bundle, tmp_path):
    members = members_of(bundle)
    manifest = json.loads(members["manifest.json"])
    manifest["trainer"] = type_ids.ADDRESSES[manifest["trainer"]]
    members["manifest.json"] = json.dumps(manifest).encode()
    assert "contains a sktrainer.trainer" in _load_error(
        resealed(members), tmp_path / "bad.skt"
    )

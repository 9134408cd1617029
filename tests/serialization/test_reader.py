"""Tests of reading `.skt` files: old versions, damaged and malicious archives, libraries."""

from __future__ import annotations

import io
import json
import pickle
import stat
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import Ridge
from sklearn.svm import SVC
from xgboost import XGBClassifier

from sktrainer import FileFormatError, ManagedTrainer, load
from sktrainer.serialization.manifest import FORMAT_VERSION
from sktrainer.testing import mixed_table
from tests import user_code
from tests.serialization.bundles import (
    BINARY,
    NUMBERS,
    Bomb,
    X,
    Y,
    members_of,
    replaced,
    resealed,
    zipped,
)

FILES = sorted((Path(__file__).parent / "data").glob("*.skt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_old_file_loads_and_predicts_unchanged(path):
    expected = np.array(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    task = "regression" if expected.ndim == 1 else "classification"
    X, _ = mixed_table(60, task)
    with warnings.catch_warnings():
        # The installed scikit-learn may be newer than the one that wrote the file.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        trainer = load(path)
    found = trainer.predict(X) if task == "regression" else trainer.predict_proba(X)
    # Bit-identical only with the libraries that wrote it; later versions may round otherwise.
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert str(trainer.report_)


def test_every_format_version_has_a_file():
    found = {int(path.stem.rpartition("_v")[2]) for path in FILES}
    assert found == set(range(1, FORMAT_VERSION + 1))


@pytest.mark.parametrize(
    "name", ["trainer.skops", "model.skops", "steps.skops", "report.json", "history.json"]
)
def test_member_that_is_a_pickle_is_not_unpickled(bundle, load_error, tmp_path, name):
    bomb = pickle.dumps(Bomb(tmp_path / "ran"))
    for trusted in (False, True):
        load_error(replaced(bundle, name, bomb), trusted=trusted)


def test_changed_member_is_named(bundle, load_error):
    members = members_of(bundle)
    members["report.json"] = members["report.json"].replace(b"Logistic", b"Artistic")
    message = load_error(zipped(members), trusted=True)
    assert "member 'report.json' was changed: its SHA-256 does not match" in message


def test_members_must_match_the_manifest(bundle, load_error):
    members = members_of(bundle)
    assert "differ from those in manifest.json: ['extra.bin']" in load_error(
        zipped({**members, "extra.bin": b""})
    )
    members.pop("report.json")
    assert "differ from those in manifest.json: ['report.json']" in load_error(zipped(members))


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/evil", "a/b", "..", "C:\\evil", ".hidden", "naïve", "a\nb"]
)
def test_unsafe_member_name_raises(bundle, load_error, name):
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, b"x")
    assert "has a name that is not allowed" in load_error(file.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_member_name_raises(bundle, load_error):
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("report.json", b"{}")
    assert "'report.json' occurs twice" in load_error(file.getvalue())


def test_symbolic_link_raises(bundle, load_error):
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "is a link" in load_error(file.getvalue())


def test_zip_bomb_is_not_decompressed(bundle, load_error):
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.bin", b"\0" * (160 * 2**20))
    assert "more than 200 times its size" in load_error(file.getvalue())


def test_zip_bomb_with_a_false_size_is_not_decompressed(bundle, load_error):
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.bin", b"\0" * (20 * 2**20))
    data = file.getvalue()
    size = (20 * 2**20).to_bytes(4, "little")
    lie = data.replace(size, (1000).to_bytes(4, "little"))
    assert lie != data
    members = members_of(bundle)
    manifest = json.loads(members["manifest.json"])
    manifest["members"]["zeros.bin"] = {"bytes": 1000, "sha256": "0" * 64}
    load_error(lie)


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, -1, -30])
def test_truncated_file_raises(bundle, load_error, kept):
    size = int(len(bundle) * kept) if isinstance(kept, float) else kept
    load_error(bundle[:size], trusted=True)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (2, "reads formats up to 1; upgrade sktrainer"),
        (0, "expected 1 or more"),
        ("1", "expected 1 or more"),
        (True, "expected 1 or more"),
        (None, "expected 1 or more"),
    ],
)
def test_unsupported_format_version_raises(bundle, load_error, version, message):
    members = members_of(bundle)
    manifest = {**json.loads(members["manifest.json"]), "format_version": version}
    members["manifest.json"] = json.dumps(manifest).encode()
    assert message in load_error(zipped(members), trusted=True)


def test_unknown_backend_raises(bundle, load_error):
    members = members_of(bundle)
    manifest = json.loads(members["manifest.json"])
    manifest["model"]["backend"] = "later"
    members["manifest.json"] = json.dumps(manifest).encode()
    assert "there is no backend 'later'" in load_error(zipped(members), trusted=True)


def test_zip_file_of_another_program_raises(load_error):
    assert "this is not a .skt file" in load_error(zipped({"a.txt": b"hello"}))
    assert "was not written by sktrainer" in load_error(zipped({"manifest.json": b"[]"}))
    assert "is not valid JSON" in load_error(zipped({"manifest.json": b"[" * 100_000}))


def test_model_class_must_match_the_manifest(bundle, forest, load_error):
    of_model = {k: v for k, v in members_of(forest).items() if k.startswith("model.")}
    members = {**members_of(bundle), **of_model}
    assert "but manifest.json lists" in load_error(resealed(members), trusted=True)


def test_trainer_subclass_is_loaded_by_its_own_class(tmp_path):

    trainer = user_code.OwnTrainer(Ridge()).fit(NUMBERS, NUMBERS.sum(axis=1))
    path = trainer.save(tmp_path / "m.skt")
    assert type(user_code.OwnTrainer.load(path)) is user_code.OwnTrainer
    with pytest.raises(FileFormatError, match="contains a tests.user_code.OwnTrainer"):
        load(path)


FRESH = """
import sys
from sktrainer import load
trainer = load(sys.argv[1])
others = {"torch", "lightgbm", "catboost", "skorch", "tensorflow", "keras"} - {sys.argv[2]}
print(sorted(others & set(sys.modules)))
"""


def _fresh(code, *arguments):
    run = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.run(run, capture_output=True, text=True, check=False)


def test_loading_imports_only_the_library_of_the_model(tmp_path):
    for model, name in ((XGBClassifier(n_estimators=2), "xgboost"), (SVC(), "-")):
        path = ManagedTrainer(model).fit(X, Y).save(tmp_path / f"{name}.skt")
        run = _fresh(FRESH, path, name)
        assert run.stdout.strip() == "[]", run.stderr


MISSING = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "xgboost":
            raise ModuleNotFoundError("No module named 'xgboost'", name="xgboost")
sys.meta_path.insert(0, Missing())
from sktrainer import load
try:
    load(sys.argv[1])
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("nested", [False, True])
def test_missing_library_names_the_extra(tmp_path, nested):
    model = XGBClassifier(n_estimators=2)
    if nested:
        model = VotingClassifier([("x", model)])
    trainer = ManagedTrainer(model, preprocessor=None).fit(NUMBERS, BINARY)
    run = _fresh(MISSING, trainer.save(tmp_path / "m.skt"))
    assert 'pip install "sktrainer[xgboost]"' in run.stdout, run.stderr

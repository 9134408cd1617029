"""Tests of the model store: versions, tags, comparison, deletion, concurrent processes."""

from __future__ import annotations

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sktrainer import (
    DataWarning,
    FileWriteError,
    InputError,
    ManagedTrainer,
    ModelStore,
    SaveWarning,
    UntrustedFileError,
)
from sktrainer.serialization.model_records import MODEL_FILE, PICKLE_FILE, read_record
from sktrainer.serialization.model_versions import add_version, check_name, remove_version
from sktrainer.testing import bit_identical, mixed_table
from tests.user_code import OwnTrainer, clipped

X, Y = mixed_table(200, "classification")


class Broken(ManagedTrainer):
    """Trainer that fails after it has been saved."""

    def save(self, path):
        super().save(path)
        raise OSError("no space left on device")


def fitted(**parameters):
    model = LogisticRegression(**parameters)
    return ManagedTrainer(model, test_size=0.25, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def trainer():
    return fitted()


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "models")


def test_loaded_versions_predict_bit_identically(store, trainer):
    other = fitted(C=0.01)
    assert [store.save(t, name="churn") for t in (trainer, other, trainer)] == [1, 2, 3]
    loaded = store.load("churn", 2)
    assert bit_identical(loaded.predict_proba(X), other.predict_proba(X))
    for version in ("latest", 3, "3"):
        restored = store.load("churn", version)
        assert bit_identical(restored.predict_proba(X), trainer.predict_proba(X))


def test_version_is_a_folder_of_plain_files(store, trainer):
    store.save(trainer, name="churn")
    folder = store.root / "churn" / "1"
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        [MODEL_FILE, "record.json", "report.json"]
    )
    record = json.loads((folder / "record.json").read_text("utf-8"))
    assert record["parameters"]["estimator__C"] == "1.0"
    assert record["seeds"]["random_state"] == 0
    assert record["versions"]["scikit-learn"]
    assert record["scores"]["test"]["accuracy"] == trainer.scores_.loc["test", "accuracy"]
    assert record["fingerprint"]["digest"].startswith("sha256:")
    assert store.path("churn") == folder / MODEL_FILE


def test_unsupported_trainer_is_pickled_with_a_warning(store):
    odd = fitted(class_weight={True: 2.0, "c0": 1.0, "c1": 1.0})
    with pytest.warns(
        SaveWarning, match=r"'churn' version 1: saved as model\.joblib"
    ) as caught:
        store.save(odd, name="churn")
    assert caught[0].filename == __file__
    folder = store.path("churn").parent
    assert store.path("churn").name == PICKLE_FILE
    assert sorted(file.name for file in folder.iterdir())[0] == PICKLE_FILE
    assert "keys of the unsupported type builtins.bool" in read_record(folder)["note"]
    with pytest.raises(UntrustedFileError):
        store.load("churn")
    restored = store.load("churn", trusted=True)
    assert bit_identical(restored.predict_proba(X), odd.predict_proba(X))


def test_trainer_subclass_is_restored(store):
    trainer = OwnTrainer(LogisticRegression()).fit(X, Y)
    with pytest.warns(SaveWarning, match="its class is OwnTrainer"):
        store.save(trainer, name="own")
    assert type(store.load("own", trusted=True)) is OwnTrainer


def test_trainer_that_cannot_be_pickled_raises(store, trainer):
    odd = copy.copy(trainer)
    odd.odd_ = threading.Lock()
    with pytest.raises(InputError, match="it cannot be pickled either"):
        store.save(odd, name="churn")
    assert store.list().empty


def test_loading_a_version_requires_trust(store):
    pipeline = make_pipeline(FunctionTransformer(clipped), LogisticRegression())
    numbers = X[["size", "signal"]].fillna(0.0)
    own = ManagedTrainer(pipeline, random_state=0).fit(numbers, Y)
    store.save(own, name="churn")
    with pytest.raises(UntrustedFileError, match=r"tests\.user_code\.clipped"):
        store.load("churn")
    assert bit_identical(
        store.load("churn", trusted=["tests.user_code.clipped"]).predict_proba(numbers),
        own.predict_proba(numbers),
    )


def test_list_and_history(store, trainer):
    assert store.list().empty
    store.save(trainer, name="b")
    store.save(trainer, name="b")
    store.save(trainer, name="a")
    store.tag("b", 1, "production")
    table = store.list()
    assert table["name"].tolist() == ["a", "b"]
    assert table["versions"].tolist() == [1, 2]
    assert table["tags"].tolist() == ["", "production: 1"]
    history = store.history("b")
    assert history.index.tolist() == [1, 2]
    assert history["tags"].tolist() == ["production", ""]
    assert history["test_accuracy"].iloc[0] == trainer.scores_.loc["test", "accuracy"]
    assert (history["data"] == trainer.fingerprint_["digest"][:19]).all()


def test_tag_can_be_moved_and_removed(store, trainer):
    for _ in range(2):
        store.save(trainer, name="churn")
    store.tag("churn", 1, "production")
    assert store.path("churn", "@production").parent.name == "1"
    store.tag("churn", "latest", "production")
    assert store.path("churn", "@production").parent.name == "2"
    store.untag("churn", "production")
    with pytest.raises(InputError, match=r"no tag 'production'; its tags: none; check"):
        store.load("churn", "@production")
    with pytest.raises(InputError, match="no tag 'production'"):
        store.untag("churn", "production")


def test_diff_names_parameters_data_and_scores(store, trainer):
    store.save(trainer, name="churn")
    changed = X.assign(signal=X["signal"] + 1.0)
    model = LogisticRegression(C=0.5)
    store.save(ManagedTrainer(model, test_size=0.25, random_state=1).fit(changed, Y), "churn")
    table = store.diff("churn/1", "churn/latest")
    rows = {(kind, name): (a, b) for kind, name, a, b in table.itertuples(index=False)}
    assert rows["parameter", "estimator__C"] == ("1.0", "0.5")
    assert rows["seed", "random_state"] == (0, 1)
    assert ("data", "X: values changed in 'signal'") in rows
    assert rows["score", "test accuracy"][0] == trainer.scores_.loc["test", "accuracy"]
    assert not any(kind == "library" for kind, _ in rows)
    same = store.diff("churn/1", "churn/1")
    assert set(same["kind"]) == {"score"}


def test_number_of_a_deleted_version_is_not_reused(store, trainer):
    for _ in range(2):
        store.save(trainer, name="churn")
    store.delete("churn", 2)
    with pytest.raises(InputError, match="'churn' has no version 2. Available versions: 1"):
        store.load("churn", 2)
    assert store.save(trainer, name="churn") == 3
    store.tag("churn", 3, "production")
    with pytest.raises(InputError, match=r"has the tag 'production'; .*untag\('churn'"):
        store.delete("churn", 3)
    assert store.history("churn").index.tolist() == [1, 3]


def test_prune_keeps_newest_and_tagged_versions(store, trainer):
    for _ in range(5):
        store.save(trainer, name="churn")
    store.tag("churn", 1, "production")
    assert store.prune("churn", keep=2) == [2, 3]
    assert store.history("churn").index.tolist() == [1, 4, 5]
    assert store.prune("churn", keep=2) == []
    with pytest.raises(InputError, match="keep must be an integer of at least 1, got 0"):
        store.prune("churn", keep=0)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../up", "a/b", "a\\b", "/abs", ".hidden", "-x", "a.", "a b", "a\n"),
        *("con", "NUL.txt", "COM1", "ä", "x" * 101, None),
    ],
)
def test_invalid_name_raises(store, trainer, name):
    with pytest.raises(InputError, match="name must have 1 to 100 letters"):
        store.save(trainer, name=name)
    with pytest.raises(InputError, match="name must have"):
        store.load(name)
    assert not store.root.exists()
    assert check_name("Churn_2.v-1") == "Churn_2.v-1"


def test_name_that_differs_only_in_case_raises(store, trainer):
    store.save(trainer, name="churn")
    with pytest.raises(InputError, match="differs from the existing 'churn' only in case"):
        store.save(trainer, name="Churn")


def test_unknown_name_or_version_lists_existing_ones(store, trainer):
    with pytest.raises(InputError, match="has no model 'churn'. Available models: none"):
        store.load("churn")
    store.save(trainer, name="churn")
    with pytest.raises(InputError, match="Did you mean 'churn'"):
        store.history("chrun")
    with pytest.raises(InputError, match=r"version must be a number, .* got 'newest'"):
        store.load("churn", "newest")
    with pytest.raises(InputError, match="got True"):
        store.load("churn", True)


def test_changed_file_and_damaged_record_raise(store, trainer):
    store.save(trainer, name="churn")
    path = store.path("churn")
    whole = path.read_bytes()
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(InputError, match="was changed after it was saved"):
        store.load("churn", trusted=True)
    path.unlink()
    with pytest.raises(InputError, match="is missing; restore it"):
        store.load("churn", trusted=True)
    record = path.parent / "record.json"
    text = record.read_text("utf-8")
    record.write_text(text.replace('"format": 1', '"format": 9'), "utf-8")
    with pytest.raises(
        InputError, match="has format 9, but this version of sktrainer reads format 1"
    ):
        store.load("churn")
    record.write_text(text[: len(text) // 2], "utf-8")
    with pytest.raises(InputError, match=r"record\.json' is damaged"):
        store.load("churn")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 9}'])
def test_damaged_record_does_not_hide_the_others(store, trainer, text):
    for name in ("bad", "good", "good"):
        store.save(trainer, name=name)
    for version in ("bad/1", "good/1"):
        (store.root / version / "record.json").write_text(text, "utf-8")
    with pytest.warns(DataWarning, match=r"bad.1.record\.json' (is damaged|has format 9)"):
        listed = store.list().set_index("name")
    assert listed["estimator"].isna().to_dict() == {"bad": True, "good": False}
    assert listed["latest"].to_dict() == {"bad": 1, "good": 2}
    with pytest.warns(DataWarning, match=r"good.1.record\.json'"):
        history = store.history("good")
    assert history["rows"].isna().tolist() == [True, False]
    assert history.loc[2, "test_accuracy"] == trainer.scores_.loc["test", "accuracy"]


@pytest.mark.parametrize("deleted", [(), (1, 2)])
def test_number_is_higher_than_every_version_without_number_files(store, trainer, deleted):
    for _ in range(3):
        store.save(trainer, name="m")
    for number in deleted:
        store.delete("m", number)
    shutil.rmtree(store.root / "m" / "numbers")
    assert store.save(trainer, name="m") == 4
    shutil.rmtree(store.root / "m" / "numbers")
    store.delete("m", 4)
    assert store.save(trainer, name="m") == 5


@pytest.mark.parametrize("value", [LogisticRegression().fit(X[["signal"]], Y), "model", None])
def test_value_that_is_no_trainer_raises(store, value):
    with pytest.raises(InputError, match=rf"got {type(value).__name__}. Wrap the model"):
        store.save(value, name="m")
    assert not store.root.exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder without writing")
def test_store_that_cannot_be_written_raises_one_error(trainer):
    with pytest.raises(FileWriteError, match="'/proc/store/m' cannot be written"):
        ModelStore("/proc/store").save(trainer, name="m")


def test_failed_save_leaves_only_its_number(store, trainer):
    store.save(trainer, name="churn")
    broken = Broken(Ridge()).fit(*mixed_table(50, "regression"))
    with pytest.raises(OSError, match="no space left"):
        store.save(broken, name="churn")
    kept = sorted(p.name for p in (store.root / "churn").iterdir())
    assert kept == ["1", "numbers"]
    assert store.save(trainer, name="churn") == 3


def test_unfitted_trainer_and_invalid_root_raise(tmp_path, trainer):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        ModelStore(tmp_path / "m").save(ManagedTrainer(Ridge()), "a")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="must be a folder, but .* is a file"):
        ModelStore(tmp_path / "file").save(trainer, "a")


WRITER = """
import sys
from pathlib import Path
from sktrainer.serialization.model_versions import add_version
root, n, mark = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

def fill(folder, number):
    for i in range(20):
        (folder / f"{i}").write_text(f"{mark} {number}")

print(*[add_version(root, "m", fill) for _ in range(n)])
"""


def start_writer(root, n, mark):
    command = [sys.executable, "-c", WRITER, str(root), str(n), str(mark)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_four_processes_save_concurrently(tmp_path):
    writers = [start_writer(tmp_path, 50, mark) for mark in range(4)]
    given = [set(map(int, w.communicate(timeout=120)[0].split())) for w in writers]
    assert all(w.returncode == 0 for w in writers)
    assert set.union(*given) == set(range(1, 201))
    assert sum(map(len, given)) == 200
    for mark, numbers in enumerate(given):
        for number in numbers:
            files = list((tmp_path / "m" / str(number)).iterdir())
            assert len(files) == 20
            assert {file.read_text() for file in files} == {f"{mark} {number}"}
    assert [p for p in (tmp_path / "m").iterdir() if p.name.startswith(".")] == []


def test_unfinished_version_of_a_killed_process_is_removed(tmp_path):
    for _ in range(5):
        writer = start_writer(tmp_path, 100_000, "x")
        time.sleep(0.25)
        while not list(tmp_path.glob("m/[0-9]*")):
            time.sleep(0.05)
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    folder = tmp_path / "m"
    found = [p for p in folder.iterdir() if p.name.isdecimal()]
    assert found
    assert {len(list(p.iterdir())) for p in found} == {20}
    add_version(tmp_path, "m", lambda part, number: (part / "a").touch())
    assert list(folder.glob(".*.part")) == []


def test_version_that_is_being_saved_is_kept_whatever_its_time(tmp_path):
    def fill(part, number):
        (part / "a").touch()
        os.utime(part, (0, 0))  # as written by a computer whose clock is slow
        if number == 1:
            assert add_version(tmp_path, "m", fill) == 2

    assert add_version(tmp_path, "m", fill) == 1
    assert (tmp_path / "m" / "1" / "a").exists()
    assert (tmp_path / "m" / "2" / "a").exists()


def test_deleting_a_version_twice_raises(tmp_path):
    add_version(tmp_path, "m", lambda part, number: (part / "a").touch())
    remove_version(tmp_path, "m", 1)
    with pytest.raises(InputError, match="version 1 of 'm' does not exist any more"):
        remove_version(tmp_path, "m", 1)

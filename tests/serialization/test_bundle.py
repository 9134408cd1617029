"""Tests of saving and loading pickles: atomic writes, trust, clear errors."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sktrainer import InputError, ManagedTrainer, UntrustedFileError, load
from sktrainer.exceptions import FileFormatError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.testing import bit_identical, mixed_table

X, Y = mixed_table(300, "classification")


@pytest.fixture(scope="module")
def trainer():
    return ManagedTrainer(LogisticRegression(), test_size=0.2, random_state=0).fit(X, Y)


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_pickled_trainer_predicts_bit_identically(trainer, tmp_path, suffix):
    path = trainer.save(tmp_path / "models" / f"m{suffix}")
    restored = load(path, trusted=True)
    assert bit_identical(restored.predict_proba(X), trainer.predict_proba(X))
    assert str(restored.report_) == str(trainer.report_)
    assert [file.name for file in path.parent.iterdir()] == [f"m{suffix}"]


def test_loading_a_pickle_without_trust_raises(trainer, tmp_path):
    path = trainer.save(tmp_path / "m.joblib")
    with pytest.raises(UntrustedFileError, match="executes any code that it contains"):
        load(path)


def test_failed_save_keeps_the_old_file(trainer, tmp_path):
    path = tmp_path / "m.pkl"
    trainer.save(path)
    before = path.read_bytes()
    broken = ManagedTrainer(LogisticRegression()).fit(X, Y)
    broken.lock = threading.Lock()  # cannot be pickled
    with pytest.raises(TypeError, match="cannot pickle"):
        broken.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["m.pkl"]


SCRIPT = """
import sys
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sktrainer import ManagedTrainer

class Own(LogisticRegression):
    pass

def doubled(X):
    return 2 * X

model = make_pipeline(FunctionTransformer(doubled), FunctionTransformer(lambda X: X - 1), Own())
trainer = ManagedTrainer(model).fit(np.arange(36.0)[:, None], np.arange(36) // 18)
print(trainer.predict_proba(np.array([[20.5]])).tolist())
trainer.save(sys.argv[1])
"""


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_classes_defined_in_a_script_are_pickled_by_value(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", SCRIPT, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = load(path, trusted=True).predict_proba(np.array([[20.5]]))
    assert str(found.tolist()) == done.stdout.strip()


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"cno_such_module\nModel\n.", "No module named 'no_such_module'"),
        (b"csklearn\nNoSuchModel\n.", "NoSuchModel"),
        (b"", "not a complete"),
        (pickle.dumps([1, 2])[:-3], "not a complete"),
    ],
)
def test_unreadable_pickle_raises_file_format_error(tmp_path, suffix, data, message):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=f"m{suffix}' cannot be loaded: .*{message}"):
        load(path, trusted=True)


def test_unknown_suffix_raises(trainer, tmp_path):
    with pytest.raises(InputError, match=r"\.joblib or \.pkl, got 'm.txt'"):
        trainer.save(tmp_path / "m.txt")


def test_missing_file_and_wrong_class_raise(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load(tmp_path / "m.pkl", trusted=True)
    (tmp_path / "n.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(InputError, match="contains a list, expected a ManagedTrainer"):
        load(tmp_path / "n.pkl", trusted=True)


def test_saved_file_has_default_permissions(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    with atomic_write(tmp_path / "whole") as part:
        part.write_bytes(b"all of it")
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "whole")]
    assert rights[0] == rights[1]

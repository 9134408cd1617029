"""Tests of saving and loading: pickles, native files, atomic writes, trust, clear errors."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from xgboost import XGBClassifier

from sktrainer import InputError, ManagedTrainer, UntrustedFileError, load, train_model
from sktrainer.exceptions import FileFormatError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.testing import bit_identical, mixed_table
from tests.networks import SmallNet
from tests.serialization.bundles import BINARY, NUMBERS, same_answers

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


NATIVE = {
    ".ubj": XGBClassifier(n_estimators=5),
    ".json": XGBClassifier(n_estimators=5),
    ".txt": LGBMRegressor(n_estimators=5),
    ".cbm": CatBoostClassifier(iterations=5),
    ".safetensors": SmallNet,
}


@pytest.mark.parametrize("suffix", NATIVE)
def test_native_file_can_be_loaded_by_its_library(tmp_path, suffix):
    trainer = ManagedTrainer(NATIVE[suffix], random_state=0, early_stopping=False)
    if suffix == ".safetensors":
        trainer.set_params(estimator__max_epochs=1)
    y = NUMBERS.sum(axis=1) if suffix == ".txt" else BINARY
    path = trainer.fit(NUMBERS, y).save(tmp_path / f"m{suffix}", format="native")
    if suffix in (".ubj", ".json"):
        model = XGBClassifier()
        model.load_model(path)
        assert (model.predict(NUMBERS) == trainer.predict(NUMBERS)).all()
    elif suffix == ".txt":
        import lightgbm

        booster = lightgbm.Booster(model_file=path)
        assert (booster.predict(NUMBERS) == trainer.predict(NUMBERS)).all()
    elif suffix == ".cbm":
        model = CatBoostClassifier().load_model(str(path))
        assert (model.predict(NUMBERS) == trainer.predict(NUMBERS)).all()
    else:
        from safetensors.torch import load_file

        assert load_file(path).keys() == trainer.model_.module_.state_dict().keys()


def test_unsupported_native_format_raises(tmp_path):
    trainer = ManagedTrainer(Ridge()).fit(NUMBERS, NUMBERS.sum(axis=1))
    with pytest.raises(InputError, match="Ridge has no native file format; save to a .skt"):
        trainer.save(tmp_path / "m.ubj", format="native")
    with pytest.raises(InputError, match="format must be None"):
        trainer.save(tmp_path / "m.skt", format="onnx")
    boosted = ManagedTrainer(XGBClassifier(n_estimators=2)).fit(NUMBERS, BINARY)
    with pytest.raises(InputError, match=r"must end in \.ubj or \.json, got 'm\.txt'"):
        boosted.save(tmp_path / "m.txt", format="native")
    assert list(tmp_path.iterdir()) == []


def test_train_model_saves_a_skt_file(tmp_path):
    result = train_model(
        Ridge(), NUMBERS, NUMBERS.sum(axis=1), save_path=tmp_path / "m.skt", verbose=0
    )
    assert same_answers(load(result.model_path), result.model, NUMBERS)

"""Tests that `verify` compares a new fit with the recorded one."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sktrainer import Checkpoint, InputError, ManagedTrainer, fingerprint, load
from sktrainer.checkpoints.schedule import as_checkpoint
from sktrainer.data.inputs import FitInputs
from sktrainer.testing import mixed_table
from sktrainer.training.log import FitLog
from sktrainer.training.provenance import fingerprint_or_note
from tests.networks import SmallNet

X, Y = mixed_table(200, "classification")


def lightgbm():
    return LGBMClassifier(n_estimators=30, subsample=0.7, subsample_freq=1, verbose=-1)


@pytest.fixture(scope="module")
def trainer():
    return ManagedTrainer(lightgbm(), test_size=0.2).fit(X, Y)


def test_same_data_verify_without_a_seed(trainer):
    found = trainer.verify(X, Y)
    assert found
    assert found.largest_difference == 0.0
    assert found.n_rows == 200
    assert str(found).splitlines() == [
        "Verified",
        "Data         identical",
        "Parameters   identical",
        "Versions     identical",
        "Predictions  bit-identical on 200 rows",
    ]


@pytest.mark.parametrize("estimator", [SVC(), SGDClassifier(), SmallNet])
def test_models_without_probabilities_and_networks_verify(estimator):
    table = X[["signal", "count"]]
    trainer = ManagedTrainer(estimator, task="classification", n_iter_no_change=5)
    assert trainer.fit(table, Y).verify(table, Y)


def test_verify_takes_all_arguments_of_fit():
    weight, groups = np.arange(200.0), np.arange(200) // 4
    X_val, y_val = mixed_table(40, "classification", seed=1)
    held = {"X_val": X_val, "y_val": y_val}
    trainer = ManagedTrainer(lightgbm(), cv=3, random_state=np.random.RandomState(0))
    trainer.fit(X, Y, sample_weight=weight, groups=groups, **held)
    assert trainer.verify(X, Y, sample_weight=weight, groups=groups, **held)
    found = trainer.verify(X, Y, sample_weight=weight, **held)
    assert found.data == ("groups: no longer given",)


def test_verify_polars_frame_with_target_column():
    table = pl.from_pandas(X[["signal", "color"]].assign(target=Y))
    trainer = ManagedTrainer(LogisticRegression()).fit(table, "target")
    assert trainer.verify(table, "target")
    assert trainer.report_.data["fingerprint"] == fingerprint(table, "target")


def test_verify_names_the_column_with_changed_values(trainer):
    other = X.copy()
    other.loc[:50, "signal"] += 5.0
    found = trainer.verify(other, Y)
    assert not found
    assert found.data == ("X: values changed in 'signal'",)
    assert found.largest_difference > 0.0
    assert "largest difference" in found.predictions


def test_verify_reports_a_missing_column_without_an_error(trainer):
    found = trainer.verify(X.drop(columns="signal"), Y)
    assert found.data == ("X: removed: 'signal'",)
    assert found.predictions.startswith("not compared: ")
    assert found.largest_difference is None


def test_verify_reports_a_changed_parameter(trainer):
    changed = pickle.loads(pickle.dumps(trainer))
    changed.set_params(estimator__num_leaves=4, test_size=0.5, verbose=2)
    found = changed.verify(X, Y)
    assert set(found.parameters) == {
        "test_size was 0.2, is 0.5",
        "estimator__num_leaves was 31, is 4",
    }
    assert not found.data


def test_verify_reports_a_changed_library_version(trainer):
    older = pickle.loads(pickle.dumps(trainer))
    older.report_.versions["lightgbm"] = "1.0"
    (line,) = older.verify(X, Y).versions
    assert line.startswith("lightgbm was 1.0, is ")


def test_verify_does_not_change_the_trainer(trainer):
    before = pickle.dumps(trainer)
    trainer.verify(X, Y)
    assert pickle.dumps(trainer) == before


def test_verify_reports_data_without_a_fingerprint():
    strings = ["good film", "bad film", "good", "bad", "a good one", "a bad one"] * 4
    model = make_pipeline(CountVectorizer(), MultinomialNB())
    trainer = ManagedTrainer(model).fit(strings, ["p", "n"] * 12)
    assert trainer.verify(strings, ["p", "n"] * 12)

    class Odd:
        def __float__(self):
            return 1.0

    log = FitLog()
    assert fingerprint_or_note(FitInputs(Unreadable(), None), log) is None
    assert log.notes == ["no fingerprint of the data: RuntimeError: not today"]
    table = pd.DataFrame({"a": np.arange(20.0), "b": [Odd()] * 20})
    odd = ManagedTrainer(make_pipeline(Numbers(), Ridge()), task="regression")
    odd.fit(table, np.arange(20.0))
    assert odd.fingerprint_ is None
    assert "no fingerprint of the data: a value of type" in odd.report_.notes[0]
    assert odd.verify(table, np.arange(20.0)).data[0].startswith("a value of type")


class Unreadable:
    """Table that cannot be converted to an array."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("not today")


class Numbers:
    """Transformer that converts all values to floats."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.to_numpy(dtype=float)

    def get_params(self, deep=True):
        return {}


def test_report_contains_fingerprint_and_its_time(trainer):
    assert "fingerprint" in set(trainer.report_.stages["stage"])
    assert f"Fingerprint  {trainer.fingerprint_['digest']}" in trainer.report_.full()


def test_model_trained_in_chunks_cannot_be_verified():
    X, y = mixed_table(80, "classification")
    trainer = ManagedTrainer(SGDClassifier(), random_state=0)
    for fitted in (trainer.partial_fit(X, y), trainer.fit(X, y).partial_fit(X, y)):
        with pytest.raises(InputError, match="verify repeats a fit, but .* partial_fit"):
            fitted.verify(X, y)


@pytest.mark.parametrize("kind", ["folder", "path", "schedule"])
def test_path_of_the_checkpoint_does_not_affect_the_verification(kind, tmp_path):
    folder = tmp_path / "run"
    checkpoint = {"folder": str(folder), "path": folder, "schedule": Checkpoint(folder)}[kind]
    X, y = mixed_table(80, "classification")
    trainer = ManagedTrainer(LogisticRegression(), random_state=0, checkpoint=checkpoint)
    restored = load(trainer.fit(X, y).save(tmp_path / "m.skt"))
    assert as_checkpoint(restored.checkpoint).folder in (str(folder), folder)
    assert (restored.predict(X) == trainer.predict(X)).all()
    assert restored.verify(X, y)

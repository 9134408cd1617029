"""A fit done anew is compared, to the bit, with what the first one recorded."""

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

from sktrainer import ManagedTrainer, fingerprint
from sktrainer.receipt import take_fingerprint
from sktrainer.stages.checks import RawInput
from sktrainer.testing import mixed_table
from tests.networks import SmallNet

X, Y = mixed_table(200, "classification")


def lightgbm():
    return LGBMClassifier(n_estimators=30, subsample=0.7, subsample_freq=1, verbose=-1)


@pytest.fixture(scope="module")
def trainer():
    return ManagedTrainer(lightgbm(), test_size=0.2).fit(X, Y)


def test_the_same_data_verify_also_without_a_seed(trainer):
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


def test_all_that_went_to_fit_goes_to_verify():
    weight, groups = np.arange(200.0), np.arange(200) // 4
    held = {"X_val": X[:40], "y_val": Y[:40]}
    trainer = ManagedTrainer(lightgbm(), cv=3, random_state=np.random.RandomState(0))
    trainer.fit(X, Y, sample_weight=weight, groups=groups, **held)
    assert trainer.verify(X, Y, sample_weight=weight, groups=groups, **held)
    found = trainer.verify(X, Y, sample_weight=weight, **held)
    assert found.data == ("groups: not given now",)


def test_the_target_may_be_a_column_and_the_frame_of_polars():
    table = pl.from_pandas(X[["signal", "color"]].assign(target=Y))
    trainer = ManagedTrainer(LogisticRegression()).fit(table, "target")
    assert trainer.verify(table, "target")
    assert trainer.report_.data["fingerprint"] == fingerprint(table, "target")


def test_other_cells_are_named_by_their_column(trainer):
    other = X.copy()
    other.loc[:50, "signal"] += 5.0
    found = trainer.verify(other, Y)
    assert not found
    assert found.data == ("X: other values in 'signal'",)
    assert found.largest_difference > 0.0
    assert "largest difference" in found.predictions


def test_other_columns_are_said_and_no_error(trainer):
    found = trainer.verify(X.drop(columns="signal"), Y)
    assert found.data == ("X: no longer there: 'signal'",)
    assert found.predictions.startswith("not compared: ")
    assert found.largest_difference is None


def test_a_parameter_that_was_changed_since_is_named(trainer):
    changed = pickle.loads(pickle.dumps(trainer))
    changed.set_params(estimator__num_leaves=4, test_size=0.5, verbose=2)
    found = changed.verify(X, Y)
    assert set(found.parameters) == {
        "test_size was 0.2, is 0.5",
        "estimator__num_leaves was 31, is 4",
    }
    assert not found.data


def test_another_version_of_a_library_is_named(trainer):
    older = pickle.loads(pickle.dumps(trainer))
    older.report_.versions["lightgbm"] = "1.0"
    (line,) = older.verify(X, Y).versions
    assert line.startswith("lightgbm was 1.0, is ")


def test_a_verified_trainer_is_left_as_it_was(trainer):
    before = pickle.dumps(trainer)
    trainer.verify(X, Y)
    assert pickle.dumps(trainer) == before


def test_texts_verify_and_what_has_no_fingerprint_says_so():
    texts = ["good film", "bad film", "good", "bad", "a good one", "a bad one"] * 4
    model = make_pipeline(CountVectorizer(), MultinomialNB())
    trainer = ManagedTrainer(model).fit(texts, ["p", "n"] * 12)
    assert trainer.verify(texts, ["p", "n"] * 12)

    class Odd:
        def __float__(self):
            return 1.0

    assert take_fingerprint(RawInput(Unreadable(), None)) == (
        None,
        ("no fingerprint of the data: RuntimeError: not today",),
    )
    table = pd.DataFrame({"a": np.arange(20.0), "b": [Odd()] * 20})
    odd = ManagedTrainer(make_pipeline(Numbers(), Ridge()), task="regression")
    odd.fit(table, np.arange(20.0))
    assert odd.fingerprint_ is None
    assert "no fingerprint of the data: a cell of type" in odd.report_.notes[0]
    assert odd.verify(table, np.arange(20.0)).data[0].startswith("a cell of type")


class Unreadable:
    """A table that cannot be made an array of."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("not today")


class Numbers:
    """Makes floats of whatever has a number."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.to_numpy(dtype=float)

    def get_params(self, deep=True):
        return {}


def test_the_time_of_the_fingerprint_stands_in_the_report(trainer):
    assert "fingerprint" in set(trainer.report_.stages["stage"])
    assert f"Fingerprint  {trainer.fingerprint_['digest']}" in str(trainer.report_)

"""Tables that still contain the target column, and indexes in a different order."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from xgboost import XGBClassifier, XGBRegressor

from sktrainer import DataWarning, ManagedTrainer, load
from sktrainer.testing import bit_identical

RNG = np.random.default_rng(0)
X = pd.DataFrame({"size": RNG.normal(size=120), "kind": RNG.choice(["a", "b", "c"], 120)})
Y = pd.Series(np.where(X["size"] + (X["kind"] == "a") > 0.3, "yes", "no"), name="bought")
TABLE = X.assign(bought=Y)
ORDER = "{} has the index labels of {} in another order"


def trainer(**parameters):
    return ManagedTrainer(LogisticRegression(), random_state=0, **parameters)


@pytest.mark.parametrize("of", [pd.DataFrame, pl.from_pandas], ids=["pandas", "polars"])
def test_predict_and_score_accept_table_with_target_column(tmp_path, of):
    fitted = trainer().fit(of(TABLE), "bought")
    expected = fitted.predict_proba(of(X))

    restored = load(fitted.save(tmp_path / "m.skt"))
    for each in (fitted, restored):
        assert bit_identical(each.predict_proba(of(TABLE)), expected)
        assert each.predict(of(TABLE)).tolist() == fitted.predict(of(X)).tolist()
        assert each.score(of(TABLE), "bought") == fitted.score(of(X), Y)
    assert bit_identical(fitted.predict_proba(of(TABLE.assign(bought="no"))), expected)


def test_partial_fit_accepts_chunks_with_target_column():
    stream = ManagedTrainer(SGDClassifier(loss="log_loss"), random_state=0)
    stream.partial_fit(TABLE[:60], "bought").partial_fit(TABLE[60:], "bought")
    assert bit_identical(stream.predict_proba(TABLE), stream.predict_proba(X))
    assert stream.feature_names_in_.tolist() == ["size", "kind"]


def test_unknown_column_raises():
    fitted = trainer().fit(X, Y)
    with pytest.raises(ValueError, match="unseen at fit time"):
        fitted.predict(TABLE)


@pytest.mark.parametrize("name", ["y", "sample_weight", "groups"])
def test_index_in_different_order_warns(name):
    values = {
        "y": Y,
        "sample_weight": pd.Series(np.linspace(1.0, 2.0, 120)),
        "groups": pd.Series(np.arange(120) % 7),
    }
    shuffled = {**values, name: values[name].sample(frac=1, random_state=0)}
    with pytest.warns(DataWarning, match=ORDER.format(name, "X")):
        trainer(split="group", test_size=0.3).fit(X, **shuffled)


def test_validation_and_score_index_in_different_order_warns():
    mixed = Y.sample(frac=1, random_state=0)
    with pytest.warns(DataWarning, match=ORDER.format("y_val", "X_val")):
        ManagedTrainer(LGBMClassifier(n_estimators=3), random_state=0).fit(
            X, Y, X_val=X, y_val=mixed
        )
    fitted = trainer().fit(X, Y)
    with pytest.warns(DataWarning, match=ORDER.format("y", "X")):
        assert fitted.score(X, mixed) < fitted.score(X, mixed.loc[X.index])


@pytest.mark.parametrize(
    "y",
    [
        Y.to_numpy()[::-1],
        Y.set_axis(Y.index + 1000),
        Y.set_axis(np.zeros(120, dtype=int)),
        Y.set_axis([f"row {i}" for i in range(120)]),
    ],
    ids=["no index", "other labels", "repeated labels", "strings"],
)
def test_unrelated_index_does_not_warn(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        trainer().fit(X, y)


def test_multi_output_trees_accept_text_and_report_target_names():
    targets = pd.DataFrame({"low": X["size"], "high": X["size"] + (X["kind"] == "a")})
    model = XGBRegressor(n_estimators=40, multi_strategy="multi_output_tree")
    fitted = ManagedTrainer(model, random_state=0, early_stopping=False, audit=False).fit(
        X, targets
    )
    assert fitted.score(X, targets) > 0.8
    assert "target low, high" in fitted.report_.full()
    classes = X["kind"] + np.where(Y == "yes", "+", "-")
    model = XGBClassifier(n_estimators=20, multi_strategy="multi_output_tree")
    assert ManagedTrainer(model, random_state=0).fit(X, classes).score(X, classes) > 0.8

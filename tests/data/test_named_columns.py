"""Arguments of `fit` that are names of columns of X."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from lightgbm import LGBMRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from sktrainer import InputError, ManagedTrainer, load, train_model
from sktrainer.data.named_columns import drop_columns, pop_columns
from sktrainer.testing import bit_identical, mixed_table

X, Y = mixed_table(200, "regression")
WEIGHT = 1.0 + np.arange(200) % 3
GROUP = np.arange(200) // 4
TABLE = X.assign(weight=WEIGHT, group=GROUP, price=Y)
MAKERS = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


@pytest.mark.parametrize("maker", MAKERS)
def test_named_columns_are_taken_out_of_the_table(maker):
    table = MAKERS[maker]({"a": [1, 2], "w": [3, 4], "t": [5, 6]})
    rest, values = pop_columns(table, y="t", sample_weight="w", groups=None)
    assert rest.shape == (2, 1)
    assert [np.asarray(values[name]).tolist() for name in ("y", "sample_weight")] == [
        [5, 6],
        [3, 4],
    ]
    assert values["groups"] is None
    assert drop_columns(table, ["w", "absent", "w"]).shape == (2, 2)


@pytest.mark.parametrize("make", [list, tuple, np.array])
@pytest.mark.parametrize("name", ["y", "groups", "sample_weight"])
def test_list_of_column_names_is_refused(make, name):
    arguments = {"y": Y, name: make(["price"])}
    with pytest.raises(InputError, match=rf"{name}=\['price'\] .* Pass {name}='price'"):
        ManagedTrainer(Ridge()).fit(TABLE, **arguments)
    arguments[name] = make(["price", "weight"])
    message = rf"{name}=\['price', 'weight'\] is a list of column names.*X without these"
    with pytest.raises(InputError, match=message):
        ManagedTrainer(Ridge()).fit(TABLE, **arguments)


def test_labels_may_equal_column_names():
    table = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60.0) % 7})
    labels = ["a", "b"] * 30
    trainer = ManagedTrainer(LogisticRegression()).fit(table, labels)
    assert trainer.classes_.tolist() == ["a", "b"]


def test_names_give_the_same_model_as_values():
    def fit(*arguments, **others):
        model = LGBMRegressor(n_estimators=20)
        return ManagedTrainer(model, test_size=0.2, random_state=0).fit(*arguments, **others)

    by_name = fit(TABLE, "price", sample_weight="weight", groups="group")
    by_value = fit(X, Y, sample_weight=WEIGHT, groups=GROUP)
    assert by_name.feature_names_in_.tolist() == list(X)
    assert by_name.split_.kind == "group"
    assert (by_name.split_.train == by_value.split_.train).all()
    assert bit_identical(by_name.scores_, by_value.scores_)
    for table in (X, TABLE, TABLE.drop(columns="weight"), X.assign(group="new")):
        assert bit_identical(by_name.predict(table), by_value.predict(X))
    assert by_name.score(TABLE, "price", sample_weight="weight") == pytest.approx(
        by_value.score(X, Y, sample_weight=WEIGHT)
    )
    assert by_name.verify(TABLE, "price", sample_weight="weight", groups="group")


def test_validation_rows_have_the_named_columns(tmp_path):
    trainer = ManagedTrainer(LGBMRegressor(n_estimators=20), random_state=0)
    trainer.fit(TABLE[:150], "price", sample_weight="weight", groups="group", X_val=TABLE[150:])
    other = ManagedTrainer(LGBMRegressor(n_estimators=20), random_state=0).fit(
        X[:150], Y[:150], sample_weight=WEIGHT[:150], groups=GROUP[:150],
        X_val=X[150:], y_val=Y[150:], sample_weight_val=WEIGHT[150:],
    )  # fmt: skip
    assert trainer.evals_result_ == other.evals_result_
    again = load(trainer.save(tmp_path / "m.skt"))
    assert bit_identical(again.predict(TABLE), other.predict(X))


def test_functions_accept_names():
    result = train_model(Ridge(), TABLE, "price", groups="group", save_path=None, verbose=0)
    assert result.report.split["kind"] == "group"
    assert result.predict(TABLE).shape == (200,)


def test_all_unknown_names_are_reported_together():
    with pytest.raises(InputError) as caught:
        ManagedTrainer(Ridge()).fit(TABLE, "Price", sample_weight="wieght", groups="group")
    assert caught.value.problems == (
        "y='Price' is not a column of X. Did you mean 'price'?",
        "sample_weight='wieght' is not a column of X. Did you mean 'weight'?",
    )


@pytest.mark.parametrize("path", ["train.csv", Path("train.csv")])
def test_path_instead_of_a_table_raises(path):
    expected = r"got the path 'train\.csv'. Read the file first: pandas.read_csv\('train"
    for y in ("price", [1, 2]):
        with pytest.raises(InputError, match=expected):
            ManagedTrainer(Ridge()).fit(path, y)
    with pytest.raises(InputError, match=expected):
        ManagedTrainer(Ridge()).fit(X, Y).predict(path)


def test_name_requires_column_names():
    with pytest.raises(InputError, match="groups='g' is a column name, which requires X to be"):
        ManagedTrainer(Ridge()).fit([[1.0], [2.0]], [1, 2], groups="g")

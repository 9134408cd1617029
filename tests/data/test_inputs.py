"""Invalid data raises before training starts, with a message that explains the fix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVR

from sktrainer import InputError, ManagedTrainer
from tests.stubs import NeverFitted, NeverFittedRegressor
from tests.tables import two_class_table


def lists():
    X, _ = two_class_table()
    return X.assign(tags=[[1, 2]] * len(X))


def twice():
    X, _ = two_class_table()
    return pd.concat([X, X[["a"]]], axis=1)


def infinite():
    X, _ = two_class_table()
    X.loc[3, "a"] = np.inf
    return X


def times():
    X, _ = two_class_table()
    return X.assign(when="the day before yesterday")


X, Y = two_class_table()
NUMBERS = np.linspace(0.0, 1.0, len(Y))

BAD_DATA = {
    "no table": ({"X": "table.csv"}, {}, r"got the path 'table.csv'.*pandas.read_csv"),
    "values without columns": ({"X": NUMBERS}, {}, r"1D array .*: X has 40 values.*reshape\("),
    "a list of values": ({"X": NUMBERS.tolist()}, {}, r"1D array .*numpy.array\(X\).reshape"),
    "a column": ({"X": X["a"]}, {}, r"1D array .*X.to_frame\(\)"),
    "a list of dicts": ({"X": X.to_dict("records")}, {}, r"40 dicts. Pass pandas.DataFrame\(X"),
    "records": ({"X": X.to_records()}, {}, r"40 records. Pass pandas.DataFrame\(X"),
    "images": ({"X": np.zeros((40, 2, 3))}, {}, r"dim 3, .*numpy.reshape\(X, \(len\(X\), -1"),
    "lists of two lengths": ({"X": [[[1.0], [2.0, 3.0]]] * 40}, {}, r"dim 3"),
    "a number": ({"X": 3}, {}, r"X must be a table: .* got int"),
    "an empty table": ({"X": X.iloc[:0], "y": Y[:0]}, {}, r"0 sample"),
    "no columns": ({"X": X.iloc[:, :0]}, {}, r"0 feature"),
    "one class": (
        {"y": np.repeat("no", 40)},
        {},
        r"at least 2 classes, got one class only: 'no'",
    ),
    "y missing": ({"y": None}, {}, r"requires y to be passed"),
    "missing labels": ({"y": pd.Series(Y).where(NUMBERS > 0.2)}, {}, r"y contains NaN"),
    "dates for labels": (
        {"y": pd.date_range("2020", periods=40)},
        {},
        r"got dates or durations \(datetime64.*astype\(str\)",
    ),
    "days for labels": (
        {"y": pd.Series(pd.date_range("2020", periods=40)).dt.date},
        {},
        r"dates or durations \(date\)",
    ),
    "one-hot labels": (
        {"y": np.eye(2)[np.arange(40) % 2]},
        {},
        r"shape \(40, 2\).*numpy.argmax\(y, axis=1\).*MultiOutputClassifier",
    ),
    "labels of two types": (
        {"y": np.array([0, "yes"] * 20, dtype=object)},
        {},
        r"one type, got int, str",
    ),
    "values that are lists": ({"X": lists()}, {}, r"tags"),
    "duplicate column names": ({"X": twice()}, {}, r"'?a'?"),
    "column names of two types": (
        {"X": X.set_axis(["a", "b", 2], axis=1)},
        {},
        r"all strings or all non-strings, got int and str; .*astype\(str\)",
    ),
    "inf in X": ({"X": infinite()}, {}, r"inf.*"),
    "y longer than X": ({"y": np.tile(Y, 2)}, {}, r"X has 40 samples, y has 80"),
    "y is not a column": (
        {"y": "target"},
        {},
        r"y='target' is not a column of X. The columns of X are: 'a', 'b', 'c'",
    ),
    "missing group": (
        {"groups": [None, *range(39)]},
        {},
        r"groups must have a value for every row, got 1 missing",
    ),
    "groups of another length": ({"groups": np.arange(39)}, {}, r"groups has 39"),
    "split by group without groups": ({}, {"split": "group"}, r"fit\(X, y, groups=...\)"),
    "a time column that does not parse": (
        {"X": times()},
        {"time_column": "when"},
        r"'the day before yesterday'.*pandas.to_datetime",
    ),
    "unknown time column": (
        {},
        {"time_column": "day"},
        r"'day' is not a column of X. The columns of X are",
    ),
    "a gap without time order": ({}, {"gap": 7}, r"gap=7 is only used by time splits"),
    "a duration without dates": (
        {"X": X.assign(when=np.arange(40))},
        {"gap": "7D", "time_column": "when"},
        r"gap='7D' is a duration, which needs a time_column of dates",
    ),
    "sizes that leave no training row": (
        {},
        {"test_size": 0.5, "validation_size": 20},
        r"at least one training row",
    ),
    "negative weights": ({"sample_weight": -np.ones(40)}, {}, r"negative"),
    "weights of another length": ({"sample_weight": np.ones(39)}, {}, r"sample_weight has 39"),
    "X_val without y_val": ({"X_val": X}, {}, r"X_val requires y_val"),
    "X_val with other columns": (
        {"X_val": X.rename(columns={"a": "z"}), "y_val": Y},
        {},
        r"missing: 'a'; not in X: 'z'",
    ),
    "y_val with a new label": ({"X_val": X, "y_val": np.repeat("maybe", 40)}, {}, r"'maybe'"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_is_refused_before_training(name):
    data, parameters, message = BAD_DATA[name]
    arguments = {"X": X, "y": Y, **data}
    with pytest.raises(InputError, match=message):
        ManagedTrainer(NeverFitted(), **parameters).fit(arguments.pop("X"), **arguments)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (pd.date_range("2020", periods=40), r"dates or durations.*Timedelta\('1D'\)"),
        (pd.to_timedelta(np.arange(40), unit="h"), r"dates or durations \(timedelta"),
        (np.ones((40, 2)), r"shape \(40, 2\).*MultiOutputRegressor"),
    ],
)
def test_regression_target_must_be_one_numeric_column(y, message):
    with pytest.raises(InputError, match=message):
        ManagedTrainer(SVR()).fit(X, y)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_or_infinite_target_is_refused(bad):
    y = NUMBERS.copy()
    y[5] = bad
    with pytest.raises(InputError, match="y contains NaN or infinity"):
        ManagedTrainer(NeverFittedRegressor()).fit(X, y)

"""Rows, labels and capabilities that every boosting backend handles in the same way."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from scipy.sparse import csr_matrix

from sktrainer.backends.registry import find_backend
from sktrainer.scoring.scorers import named_scorer
from tests.backends.boosters import (
    N_ROWS,
    N_TRAIN,
    curve,
    each_library,
    fit,
    make_classifier,
    make_rows,
)


@each_library
def test_sample_weights_apply_to_training_and_validation_rows(library: str) -> None:
    X, y, weight = make_rows()
    both = fit(make_classifier(library), X, y, weight=weight)
    only_train = weight.copy()
    only_train[N_TRAIN:] = 1.0
    train = fit(make_classifier(library), X, y, weight=only_train)
    none = fit(make_classifier(library), X, y)
    assert curve(train, "train")[0] != curve(none, "train")[0]
    assert curve(both, "train")[0] == curve(train, "train")[0]
    assert curve(both, "validation")[0] != curve(train, "validation")[0]


@each_library
def test_fitted_model_pickles(library: str) -> None:
    X, y, _ = make_rows(3)
    for metric in ("loss", "f1_macro"):
        model = fit(make_classifier(library), X, y, metric=metric).model
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


def codes_table(library: str, codes: np.ndarray, numbers: np.ndarray) -> Any:
    """Return a table of codes (NaN if missing) and numbers in the format of the library."""
    if library != "catboost":
        return np.column_stack([codes, numbers]).astype(np.float32)
    whole = np.where(np.isnan(codes), -1, codes).astype(np.int32)
    return pd.DataFrame({"code": whole, "number": numbers})


@each_library
def test_categories_are_native_and_may_be_unseen_or_missing(library: str) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 12, N_ROWS).astype(float)
    y = ((codes % 3 == 1) ^ (rng.random(N_ROWS) < 0.05)).astype(int)
    codes[rng.random(N_ROWS) < 0.1] = np.nan
    numbers = rng.normal(size=N_ROWS)
    X = codes_table(library, codes, numbers)
    model = make_classifier(library, 15, max_depth=1)
    if library == "lightgbm":
        model.set_params(min_data_per_group=5, cat_smooth=1.0)
    model = fit(model, X, y, categorical=(0,)).model
    # A single split can separate every third code only as a set, not by order.
    assert model.score(X, y) > 0.85
    only_missing = codes_table(library, np.full(3, np.nan), numbers[:3])
    assert np.isfinite(model.predict_proba(only_missing)).all()
    assert model.predict_proba(only_missing[:1]).shape == (1, 2)


@pytest.mark.parametrize("library", ["lightgbm", "catboost"])
@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([1, 2])])
def test_original_labels_are_trained_and_validated_correctly(
    library: str, labels: np.ndarray
) -> None:
    X, y, _ = make_rows()
    by_label = fit(make_classifier(library), X, labels[y])
    by_code = fit(make_classifier(library), X, y)
    np.testing.assert_array_equal(by_label.model.classes_, labels)
    assert curve(by_label, "validation") == curve(by_code, "validation")
    scored = fit(make_classifier(library), X, labels[y], metric="f1_macro")
    expected = named_scorer("f1_macro")(scored.model, X[N_TRAIN:], labels[y[N_TRAIN:]])
    values = curve(scored, "validation", "f1_macro")
    assert max(values) == pytest.approx(expected, abs=1e-6)


@each_library
@pytest.mark.parametrize("convert", [csr_matrix, pd.DataFrame, np.asfortranarray])
def test_all_table_types_train_equally(library: str, convert: Callable[[Any], Any]) -> None:
    X, y, weight = make_rows()
    table = convert(X)
    if isinstance(table, np.ndarray):
        table.flags.writeable = False
    outcome = fit(make_classifier(library, 15), table, y, weight=weight)
    assert (
        outcome.best_iteration
        == fit(make_classifier(library, 15), X, y, weight=weight).best_iteration
    )


@each_library
def test_nothing_is_printed(library: str, capfd: pytest.CaptureFixture[str]) -> None:
    X, y, _ = make_rows()
    fit(make_classifier(library, 5), X, y, metric="f1")
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


@pytest.mark.parametrize(
    ("model", "max_iter"),
    [
        (xgboost.XGBClassifier(), 100),
        (xgboost.XGBClassifier(n_estimators=7), 7),
        (xgboost.XGBRFClassifier(n_estimators=7), None),
        (lightgbm.LGBMClassifier(), 100),
        (lightgbm.LGBMRegressor(num_iterations=7), 7),
        (catboost.CatBoostClassifier(), 1000),
        (catboost.CatBoostRegressor(num_trees=7), 7),
        (catboost.CatBoostRegressor(n_estimators=7), 7),
    ],
)
def test_traits_report_the_number_of_rounds(model: Any, max_iter: int | None) -> None:
    assert find_backend(model).capabilities(model, "classification").max_iter == max_iter


@pytest.mark.parametrize(
    ("model", "stops"),
    [
        (xgboost.XGBClassifier(), True),
        (xgboost.XGBRFClassifier(), False),
        (xgboost.XGBClassifier(booster="dart"), False),
        (lightgbm.LGBMClassifier(), True),
        (lightgbm.LGBMClassifier(boosting_type="rf"), False),
        (lightgbm.LGBMClassifier(boosting_type="dart"), False),
        (catboost.CatBoostClassifier(), True),
    ],
)
def test_traits_report_which_models_stop_by_default(model: Any, stops: bool) -> None:
    assert (
        find_backend(model).capabilities(model, "classification").early_stopping_by_default
        is stops
    )


def test_linear_boosters_are_sensitive_to_scale() -> None:
    linear = xgboost.XGBRegressor(booster="gblinear")
    capabilities = find_backend(linear).capabilities(linear, "regression")
    assert (capabilities.scale_sensitive, capabilities.native_categorical) == (True, False)
    leaves = lightgbm.LGBMRegressor(linear_tree=True)
    assert find_backend(leaves).capabilities(leaves, "regression").scale_sensitive

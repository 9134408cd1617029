"""Tests of the table and target types that scikit-learn supports."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sktrainer.backends.sklearn.backend import SklearnBackend
from tests.backends.sklearn.fits import fit, history, table

CLASSIFIERS = {
    "hist": HistGradientBoostingClassifier(max_iter=8),
    "gb": GradientBoostingClassifier(n_estimators=8),
    "forest": RandomForestClassifier(12),
    "bagging": BaggingClassifier(n_estimators=12, max_features=0.5),
    "sgd": SGDClassifier(max_iter=8, class_weight="balanced"),
    "mlp": MLPClassifier((4,), max_iter=8),
    "ada": AdaBoostClassifier(n_estimators=8),
}
REGRESSORS = {
    "forest": RandomForestRegressor(20, criterion="poisson"),
    "bagging": BaggingRegressor(n_estimators=20),
    "mlp": MLPRegressor(hidden_layer_sizes=(8,), solver="sgd", max_iter=20),
}


def each(models):
    return pytest.mark.parametrize("model", models.values(), ids=models.keys())


@pytest.mark.parametrize("y_kind", [int, float, bool, str])
@each(CLASSIFIERS)
def test_labels_of_any_dtype_are_supported(model, y_kind):
    X, y = table("classification")
    outcome = fit(model, data=(X, (y == "a").astype(y_kind)))
    assert outcome.model.predict(X).dtype.kind == np.dtype(y_kind).kind


def as_frame(X):
    return pd.DataFrame(X, columns=[f"column {i}" for i in range(X.shape[1])])


@pytest.mark.parametrize(
    "convert",
    [np.asfortranarray, np.float32, np.int64, lambda X: X > 0, as_frame, sp.csr_array],
    ids=["fortran", "float32", "int", "bool", "frame", "sparse"],
)
@each(CLASSIFIERS)
def test_all_table_types_are_monitored_without_warnings(model, convert):
    X, y = table("classification")
    X = convert(X)
    if (
        sp.issparse(X)
        and not SklearnBackend().capabilities(model, "classification").accepts_sparse
    ):
        pytest.skip("model does not accept sparse matrices")
    outcome = fit(model, data=(X, y))
    assert len(outcome.model.predict(X)) == len(y)
    assert hasattr(outcome.model, "feature_names_in_") == isinstance(X, pd.DataFrame)


@each(CLASSIFIERS)
def test_input_arrays_are_not_modified(model):
    X, y = table("classification")
    X.setflags(write=False)
    y.setflags(write=False)
    before = X.copy()
    fit(model, data=(X, y))
    np.testing.assert_array_equal(X, before)


def test_early_stopping_of_a_classifier_rejects_multiple_targets():
    X, y = table("classification")
    two = np.column_stack([y == "a", y == "b"])
    with pytest.raises(ValueError, match="expects one target column, got 2"):
        fit(RandomForestClassifier(10), data=(X, two))


@each(REGRESSORS)
def test_regressors_support_multiple_targets(model):
    X, y = table("regression")
    outcome = fit(model, data=(X, np.column_stack([y, y**2])))
    assert outcome.best_iteration == int(np.argmin(history(outcome))) + 1
    assert outcome.model.predict(X).shape == (len(y), 2)

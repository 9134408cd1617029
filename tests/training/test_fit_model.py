"""Inputs of unusual kinds give the right values or one clear error, with every library."""

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from sktrainer import InputError, ManagedTrainer

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=200), "b": RNG.normal(size=200)})
Y = pd.Series(np.where(X["a"] > 0, "yes", "no"))
MODELS = [
    LGBMClassifier(n_estimators=5, verbose=-1),
    XGBClassifier(n_estimators=5),
    CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False),
    HistGradientBoostingClassifier(max_iter=5),
    LogisticRegression(),
]
all_models = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def trainer(model, **params):
    return ManagedTrainer(model, random_state=0, audit=False, **params)


@all_models
@pytest.mark.parametrize("table", [X + 1j, X.to_numpy() + 1j], ids=["frame", "array"])
def test_complex_numbers_are_refused_without_a_preprocessor(model, table):
    with pytest.raises(InputError, match="Complex data not supported for X"):
        trainer(model, preprocessor=None).fit(table, Y)


@all_models
def test_dates_without_a_preprocessor_are_refused_by_name(model):
    dated = X.assign(day=pd.Timestamp("2024-01-01"))
    with pytest.raises(InputError, match="'day'"):
        trainer(model, preprocessor=None).fit(dated, Y)


@pytest.mark.parametrize("model", [MODELS[1], MODELS[2]], ids=["XGBoost", "CatBoost"])
def test_categories_without_a_preprocessor_are_refused_by_name(model):
    table = X.assign(level=pd.Categorical(RNG.choice(["u", "v"], len(X))))
    with pytest.raises(InputError, match=r"'level' .*preprocessor='auto'"):
        trainer(model, preprocessor=None).fit(table, Y)


def test_sparse_matrix_is_refused_before_training():
    with pytest.raises(InputError, match=r"does not accept sparse matrices. Pass X.toarray"):
        trainer(MODELS[3]).fit(sparse.csr_matrix(X.to_numpy()), Y)


def test_arrow_arrays_are_targets_groups_and_weights():
    pyarrow = pytest.importorskip("pyarrow")
    table, labels = pyarrow.Table.from_pandas(X), pyarrow.array(Y.tolist())
    weights, groups = pyarrow.array([1.0, 2.0] * 100), pyarrow.array(list("abcd") * 50)
    fitted = trainer(MODELS[0], early_stopping=False).fit(
        table, labels, sample_weight=weights, groups=groups
    )
    expected = trainer(MODELS[0], early_stopping=False).fit(
        X, Y, sample_weight=np.tile([1.0, 2.0], 100), groups=list("abcd") * 50
    )
    assert np.array_equal(fitted.predict_proba(table), expected.predict_proba(X))
    assert fitted.score(table, labels) == expected.score(X, Y)
    with pytest.raises(InputError, match="must be in the same order"):
        fitted.predict(table.select(["b", "a"]))

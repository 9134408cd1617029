"""Tables and matrices that libraries refuse are converted before they reach the model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import VotingRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import ExtraTreeRegressor
from xgboost import XGBRegressor

from sktrainer import ManagedTrainer
from sktrainer.preprocessing.model_input import ModelInput
from sktrainer.testing import bit_identical

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(200, 3)), columns=["size [m]", "size {m}", 'a<"b":c'])
Y = X["size [m]"] + RNG.normal(size=200)
PLAIN = X.set_axis(["a", "b", "c"], axis=1)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas])
def test_only_column_names_are_changed(make):
    table = make(X)
    step = ModelInput(name_characters='[]{}<":').fit(table)
    out = step.transform(table)
    assert list(out.columns) == ["size _m_", "size _m__2", "a__b__c"]
    np.testing.assert_array_equal(out.to_numpy(), X.to_numpy())
    assert step.get_feature_names_out().tolist() == X.columns.tolist()


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64])
def test_sparse_integers_become_floats(dtype):
    matrix = sparse.csr_matrix(np.eye(3, dtype=dtype))
    step = ModelInput(sparse_floats_only=True)
    assert step.is_needed(matrix) and not step.is_needed(matrix.astype(np.float32))
    out = step.fit(matrix).transform(matrix)
    assert out.dtype.kind == "f"
    np.testing.assert_array_equal(out.toarray(), np.eye(3))


@pytest.mark.parametrize(
    "model",
    [
        LGBMRegressor(n_estimators=5, random_state=0),
        XGBRegressor(n_estimators=5, random_state=0),
        VotingRegressor([("b", LGBMRegressor(n_estimators=5)), ("c", ExtraTreeRegressor())]),
    ],
    ids=lambda model: type(model).__name__,
)
def test_names_after_own_steps_do_not_matter(model):
    def fit(table):
        scaled = make_column_transformer(
            (StandardScaler(), [table.columns[0]]),
            remainder="passthrough",
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        return ManagedTrainer(make_pipeline(scaled, model), random_state=0).fit(table, Y)

    trainer = fit(X)
    assert bit_identical(trainer.predict(X), fit(PLAIN).predict(PLAIN))
    assert bit_identical(trainer.pipeline_.predict(X), trainer.predict(X))


def test_report_shows_original_names():
    trainer = ManagedTrainer(LGBMRegressor(n_estimators=5), preprocessor=None).fit(X, Y)
    assert "size [m]" in str(trainer.report_.to_dict())


def test_saved_model_accepts_special_names(tmp_path):
    trainer = ManagedTrainer(LGBMRegressor(n_estimators=5), preprocessor=None).fit(X, Y)
    restored = ManagedTrainer.load(trainer.save(tmp_path / "m.skt"))
    assert bit_identical(restored.predict(X), trainer.predict(X))


def test_word_counts_train_and_predict():
    texts = [" ".join(RNG.choice(["good", "bad", "film"], 6)) for _ in range(100)]
    y = [text.count("good") > 2 for text in texts]
    model = make_pipeline(CountVectorizer(), LGBMClassifier(n_estimators=5))
    trainer = ManagedTrainer(model, random_state=0, validation_size=0.2).fit(texts, y)
    assert trainer.score(texts, y) > 0.9

"""A number that the model declares as missing is missing in columns of numbers only."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.naive_bayes import GaussianNB
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer, ParameterError
from sktrainer.testing import bit_identical


@pytest.mark.parametrize(
    "model",
    [
        XGBClassifier(n_estimators=40, missing=0),
        LGBMClassifier(n_estimators=40, zero_as_missing=True),
    ],
    ids=lambda model: type(model).__name__,
)
def test_number_that_means_missing_is_no_category(model):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"visits": rng.integers(0, 5, 600), "plan": rng.choice(list("uvw"), 600)}
    )
    table.loc[::5, "plan"] = None
    target = (table["plan"] == "u").astype(int)
    trainer = ManagedTrainer(model, random_state=0, early_stopping=False, audit=False).fit(
        table, target
    )
    assert trainer.score(table, target) == 1.0
    assert trainer.pipeline_[0].decisions_[0].n_missing == (table["visits"] == 0).sum()
    absent = table.assign(visits=table["visits"].replace(0, np.nan).astype(float))
    plain = type(model)(n_estimators=40)
    expected = ManagedTrainer(plain, random_state=0, early_stopping=False, audit=False).fit(
        absent, target
    )
    assert bit_identical(trainer.predict_proba(table), expected.predict_proba(absent))


def test_number_that_means_missing_in_a_nested_model_is_refused():
    model = VotingClassifier([("one", XGBClassifier(missing=-1)), ("two", GaussianNB())])
    with pytest.raises(ParameterError, match="nested XGBClassifier declares -1 as missing"):
        ManagedTrainer(model).fit(pd.DataFrame({"a": range(20)}), [0, 1] * 10)

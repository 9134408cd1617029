"""Imbalance handling, weights and corrected probabilities in ManagedTrainer."""

from __future__ import annotations

import numpy as np
import pytest
from catboost import CatBoostClassifier
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import RandomUnderSampler
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from xgboost import XGBClassifier

from sktrainer import (
    ClassImbalanceWarning,
    DataWarning,
    InputError,
    ManagedTrainer,
    ParameterError,
)
from sktrainer.testing import bit_identical, mixed_table

X, Y = mixed_table(600, "classification")
MODELS = {
    "lightgbm": LGBMClassifier(n_estimators=20),
    "xgboost": XGBClassifier(n_estimators=20),
    "catboost": CatBoostClassifier(iterations=20, depth=4),
    "hist_gradient_boosting": HistGradientBoostingClassifier(max_iter=20),
    "logistic_regression": LogisticRegression(),
}


@pytest.mark.parametrize("method", ["smote", "oversample", "undersample"])
@pytest.mark.parametrize("name", MODELS)
def test_resampling_balances_classes_of_a_mixed_table(name, method):
    trainer = ManagedTrainer(MODELS[name], handle_imbalance=method, random_state=0).fit(X, Y)
    section = trainer.report_.imbalance
    assert section["method"] == method
    assert len(set(section["after"].values())) == 1
    assert section["before"]["c0"] > 2 * section["before"]["c1"]
    assert trainer.score(X, Y) > 0.6


@pytest.mark.parametrize("name", MODELS)
def test_class_weight_equals_balanced_sample_weights(name):
    weighted = ManagedTrainer(
        MODELS[name], handle_imbalance="class_weight", early_stopping=False, random_state=0
    ).fit(X, Y)
    counts = np.bincount(np.searchsorted(["c0", "c1"], Y))
    weight = (len(Y) / (2 * counts))[np.searchsorted(["c0", "c1"], Y)]
    passed = ManagedTrainer(MODELS[name], early_stopping=False, random_state=0)
    # Disable scaling, because sample_weight would also change the means of the scaler.
    passed.set_params(scaling=False)
    weighted = weighted.set_params(scaling=False).fit(X, Y)
    passed.fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(
        weighted.predict_proba(X), passed.predict_proba(X), rtol=1e-6, atol=1e-7
    )


def test_auto_uses_class_weights_only_for_imbalanced_classes():
    even = Y.to_numpy().copy()
    even[: len(even) // 2], even[len(even) // 2 :] = "c0", "c1"
    trainer = ManagedTrainer(LogisticRegression(), handle_imbalance="auto").fit(X, even)
    assert trainer.report_.imbalance is None
    rare = Y.where((Y == "c0") | (np.arange(600) % 4 == 0), "c0")
    with pytest.warns(ClassImbalanceWarning, match="handled by class_weight"):
        trainer = ManagedTrainer(LogisticRegression(), handle_imbalance="auto").fit(X, rare)
    assert trainer.report_.imbalance["method"] == "class_weight"


def test_auto_oversamples_if_model_does_not_support_weights():
    rare = Y.where((Y == "c0") | (np.arange(600) % 4 == 0), "c0")
    with pytest.warns(ClassImbalanceWarning, match="handled by oversample"):
        trainer = ManagedTrainer(KNeighborsClassifier(), handle_imbalance="auto").fit(X, rare)
    assert trainer.report_.imbalance["method"] == "oversample"


def test_class_weight_raises_if_model_does_not_support_weights():
    with pytest.raises(ParameterError, match="supports sample weights"):
        ManagedTrainer(KNeighborsClassifier(), handle_imbalance="class_weight").fit(X, Y)


@pytest.mark.parametrize(
    "sampler",
    [
        SMOTE(random_state=0),
        RandomOverSampler(),
        RandomUnderSampler(sampling_strategy={"c0": 200}),
    ],
    ids=lambda s: type(s).__name__,
)
def test_user_defined_sampler_is_cloned_and_used(sampler):
    before = repr(sampler.get_params())
    model = HistGradientBoostingClassifier(max_iter=10)
    trainer = ManagedTrainer(model, handle_imbalance=sampler, random_state=0).fit(X, Y)
    assert repr(sampler.get_params()) == before
    assert not hasattr(sampler, "sampling_strategy_")
    assert trainer.pipeline_.steps[-2][1].__class__ is type(sampler)


def test_samplers_can_be_anywhere_in_a_pipeline():
    from sklearn.preprocessing import StandardScaler

    numbers = X[["signal", "count"]]
    pipeline = Pipeline(
        [
            ("under", RandomUnderSampler(random_state=0)),
            ("scale", StandardScaler()),
            ("over", SMOTE(random_state=0)),
            ("model", LogisticRegression()),
        ]
    )
    trainer = ManagedTrainer(pipeline, test_size=0.2, random_state=0).fit(numbers, Y)
    assert [name for name, _ in trainer.pipeline_.steps] == ["under", "scale", "over", "model"]
    assert trainer.scores_.loc["test", "roc_auc"] > 0.7


def test_sample_weights_follow_undersampled_rows():
    weight = np.ones(600)
    weight[:300] = 3.0
    model = LogisticRegression()
    weighted = ManagedTrainer(model, handle_imbalance="undersample", random_state=0)
    plain = ManagedTrainer(model, handle_imbalance="undersample", random_state=0)
    with_weights = weighted.fit(X, Y, sample_weight=weight).predict_proba(X)
    assert not bit_identical(with_weights, plain.fit(X, Y).predict_proba(X))


def test_sample_weight_with_smote_raises():
    trainer = ManagedTrainer(LogisticRegression(), handle_imbalance="smote", random_state=0)
    with pytest.raises(InputError, match="sample_weight"):
        trainer.fit(X, Y, sample_weight=np.linspace(1, 2, 600))


@pytest.mark.parametrize("method", ["class_weight", "oversample", "undersample"])
def test_corrected_probabilities_are_calibrated_on_test_rows(method):
    X_many, y_many = mixed_table(6_000, "classification")
    rare = y_many.where((y_many == "c0") | (np.arange(6_000) % 3 == 0), "c0")
    parameters = {"handle_imbalance": method, "test_size": 0.4, "random_state": 0}
    model = LogisticRegression()
    raw = ManagedTrainer(model, **parameters).fit(X_many, rare)
    corrected = ManagedTrainer(model, correct_probabilities=True, **parameters).fit(
        X_many, rare
    )
    held = raw.split_.test
    rate = (rare.iloc[held] == "c1").mean()
    assert raw.predict_proba(X_many.iloc[held])[:, 1].mean() > 1.5 * rate
    assert corrected.predict_proba(X_many.iloc[held])[:, 1].mean() == pytest.approx(
        rate, rel=0.25
    )
    assert corrected.scores_.loc["test", "log_loss"] < raw.scores_.loc["test", "log_loss"]
    assert bit_identical(raw.predict(X_many).astype(str), corrected.predict(X_many).astype(str))


def test_sampler_in_user_pipeline_is_corrected():
    pipeline = Pipeline(
        [("under", RandomUnderSampler(random_state=0)), ("model", LogisticRegression())]
    )
    numbers = X[["signal", "count"]]
    raw = ManagedTrainer(pipeline, random_state=0).fit(numbers, Y)
    corrected = ManagedTrainer(pipeline, correct_probabilities=True, random_state=0)
    mean = corrected.fit(numbers, Y).predict_proba(numbers)[:, 1].mean()
    rate = (Y == "c1").mean()
    assert abs(mean - rate) < 0.05 < raw.predict_proba(numbers)[:, 1].mean() - rate


def test_correction_after_smote_warns():
    trainer = ManagedTrainer(
        LogisticRegression(),
        handle_imbalance="smote",
        correct_probabilities=True,
        random_state=0,
    )
    with pytest.warns(DataWarning, match="can overcorrect"):
        trainer.fit(X, Y)

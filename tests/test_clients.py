"""Tests of the trainer inside scikit-learn's meta-estimators and model selection tools."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer
from sktrainer.testing import mixed_table

X, Y = mixed_table(240, "classification")
NUMBERS = X[["signal", "size", "count"]]


def trainer(**parameters):
    model = LGBMClassifier(n_estimators=40, min_child_samples=5)
    return ManagedTrainer(model, random_state=0, n_iter_no_change=5, **parameters)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search_sets_nested_parameters_and_stops_early(n_jobs):
    search = GridSearchCV(
        trainer(),
        {"estimator__num_leaves": [4, 15], "categorical_encoding": ["native", "target"]},
        cv=3,
        scoring="roc_auc",
        n_jobs=n_jobs,
    )
    search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ > 0.7
    best = search.best_estimator_
    assert best.model_.num_leaves == search.best_params_["estimator__num_leaves"]
    assert best.best_iteration_ <= 40


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (LGBMClassifier(n_estimators=200), {"estimator__num_leaves": [4, 15]}),
        (XGBClassifier(n_estimators=200), {"estimator__max_depth": [2, 4]}),
        (CatBoostClassifier(iterations=200), {"estimator__depth": [2, 4]}),
        (HistGradientBoostingClassifier(max_iter=200), {"estimator__max_depth": [2, 4]}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_grid_search_stops_early_with_strings_and_missing_values(model, grid):
    inside = ManagedTrainer(model, random_state=0, n_iter_no_change=5)
    search = GridSearchCV(inside, grid, cv=2, scoring="roc_auc").fit(X, Y)
    assert search.best_score_ > 0.7
    assert search.best_estimator_.stop_reason_ == "early_stopping"
    assert search.best_estimator_.n_iter_ < 200


def test_halving_search_works():
    search = HalvingGridSearchCV(
        trainer(), {"estimator__num_leaves": [4, 8, 15]}, cv=2, random_state=0, min_resources=60
    ).fit(X, Y)
    assert search.best_params_["estimator__num_leaves"] in (4, 8, 15)


def test_randomized_search_over_trainer_parameters_works():
    search = RandomizedSearchCV(
        trainer(),
        {"handle_imbalance": [None, "class_weight", "oversample"]},
        n_iter=3,
        cv=2,
        random_state=0,
    ).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_cross_validate_and_cross_val_predict_work():
    scores = cross_validate(trainer(), X, Y, cv=3, scoring=["roc_auc", "neg_log_loss"])
    assert scores["test_roc_auc"].min() > 0.6
    predicted = cross_val_predict(trainer(), X, Y, cv=3, method="predict_proba")
    assert predicted.shape == (240, 2)


def test_trainer_works_as_last_step_of_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), trainer()).fit(NUMBERS.fillna(0), Y)
    assert pipeline.score(NUMBERS.fillna(0), Y) > 0.7


def test_stacking_and_voting_accept_trainers():
    members = [("gbm", trainer()), ("linear", ManagedTrainer(LogisticRegression()))]
    stacking = StackingClassifier(members, cv=3).fit(X, Y)
    voting = VotingClassifier(members, voting="soft").fit(X, Y)
    assert stacking.score(X, Y) > 0.7
    assert voting.predict_proba(X).shape == (240, 2)


def test_bagging_accepts_a_trainer():
    bagging = BaggingClassifier(trainer(), n_estimators=3, random_state=0)
    assert bagging.fit(NUMBERS, Y).score(NUMBERS, Y) > 0.7


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_accepts_a_trainer(method):
    calibrated = CalibratedClassifierCV(trainer(), method=method, cv=3).fit(X, Y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1.0)


def test_threshold_tuning_accepts_a_trainer():
    tuned = TunedThresholdClassifierCV(trainer(), scoring="balanced_accuracy", cv=3).fit(X, Y)
    assert set(tuned.predict(X)) == {"c0", "c1"}


def test_one_versus_rest_accepts_a_trainer():
    X3, y3 = mixed_table(240, "classification", n_classes=3)
    ovr = OneVsRestClassifier(trainer()).fit(X3[["signal", "size"]], y3)
    assert ovr.predict_proba(X3[["signal", "size"]]).shape == (240, 3)


def test_permutation_importance_and_partial_dependence_work():
    fitted = trainer().fit(X, Y)
    importance = permutation_importance(fitted, X, Y, n_repeats=2, random_state=0)
    assert importance.importances_mean[0] == importance.importances_mean.max()
    dependence = partial_dependence(fitted, X, ["signal"], grid_resolution=5)
    assert dependence["average"].shape == (1, 5)


def test_learning_curve_works():
    _, _, scores = learning_curve(trainer(), X, Y, cv=2, train_sizes=[0.5, 1.0])
    assert np.isfinite(scores).all()


def test_pipeline_with_a_text_vectorizer_receives_raw_strings():
    strings = ["good film", "bad film", "great plot", "awful plot"] * 40
    y = [1, 0, 1, 0] * 40
    pipeline = Pipeline([("words", TfidfVectorizer()), ("model", MultinomialNB())])
    fitted = ManagedTrainer(pipeline, test_size=0.25, random_state=0).fit(strings, y)
    assert fitted.predict(["great film"])[0] == 1
    assert fitted.scores_.loc["test", "accuracy"] == 1.0
    assert not hasattr(fitted, "n_features_in_")


def test_grid_search_sets_parameters_of_nested_pipeline_steps():
    strings = ["good film", "bad film", "great plot", "awful plot"] * 20
    y = [1, 0, 1, 0] * 20
    pipeline = Pipeline([("words", TfidfVectorizer()), ("model", LogisticRegression())])
    search = GridSearchCV(
        ManagedTrainer(pipeline), {"estimator__words__ngram_range": [(1, 1), (1, 2)]}, cv=2
    )
    assert search.fit(strings, y).best_score_ == 1.0


def test_metadata_is_routed_to_fit():
    import sklearn

    groups = np.arange(240) // 8
    with sklearn.config_context(enable_metadata_routing=True):
        routed = trainer(test_size=0.2).set_fit_request(sample_weight=True, groups=True)
        routed.set_score_request(sample_weight=False)
        scores = cross_validate(
            routed,
            X,
            Y,
            cv=3,
            params={"sample_weight": np.ones(240), "groups": groups},
            return_estimator=True,
        )
    inner = scores["estimator"][0]
    assert inner.split_.kind == "group"


def test_html_diagram_shows_the_model():
    assert "LGBMClassifier" in estimator_html_repr(trainer())
    assert "TableEncoder" in estimator_html_repr(trainer().fit(X, Y))


def test_set_output_passes_column_names_to_the_model():
    fitted = trainer().set_output(transform="pandas").fit(X, Y)
    assert "signal" in list(fitted.model_.feature_name_)
    assert isinstance(fitted.pipeline_[:-1].transform(X), pd.DataFrame)


def test_score_of_a_regressor_is_r2():
    X_r, y_r = mixed_table(240, "regression")
    fitted = ManagedTrainer(LGBMRegressor(n_estimators=50), random_state=0).fit(X_r, y_r)
    assert fitted.score(X_r, y_r) > 0.5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_meta_estimator_test_of_scikit_learn_passes():
    from sklearn.tests import test_metaestimators

    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    test_metaestimators.test_meta_estimators_delegate_data_validation(ManagedTrainer(pipeline))
    fitted = ManagedTrainer(pipeline).fit(["aa", "bb", "cc"] * 10, [0, 1, 2] * 10)
    assert list(fitted.classes_) == [0, 1, 2]


def test_grid_search_passes_data_frames_to_the_trainer():
    search = GridSearchCV(
        ManagedTrainer(HistGradientBoostingClassifier(max_iter=20), random_state=0),
        {"estimator__max_depth": [2, 3]},
        cv=2,
    )
    assert search.fit(X, Y).best_params_["estimator__max_depth"] in (2, 3)

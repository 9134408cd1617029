"""Invalid input raises before training starts, with a message that explains the fix."""

from __future__ import annotations

import numpy as np
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMClassifier
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sktrainer import InputError, ManagedTrainer, ParameterError, train_model
from tests.stubs import NeverFitted, NeverFittedRegressor
from tests.tables import two_class_table

X, Y = two_class_table()

BAD_PARAMETERS = {
    "split": ("stratifed", r"Did you mean 'stratified'\?"),
    "task": ("classify", r"'auto', 'classification' or 'regression'"),
    "handle_imbalance": ("smoet", r"Did you mean 'smote'\?"),
    "categorical_encoding": ("one-hot", r"Did you mean 'onehot'\?"),
    "scoring": ("roc-auc", r"Did you mean 'roc_auc"),
    "eval_metric": ("acuracy", r"Did you mean 'accuracy'\?"),
    "test_size": (1.5, r"fraction between 0 and 1 .* got 1.5"),
    "validation_size": (0, r"number of rows of at least 1, got 0"),
    "trackers": (["mlfow"], r"Did you mean 'mlflow'\?"),
    "callbacks": ("x", r"a method such as on_iteration, or callbacks of scikit-learn, got .x."),
    "cv": (1, r"at least 2"),
    "n_iter_no_change": (0, r"at least 1, got 0"),
    "tol": (-0.1, r"at least 0, got -0.1"),
    "random_state": ("seed", r"got 'seed'"),
    "n_jobs": (0, r"other than 0"),
    "checkpoint": (3, r"None, a folder, or a Checkpoint\(folder, every=50\), got 3"),
    "verbose": (3, r"every iteration\), got 3"),
    "early_stopping": ("yes", r"'auto', True or False, got 'yes'"),
    "preprocessor": ("scale", r"a transformer with fit and transform"),
    "gap": ("a week", r"a number of rows of at least 0, or a duration such as '7D'"),
    "shuffle": ("no", r"True or False"),
    "refit": (None, r"True or False"),
    "n_retries": (1.5, r"an integer of at least 0, got 1.5"),
    "audit": ("no", r"True, False or \{'ignore': \[...\]\} .*, got 'no'"),
    "correct_probabilities": ("sigmoid", r"True or False"),
    "pos_label": (["bad"], r"'auto' or a class label"),
    "scaling": ("standard", r"'auto', True or False"),
    "device": ("gpu", r"Did you mean 'cuda'\?"),
}


@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_invalid_parameter_value_is_refused_with_a_suggestion(name):
    value, message = BAD_PARAMETERS[name]
    with pytest.raises(ParameterError, match=message) as caught:
        ManagedTrainer(NeverFitted(), **{name: value}).fit(X, Y)
    assert name in str(caught.value)


def test_every_parameter_is_validated():
    known = set(ManagedTrainer._get_param_names()) - {"estimator"}
    assert known == set(BAD_PARAMETERS) | {"split", "time_column"}


def test_all_problems_are_reported_in_one_error():
    trainer = ManagedTrainer(NeverFitted(), split="stratifed", test_size=2.0, n_jobs=0)
    with pytest.raises(InputError) as caught:
        trainer.fit(X.assign(a=np.inf), np.tile(Y, 2), sample_weight=-np.ones(40))
    assert len(caught.value.problems) == 6
    assert str(caught.value).startswith("6 problems:\n  1. ")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"handle_imbalance": "smote"}, "is for classification"),
        ({"split": "stratified"}, "needs classes"),
        ({"correct_probabilities": True}, "is for classification"),
        ({"pos_label": 1}, "needs a target of two classes, but y has a regression target"),
    ],
)
def test_classification_parameters_are_refused_for_regression(parameters, message):
    with pytest.raises(ParameterError, match=message):
        ManagedTrainer(NeverFittedRegressor(), **parameters).fit(
            X, np.linspace(0.0, 1.0, len(Y))
        )


def test_split_by_group_needs_groups():
    with pytest.raises(ParameterError, match=r"needs groups\. Pass fit\(X, y, groups=\.\.\.\)"):
        ManagedTrainer(NeverFitted(), split="group").fit(X, Y)


def test_early_stopping_is_refused_where_nothing_iterates():
    with pytest.raises(ParameterError, match="early_stopping=True needs an iterative"):
        ManagedTrainer(DecisionTreeClassifier(), early_stopping=True).fit(X, Y)


def test_native_encoding_is_refused_if_unsupported():
    trainer = ManagedTrainer(LogisticRegression(), categorical_encoding="native")
    with pytest.raises(ParameterError, match="'auto', 'onehot', 'ordinal' or 'target'"):
        trainer.fit(X, Y)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (LogisticRegression, r"Pass LogisticRegression\(\)"),
        ("lightgbm", "must be a model with fit"),
        (None, "must be a model with fit"),
    ],
)
def test_invalid_estimator_is_refused(estimator, message):
    with pytest.raises(ParameterError, match=message):
        ManagedTrainer(estimator).fit(X, Y)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("acc", "accuracy"),
        ("rmse", "neg_root_mean_squared_error"),
        ("auc", "roc_auc"),
        ("aucpr", "average_precision"),
        ("multi_logloss", "neg_log_loss"),
        ("F1_Macro", "f1_macro"),
    ],
)
def test_other_scorer_names_suggest_the_scikit_learn_name(word, meant):
    X, y = two_class_table()
    with pytest.raises(ParameterError, match=f"Did you mean '{meant}'"):
        ManagedTrainer(NeverFitted(), scoring=word).fit(X, y)


@pytest.mark.parametrize("model", [KMeans(2), IsolationForest()])
def test_unsupervised_models_are_refused(model):
    X, y = two_class_table()
    with pytest.raises(ParameterError, match="must be a classifier or a regressor"):
        ManagedTrainer(model).fit(X, y)


def test_lightgbm_classifier_with_raw_scores_is_refused():
    X, y = two_class_table()
    model = LGBMClassifier(objective=lambda y, raw: (raw - y, np.ones(len(y))))
    with pytest.raises(ParameterError, match="raw scores"):
        ManagedTrainer(model).fit(X, y)


@pytest.mark.parametrize(
    "requested",
    [
        {"scoring": "f1"},
        {"scoring": {"first": "f1", "second": "accuracy"}},
        {"eval_metric": "f1"},
    ],
)
def test_binary_scorer_is_refused_for_several_classes(requested):
    X, _ = two_class_table()
    with pytest.raises(ParameterError, match="3 classes; use for example 'f1_macro'"):
        ManagedTrainer(NeverFitted(), **requested).fit(X, np.arange(len(X)) % 3)


def test_scorer_that_needs_a_missing_method_is_refused():
    with pytest.raises(ParameterError, match="roc_auc.*predict_proba"):
        ManagedTrainer(NeverFitted(), scoring=["accuracy", "roc_auc"]).fit(X, Y)


def test_an_unknown_argument_of_train_model_is_refused_by_name():
    with pytest.raises(ParameterError, match="'patience' is not a parameter"):
        train_model(NeverFitted(), X, Y, save_path=None, patience=3)
    with pytest.raises(ParameterError, match="Did you mean 'random_state'"):
        train_model(NeverFitted(), X, Y, save_path=None, randomstate=3)


def test_failed_fit_leaves_the_trainer_unfitted():
    trainer = ManagedTrainer(LogisticRegression(), test_size=3.0)
    with pytest.raises(ParameterError):
        trainer.fit(X, Y)
    assert not trainer.__sklearn_is_fitted__()


def test_problems_of_parameters_scorers_model_and_device_are_in_one_error():
    trainer = ManagedTrainer(
        DecisionTreeClassifier(),
        test_size=2.0,
        scoring="f1",
        early_stopping=True,
        categorical_encoding="native",
        device="cuda",
    )
    with pytest.raises(ParameterError) as caught:
        trainer.fit(X, np.arange(40) % 3)
    problems = caught.value.problems
    assert [problem.partition(" ")[0] for problem in problems] == [
        "test_size",
        "scorer",
        "early_stopping=True",
        "categorical_encoding='native'",
        "device",
    ]


def test_invalid_value_hides_no_problem_of_another_parameter():
    trainer = ManagedTrainer(NeverFitted(), split="stratifed", scoring=["f1"])
    with pytest.raises(ParameterError) as caught:
        trainer.fit(X, np.arange(40) % 3)
    assert len(caught.value.problems) == 2


def test_invalid_task_is_reported_without_checking_y():
    with pytest.raises(ParameterError) as caught:
        ManagedTrainer(NeverFitted(), task="classify").fit(X, np.full(40, np.nan))
    assert len(caught.value.problems) == 1


def metric_of_two(y_true, y_pred, weight=None):
    return 1.0


def metric_with_other_names(a, b):
    return 1.0


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        (f1_score, "Use 'f1' or sklearn.metrics.make_scorer"),
        (mean_absolute_error, "Use sklearn.metrics.make_scorer"),
        (metric_of_two, "Use sklearn.metrics.make_scorer"),
        (metric_with_other_names, "Use sklearn.metrics.make_scorer"),
    ],
)
def test_metric_that_is_no_scorer_is_refused(metric, better):
    for name, value in (
        ("scoring", metric),
        ("scoring", {"m": metric, "accuracy": "accuracy"}),
        ("eval_metric", metric),
    ):
        with pytest.raises(ParameterError, match=better) as caught:
            ManagedTrainer(NeverFitted(), **{name: value}).fit(*two_class_table())
        assert f"{name}={metric.__name__} must be a scorer" in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("eval_set", "'eval_set' is not a parameter.*; pass X_val and y_val"),
        ("validation_data", "pass X_val and y_val"),
        ("early_stopping_rounds", "set n_iter_no_change of the trainer"),
        ("sample_wieght", "Did you mean 'sample_weight'"),
        ("verbose", "'verbose' is a parameter of ManagedTrainer, not of fit"),
    ],
)
def test_unknown_argument_of_fit_is_refused(argument, message):
    with pytest.raises(ParameterError, match=message):
        ManagedTrainer(NeverFitted()).fit(*two_class_table(), **{argument: 1})


def test_stratify_by_a_column_is_refused_together_with_other_problems():
    X, y = two_class_table()
    with pytest.raises(ParameterError) as caught:
        train_model(NeverFitted(), X, y, stratify=y, eval_set=[(X, y)], save_path=None)
    assert "stratify must be True or False, got ndarray" in caught.value.problems[0]
    assert "pass X_val and y_val" in caught.value.problems[1]


@pytest.mark.parametrize(
    ("model", "parameters", "what"),
    [
        (make_pipeline(StandardScaler(), NeverFitted()), {}, r"step 'standardscaler' \(Stand"),
        (make_pipeline(PCA(1), NeverFitted()), {}, r"step 'pca' \(PCA\)"),
        (NeverFitted(), {"preprocessor": StandardScaler()}, r"step 'preprocess' \(Standard"),
        (LogisticRegression(), {"preprocessor": None}, "LogisticRegression"),
        (DecisionTreeClassifier(), {"preprocessor": None}, "DecisionTreeClassifier"),
    ],
)
def test_step_that_needs_numbers_names_the_text_columns(model, parameters, what):
    with pytest.raises(InputError, match=f"{what}.* needs numbers.*contain text: 'c'"):
        ManagedTrainer(model, **parameters).fit(*two_class_table())


def test_constant_target_of_catboost_is_refused():
    X, _ = two_class_table()
    with pytest.raises(InputError, match=r"constant target: y is 1\.0 in all 40 training rows"):
        ManagedTrainer(CatBoostRegressor(iterations=5), early_stopping=False).fit(
            X, np.ones(40)
        )

"""Class weights and patience that the model sets itself, in every library."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import skorch
import torch
import xgboost
from catboost import CatBoostClassifier
from imblearn.ensemble import BalancedRandomForestClassifier
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from skorch import NeuralNetBinaryClassifier, NeuralNetClassifier
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer, train_model, train_with_cv
from sktrainer.backends.estimators import wrap_estimator
from sktrainer.exceptions import ClassImbalanceWarning, DataWarning, ParameterError
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.training.model_settings import own_class_weights, own_patience
from tests.keras_networks import keras_classifier, scikeras_classifier
from tests.networks import SmallNet

X, CODES = make_classification(600, 6, n_informative=4, weights=[0.93], random_state=0)
Y = np.where(CODES == 1, "yes", "no")
WEIGHTS = torch.tensor([1.0, 4.0])
LOSS = torch.nn.CrossEntropyLoss

OWN = {
    "LightGBM class_weight": lambda: LGBMClassifier(n_estimators=9, class_weight="balanced"),
    "LightGBM is_unbalance": lambda: LGBMClassifier(n_estimators=9, is_unbalance=True),
    "LightGBM alias": lambda: LGBMClassifier(n_estimators=9, unbalance=True),
    "LightGBM scale_pos_weight": lambda: LGBMClassifier(n_estimators=9, scale_pos_weight=4),
    "XGBoost": lambda: XGBClassifier(n_estimators=9, scale_pos_weight=4),
    "CatBoost list": lambda: CatBoostClassifier(iterations=9, class_weights=[1, 4]),
    "CatBoost rule": lambda: CatBoostClassifier(iterations=9, auto_class_weights="Balanced"),
    "CatBoost positive": lambda: CatBoostClassifier(iterations=9, scale_pos_weight=4),
    "scikit-learn": lambda: LogisticRegression(class_weight={"yes": 4}),
    "nested": lambda: VotingClassifier(
        [("a", RandomForestClassifier(9, class_weight="balanced")), ("b", GaussianNB())],
        voting="soft",
    ),
    "priors": lambda: GaussianNB(priors=[0.5, 0.5]),
    "imblearn": lambda: BalancedRandomForestClassifier(9),
    "skorch": lambda: NeuralNetClassifier(
        SmallNet, module__n_outputs=2, criterion=LOSS, criterion__weight=WEIGHTS, max_epochs=2
    ),
    "criterion instance": lambda: NeuralNetClassifier(
        SmallNet, module__n_outputs=2, criterion=LOSS(weight=WEIGHTS), max_epochs=2
    ),
    "criterion partial": lambda: NeuralNetClassifier(
        SmallNet, module__n_outputs=2, criterion=partial(LOSS, weight=WEIGHTS), max_epochs=2
    ),
    "scikeras": lambda: scikeras_classifier(epochs=2, class_weight={"no": 1, "yes": 4}),
    "keras.wrappers": lambda: keras_classifier(
        fit_kwargs={"epochs": 2, "class_weight": {0: 1, 1: 4}}
    ),
}

UNSET = {
    "LightGBM": LGBMClassifier(scale_pos_weight=1.0, is_unbalance=False),
    "XGBoost": XGBClassifier(),
    "CatBoost": CatBoostClassifier(auto_class_weights="None", class_weights=[1, 1]),
    "scikit-learn": LogisticRegression(class_weight={"yes": 1}),
    "skorch": NeuralNetClassifier(SmallNet, module__n_outputs=2, criterion=LOSS),
    "selection": make_pipeline(
        SelectFromModel(LogisticRegression(class_weight="balanced")), GaussianNB()
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_auto_keeps_the_weights_of_the_model(name, recwarn):
    own, auto = (
        ManagedTrainer(
            OWN[name](), handle_imbalance=method, early_stopping=False, random_state=0
        ).fit(X, Y)
        for method in (None, "auto")
    )
    assert np.array_equal(own.predict_proba(X), auto.predict_proba(X))
    assert not [w for w in recwarn if w.category is ClassImbalanceWarning]
    (weight,) = own_class_weights(wrap_estimator(OWN[name]()), 2)
    assert str(weight) in auto.report_.imbalance["method"]
    assert f"'auto' changes nothing, because of {weight}" in "".join(auto.report_.notes)


@pytest.mark.parametrize("name", UNSET)
def test_equal_weights_count_as_unset(name):
    assert own_class_weights(UNSET[name], 2) == ()


def test_parameters_for_two_classes_do_not_count_for_three():
    assert own_class_weights(XGBClassifier(scale_pos_weight=3), 3) == ()


def test_auto_keeps_the_sampler_of_a_pipeline():
    model = make_pipeline(RandomOverSampler(sampling_strategy=0.5), LogisticRegression())
    own, auto = (
        ManagedTrainer(model, handle_imbalance=method, random_state=0).fit(X, Y)
        for method in (None, "auto")
    )
    assert np.array_equal(own.predict_proba(X), auto.predict_proba(X))
    assert "RandomOverSampler in the Pipeline" in "".join(auto.report_.notes)


@pytest.mark.parametrize("train", [train_model, train_with_cv])
def test_functions_weight_the_classes_once(train):
    options = {"early_stopping": False, "save_path": None, "verbose": 0}
    if train is train_with_cv:
        options["cv"] = 2
    with pytest.warns(ClassImbalanceWarning):
        weighted = train(LogisticRegression(), X, Y, **options)
    both = train(LogisticRegression(class_weight="balanced"), X, Y, **options)
    assert np.array_equal(weighted.predict_proba(X), both.predict_proba(X))


def test_both_kinds_of_class_weights_are_an_error():
    for name, parameter in {
        "LightGBM class_weight": "class_weight='balanced' of LGBMClassifier",
        "XGBoost": "scale_pos_weight=4 of XGBClassifier",
        "nested": "class_weight='balanced' of RandomForestClassifier",
    }.items():
        with pytest.raises(ParameterError, match=f"twice, because {parameter}.*'auto'"):
            ManagedTrainer(OWN[name](), handle_imbalance="class_weight").fit(X, Y)


def test_fixed_weights_after_resampling_warn():
    with pytest.warns(DataWarning, match="'oversample' resamples .* scale_pos_weight=4"):
        ManagedTrainer(OWN["XGBoost"](), handle_imbalance="oversample").fit(X, Y)


@pytest.mark.parametrize(
    ("name", "balanced"),
    [
        ("LightGBM class_weight", True),
        ("LightGBM is_unbalance", True),
        ("LightGBM scale_pos_weight", False),
        ("XGBoost", False),
        ("CatBoost list", False),
        ("CatBoost rule", True),
        ("CatBoost positive", False),
        ("scikit-learn", False),
        ("skorch", False),
        ("criterion partial", False),
        ("scikeras", False),
        ("keras.wrappers", False),
    ],
)
def test_probabilities_are_corrected_for_the_weights_of_the_model(name, balanced):
    raw, corrected = (
        ManagedTrainer(
            OWN[name](), correct_probabilities=correct, early_stopping=False, random_state=0
        ).fit(X, Y)
        for correct in (False, True)
    )
    factor = (Y == "no").sum() / (Y == "yes").sum() if balanced else 4.0
    before = raw.predict_proba(X)[:, 1].astype(float)
    expected = before / factor / (before / factor + 1 - before)
    np.testing.assert_allclose(corrected.predict_proba(X)[:, 1], expected, rtol=1e-4, atol=1e-7)
    assert corrected.report_.imbalance["probabilities_corrected"]
    after = corrected.report_.imbalance["after"]
    assert after["yes"] / after["no"] == pytest.approx(
        factor * (Y == "yes").mean() / (Y == "no").mean()
    )


def test_pos_weight_is_the_factor_of_the_second_class():
    net = NeuralNetBinaryClassifier(
        SmallNet, module__n_outputs=1, criterion__pos_weight=torch.tensor([4.0])
    )
    (weight,) = own_class_weights(net, 2)
    assert weight.factors(np.array(["no", "yes"]), np.array([9, 1])).tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nested", "a nested model"), ("priors", "a value with an unknown effect")],
)
def test_correction_of_unknown_weights_is_refused_by_name(name, reason):
    with pytest.raises(ParameterError, match=rf"cannot undo .* \({reason}\)"):
        ManagedTrainer(OWN[name](), correct_probabilities=True).fit(X, Y)


def test_correction_of_balanced_weights_with_sample_weights_is_refused():
    trainer = ManagedTrainer(OWN["LightGBM class_weight"](), correct_probabilities=True)
    with pytest.raises(ParameterError, match="balanced weights together with sample_weight"):
        trainer.fit(X, Y, sample_weight=np.linspace(1, 2, len(Y)))


def keras_stopping(**options):
    import keras

    return keras.callbacks.EarlyStopping(**options)


PATIENCE = {
    "XGBoost": lambda: XGBClassifier(n_estimators=200, early_stopping_rounds=3),
    "XGBoost callback": lambda: XGBClassifier(
        n_estimators=200, callbacks=[xgboost.callback.EarlyStopping(rounds=3)]
    ),
    "LightGBM": lambda: LGBMClassifier(n_estimators=200, early_stopping_round=3),
    "LightGBM alias": lambda: LGBMClassifier(n_estimators=200, n_iter_no_change=3),
    "CatBoost": lambda: CatBoostClassifier(
        iterations=200, learning_rate=0.3, early_stopping_rounds=3
    ),
    "CatBoost od_wait": lambda: CatBoostClassifier(
        iterations=200, learning_rate=0.3, od_type="Iter", od_wait=3
    ),
    "GradientBoosting": lambda: GradientBoostingClassifier(
        n_estimators=200, learning_rate=0.5, n_iter_no_change=3
    ),
    "HistGradientBoosting": lambda: HistGradientBoostingClassifier(
        max_iter=200, n_iter_no_change=3
    ),
    "SGD": lambda: SGDClassifier(
        loss="log_loss", max_iter=200, early_stopping=True, n_iter_no_change=3
    ),
    "skorch": lambda: NeuralNetClassifier(
        SmallNet,
        module__n_outputs=2,
        criterion=LOSS,
        lr=0.5,
        max_epochs=200,
        callbacks=[("stop", skorch.callbacks.EarlyStopping(patience=3, threshold=0))],
    ),
    "scikeras": lambda: scikeras_classifier(epochs=200, callbacks=[keras_stopping(patience=3)]),
}


@pytest.mark.parametrize("name", PATIENCE)
def test_patience_of_the_model_is_used_and_shown(name):
    trainer = ManagedTrainer(PATIENCE[name](), random_state=0).fit(X, Y)
    assert trainer.stop_reason_ == "early_stopping"
    assert trainer.n_iter_ == trainer.best_iteration_ + 3
    assert trainer.report_.fitting["patience"] == 3
    source = trainer.report_.fitting["patience_source"]
    assert "=3 of " in source
    assert f"patience 3 ({source}) on " in " ".join(trainer.report_.full().split())


def test_patience_of_the_trainer_replaces_that_of_the_model():
    trainer = ManagedTrainer(PATIENCE["XGBoost"](), n_iter_no_change=7, random_state=0)
    trainer.fit(X, Y)
    assert trainer.n_iter_ == trainer.best_iteration_ + 7
    note = "n_iter_no_change=7 replaces early_stopping_rounds=3 of XGBClassifier"
    assert note in trainer.report_.notes


def test_patience_that_is_not_used_is_noted():
    trainer = ManagedTrainer(PATIENCE["LightGBM"](), early_stopping=False, random_state=0)
    assert trainer.fit(X, Y).n_iter_ == 200
    assert "early_stopping_round=3 of LGBMClassifier is not used" in "".join(
        trainer.report_.notes
    )


@pytest.mark.parametrize(
    ("model", "patience", "stops"),
    [
        (HistGradientBoostingClassifier(), None, False),
        (HistGradientBoostingClassifier(early_stopping=True), 10, True),
        (SGDClassifier(n_iter_no_change=2), 2, False),
        (XGBClassifier(), None, False),
        (LGBMClassifier(early_stopping_round=0), None, False),
        (
            NeuralNetClassifier(
                SmallNet,
                callbacks=[skorch.callbacks.EarlyStopping("train_loss", patience=2)],
            ),
            None,
            False,
        ),
    ],
    ids=str,
)
def test_defaults_are_no_patience_of_the_model(model, patience, stops):
    found = own_patience(model)
    assert (found and found.n_iter, bool(found and found.stops)) == (patience, stops)


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        (LGBMClassifier(num_leave=7), "num_leaves"),
        (XGBClassifier(n_estimators=3, max_dept=3), "max_depth"),
        (VotingClassifier([("a", LGBMClassifier(learning_rte=1))]), "learning_rate"),
    ],
    ids=["LightGBM", "XGBoost", "nested"],
)
# XGBoost also warns itself, without the name that was meant.
@pytest.mark.filterwarnings(r"ignore:[\s\S]*are not used:UserWarning")
def test_misspelled_parameters_warn_with_the_name_that_was_meant(model, meant):
    trainer = ManagedTrainer(model, early_stopping=False, random_state=0)
    with pytest.warns(DataWarning, match=f"ignores .* Did you mean '{meant}'") as caught:
        trainer.fit(X, Y)
    assert str(caught[0].message) in trainer.report_.notes


def test_misspelled_parameters_in_a_grid_warn():
    trainer = ManagedTrainer(LGBMClassifier(n_estimators=3), random_state=0)
    grid = GridSearchCV(trainer, {"estimator__num_leave": [2, 31]}, cv=2)
    with pytest.warns(DataWarning, match="num_leave=.* 'num_leaves'"):
        grid.fit(X, Y)


def test_misspelled_parameter_of_catboost_is_an_error():
    model = CatBoostClassifier(iterations=3).set_params(dept=3)
    with pytest.raises(ParameterError, match="no parameter 'dept'. Did you mean 'depth'"):
        ManagedTrainer(model).fit(X, Y)


def test_native_names_and_aliases_do_not_warn():
    for model in (
        XGBClassifier(n_estimators=3, eta=0.3, max_cat_to_onehot=4, nthread=1),
        XGBClassifier(n_estimators=3, booster="dart", rate_drop=0.1),
        LGBMClassifier(n_estimators=3, eta=0.3, lambda_l2=1.0, sub_row=0.9, max_bin=63),
    ):
        ManagedTrainer(model, early_stopping=False, random_state=0).fit(X, Y)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        LGBMClassifier(n_estimators=3),
        XGBClassifier(n_estimators=3),
        CatBoostClassifier(iterations=3, verbose=False, allow_writing_files=False),
        NeuralNetClassifier(
            SmallNet, module__n_outputs=2, criterion=LOSS, max_epochs=1, verbose=0
        ),
    ],
    ids=lambda model: type(model).__name__,
)
def test_fitted_model_warns_that_it_is_trained_again(model):
    fresh = ManagedTrainer(model, early_stopping=False, random_state=0)
    before = fresh.fit(X.astype("float32"), CODES).predict_proba(X.astype("float32"))
    fitted = clone_estimator(model).fit(X.astype("float32"), CODES)
    again = ManagedTrainer(fitted, early_stopping=False, random_state=0)
    with pytest.warns(DataWarning, match="already fitted.* trains a clone"):
        again.fit(X.astype("float32"), CODES)
    assert np.array_equal(again.predict_proba(X.astype("float32")), before)

"""partial_fit: what a chunk must be, what it leaves, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from lightgbm import LGBMClassifier
from sklearn import config_context
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import ManagedTrainer
from sktrainer.exceptions import ClassImbalanceWarning, InputError, ParameterError
from sktrainer.testing import mixed_table, same_bits
from tests.stubs import FailsOnSecondChunk

X, Y = mixed_table(400, "classification")
X_NUMBERS, Y_NUMBERS = X[["signal", "count"]], mixed_table(400, "regression")[1]


def managed(model=None, **parameters):
    model = SGDClassifier(loss="log_loss") if model is None else model
    return ManagedTrainer(model, random_state=0, **parameters)


def fed(trainer, X, y, n_chunks=4, **options):
    size = len(X) // n_chunks
    for start in range(0, len(X), size):
        trainer.partial_fit(X[start : start + size], y[start : start + size], **options)
    return trainer


@pytest.mark.parametrize(
    ("model", "has_it"),
    [
        (SGDClassifier(), True),
        (MLPRegressor(), True),
        (MLPClassifier(solver="lbfgs"), False),
        (LGBMClassifier(), False),
        (make_pipeline(StandardScaler(), GaussianNB()), True),
    ],
)
def test_it_is_there_where_the_model_has_it(model, has_it):
    assert hasattr(ManagedTrainer(model), "partial_fit") == has_it


@pytest.mark.parametrize("model", [GaussianNB(), SGDClassifier(shuffle=False, random_state=0)])
def test_chunks_give_the_model_that_scikit_learn_alone_gives(model):
    ours = fed(managed(model, preprocessor=None), X_NUMBERS, Y)
    scaled = X_NUMBERS.to_numpy()
    for start in range(0, 400, 100):
        rows = slice(start, start + 100)
        model.partial_fit(scaled[rows], Y[rows], classes=np.unique(Y))
    assert (ours.predict(X_NUMBERS) == model.predict(scaled)).all()


def test_a_step_of_the_callers_pipeline_is_fitted_on_the_first_chunk_alone():
    trainer = fed(managed(make_pipeline(StandardScaler(), SGDClassifier())), X_NUMBERS, Y)
    expected = StandardScaler().fit(X_NUMBERS[:100]).mean_
    np.testing.assert_array_equal(trainer.pipeline_[0].mean_, expected)


def test_attributes_tell_of_all_chunks():
    trainer = fed(managed(MLPClassifier((4,))), X, Y)
    assert trainer.n_iter_ == trainer.best_iteration_ == 4
    assert trainer.stop_reason_ == "partial_fit"
    assert list(trainer.history_["iteration"]) == [1, 2, 3, 4]
    assert len(trainer.evals_result_["train"]["loss"]) == 4
    assert trainer.scores_.empty
    assert len(trainer.split_.train) == 100
    assert trainer.n_features_in_ == 9
    assert list(trainer.feature_names_in_) == list(X.columns)
    assert list(trainer.classes_) == ["c0", "c1"]
    assert not hasattr(trainer, "cv_results_")


def test_the_report_counts_chunks_rows_and_classes():
    report = fed(managed(), X, Y).report_
    counts = Y.value_counts().to_dict()
    assert report.data["rows"] == 400
    assert report.data["class_counts"] == counts
    assert report.fitting["n_chunks"] == 4
    said = str(report)
    assert "Fitted on 4 chunks" in said
    assert "fitted on the first chunk (100 rows)" in said
    assert "Not scored" in said


def test_what_is_of_fit_alone_is_named_in_the_report():
    report = managed(test_size=0.2, cv=3, early_stopping=True).partial_fit(X, Y).report_
    assert any("test_size=0.2, cv=3, early_stopping=True" in note for note in report.notes)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_chunks_go_on_from_the_iterations_of_a_fit():
    trainer = managed(MLPClassifier((4,), max_iter=8), cv=2, early_stopping=False).fit(X, Y)
    trainer.partial_fit(X, Y)
    assert trainer.n_iter_ == 9
    assert trainer.history_["iteration"].max() == 9
    assert trainer.report_.folds is None
    assert not hasattr(trainer, "cv_results_")
    assert trainer.fit(X, Y).n_iter_ == 8


def test_a_class_may_come_late_where_it_was_named():
    labels = Y.where(np.arange(400) > 100, "c0")
    trainer = fed(managed(), X, labels, classes=["c1", "c0"])
    assert list(trainer.classes_) == ["c0", "c1"]
    assert set(trainer.predict(X)) == {"c0", "c1"}


def test_one_row_at_a_time_is_enough():
    trainer = managed().partial_fit(X_NUMBERS[:50], Y[:50])
    assert fed(trainer, X_NUMBERS[50:60], Y[50:60], 10).n_iter_ == 11


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"y": Y.replace("c1", "c2")}, "classes that the first call knew .*got .'c2'"),
        ({"classes": ["c0", "c2"]}, "classes must be those of the first call"),
        ({"y": Y[:-1]}, "as many rows as X"),
        ({"X": X.drop(columns="size")}, "feature names should match"),
        ({"X": X.to_numpy()[:, :-1]}, "X has 8 features, but ManagedTrainer is expecting 9"),
        (
            {"X": X.assign(size="big")},
            "'size' contained numbers in the first chunk, got strings",
        ),
        ({"X": X.assign(shop=3)}, "'shop' contained strings in the first chunk, got numbers"),
        ({"X": X.assign(day=1.5)}, "'day' contained dates in the first chunk, got numbers"),
        ({"sample_weight": np.zeros(400)}, "must be positive for some row"),
    ],
)
def test_a_chunk_unlike_the_first_is_refused(change, complaint):
    trainer = managed().partial_fit(X, Y)
    before = trainer.predict_proba(X), trainer.report_, trainer.n_iter_
    with pytest.raises(ValueError, match=complaint):
        trainer.partial_fit(**{"X": X, "y": Y, **change})
    assert same_bits(before[0], trainer.predict_proba(X))
    assert (trainer.report_, trainer.n_iter_) == before[1:]


def test_all_mistakes_of_a_chunk_are_named_at_once():
    trainer = managed().partial_fit(X, Y)
    with pytest.raises(InputError) as caught:
        trainer.partial_fit(X, Y[:-1], classes=["a", "b"], sample_weight=[1.0])
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"y": ["only"] * 400}, "at least 2 classes, got one class only: 'only'"),
        ({"y": Y, "classes": ["c0", "c3"]}, "got .'c1'"),
        ({"y": Y, "classes": ["c0"]}, "at least 2 classes"),
    ],
)
def test_a_first_chunk_must_name_its_classes(options, complaint):
    trainer = managed()
    with pytest.raises(InputError, match=complaint):
        trainer.partial_fit(X, **options)
    assert not trainer.__sklearn_is_fitted__()


def test_classes_are_refused_for_a_regression():
    with pytest.raises(InputError, match="this is a regression; leave it out"):
        managed(SGDRegressor()).partial_fit(X_NUMBERS, Y_NUMBERS, classes=[1, 2])


def test_parameters_are_checked_on_the_first_chunk():
    with pytest.raises(ParameterError, match="test_size must be"):
        managed(test_size=3.0).partial_fit(X, Y)


@pytest.mark.parametrize("method", ["smote", "oversample", RandomOverSampler()])
def test_resampling_is_refused(method):
    with pytest.raises(ParameterError, match="a chunk is a part of the rows"):
        managed(handle_imbalance=method).partial_fit(X, Y)
    trainer = managed(handle_imbalance=method).fit(X, Y)
    before = trainer.predict_proba(X)
    with pytest.raises(InputError, match="a chunk is a part of the rows"):
        trainer.partial_fit(X, Y)
    assert same_bits(before, trainer.predict_proba(X))


def test_class_weights_come_from_the_first_chunk():
    first, later = slice(0, 100), slice(100, 400)
    weights = 100 / (2 * Y[first].value_counts())
    trainer = managed(handle_imbalance="class_weight", preprocessor=None)
    by_hand = managed(preprocessor=None)
    for rows in (first, later):
        trainer.partial_fit(X_NUMBERS[rows], Y[rows])
        by_hand.partial_fit(X_NUMBERS[rows], Y[rows], sample_weight=Y[rows].map(weights))
    np.testing.assert_array_equal(trainer.model_.coef_, by_hand.model_.coef_)
    with pytest.raises(InputError, match="no row of 'c2'"):
        managed(handle_imbalance="class_weight").partial_fit(X, Y, classes=["c0", "c1", "c2"])


def test_class_weights_of_a_fit_hold_for_its_chunks():
    model = SGDClassifier(shuffle=False)
    trainer = managed(model, handle_imbalance="class_weight", preprocessor=None)
    trainer.fit(X_NUMBERS, Y).partial_fit(X_NUMBERS[:50], Y[:50])
    weights = 400 / (2 * Y.value_counts())
    by_hand = managed(model, handle_imbalance="class_weight", preprocessor=None)
    by_hand.fit(X_NUMBERS, Y)
    alone = by_hand.model_.partial_fit(
        X_NUMBERS[:50], Y[:50], sample_weight=Y[:50].map(weights).to_numpy()
    )
    np.testing.assert_array_equal(trainer.model_.coef_, alone.coef_)


def test_auto_weights_an_imbalanced_first_chunk_and_says_so():
    rare = Y.where(np.arange(400) % 5 == 0, "c0")
    with pytest.warns(ClassImbalanceWarning, match="handled by class_weight"):
        trainer = managed(handle_imbalance="auto").partial_fit(X, rare)
    assert trainer.report_.imbalance["method"] == "class_weight"


def test_balanced_weights_of_the_model_are_refused():
    with pytest.raises(ParameterError, match="counts of all rows"):
        managed(SGDClassifier(class_weight="balanced")).partial_fit(X, Y)


@pytest.mark.filterwarnings("ignore::sktrainer.SktrainerWarning")
def test_a_class_that_the_fit_had_no_row_of_cannot_come_later():
    labels = Y.copy()
    labels[7] = "only once"
    weight = np.ones(400)
    held = managed(split="random", test_size=0.3)
    trainer = next(
        trainer
        for seed in range(20)
        for trainer in [held.set_params(random_state=seed).fit(X, labels)]
        if 7 in trainer.split_.test
    )
    assert len(trainer.classes_) == 3
    with pytest.raises(InputError, match="got .'only once'"):
        trainer.partial_fit(X, labels, sample_weight=weight)


def test_a_model_that_raises_in_the_middle_leaves_the_trainer_as_it_was():
    trainer = managed(FailsOnSecondChunk()).partial_fit(X_NUMBERS, Y_NUMBERS)
    before = trainer.predict(X_NUMBERS)
    with pytest.raises(RuntimeError, match="the second chunk fails"):
        trainer.partial_fit(X_NUMBERS, Y_NUMBERS)
    assert same_bits(before, trainer.predict(X_NUMBERS))
    assert trainer.n_iter_ == 1


def test_a_model_that_was_taken_out_is_not_trained_on():
    trainer = managed().partial_fit(X, Y)
    taken = trainer.model_
    before = taken.coef_.copy()
    trainer.partial_fit(X, Y)
    assert same_bits(before, taken.coef_)
    assert not same_bits(before, trainer.model_.coef_)


def test_the_same_chunk_is_shuffled_anew_each_time():
    twice = managed().partial_fit(X, Y).partial_fit(X, Y)
    model = managed().partial_fit(X, Y).model_
    again = model.partial_fit(twice._fitted.encode(X), Y)
    assert not same_bits(twice.model_.coef_, again.coef_)


def test_levels_that_come_later_are_encoded_as_in_predict():
    trainer = managed(GaussianNB()).partial_fit(X, Y)
    names = trainer.pipeline_[0].get_feature_names_out()
    trainer.partial_fit(X.assign(color="mauve"), Y)
    assert list(trainer.pipeline_[0].get_feature_names_out()) == list(names)


def test_metadata_is_routed_as_scikit_learn_does():
    with config_context(enable_metadata_routing=True):
        trainer = managed().set_partial_fit_request(sample_weight=True, classes=False)
        requests = trainer.get_metadata_routing().partial_fit.requests
    assert requests == {"sample_weight": True, "classes": False}


def test_steps_give_the_container_that_was_asked_for():
    trainer = managed(make_pipeline(StandardScaler(), SGDClassifier()))
    trainer.set_output(transform="pandas")
    fed(trainer, X_NUMBERS, Y)
    assert isinstance(trainer.pipeline_[:-1].transform(X_NUMBERS), pd.DataFrame)


def test_a_line_is_shown_for_each_chunk(capsys):
    fed(managed(MLPClassifier((4,)), verbose=1), X, Y, 2)
    said = capsys.readouterr().out
    assert "Chunk 1: 200 rows, train loss" in said
    assert "Chunk 2: 200 rows, train loss" in said

"""partial_fit: validation of chunks, fitted attributes and the report."""

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
from sktrainer.testing import bit_identical, mixed_table
from tests.stubs import FailsOnSecondChunk

X, Y = mixed_table(400, "classification")
CODES = np.unique(Y, return_inverse=True)[1]
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
def test_partial_fit_exists_if_the_model_has_it(model, has_it):
    assert hasattr(ManagedTrainer(model), "partial_fit") == has_it


@pytest.mark.parametrize("model", [GaussianNB(), SGDClassifier(shuffle=False, random_state=0)])
def test_chunks_give_the_same_model_as_scikit_learn(model):
    ours = fed(managed(model, preprocessor=None), X_NUMBERS, Y)
    scaled = X_NUMBERS.to_numpy()
    for start in range(0, 400, 100):
        rows = slice(start, start + 100)
        model.partial_fit(scaled[rows], Y[rows], classes=np.unique(Y))
    assert (ours.predict(X_NUMBERS) == model.predict(scaled)).all()


def test_user_steps_are_fitted_on_the_first_chunk_only():
    trainer = fed(managed(make_pipeline(StandardScaler(), SGDClassifier())), X_NUMBERS, Y)
    expected = StandardScaler().fit(X_NUMBERS[:100]).mean_
    np.testing.assert_array_equal(trainer.pipeline_[0].mean_, expected)


def test_fitted_attributes_cover_all_chunks():
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


def test_report_counts_chunks_rows_and_classes():
    report = fed(managed(), X, Y).report_
    counts = Y.value_counts().to_dict()
    assert report.data["rows"] == 400
    assert report.data["class_counts"] == counts
    assert report.fitting["n_chunks"] == 4
    text = report.full()
    assert "Fitted on 4 chunks" in text
    assert "fitted on the first chunk (100 rows) only" in text
    assert "Not scored" in text


def test_report_lists_parameters_that_partial_fit_ignores():
    report = managed(test_size=0.2, cv=3, early_stopping=True).partial_fit(X, Y).report_
    assert any("test_size=0.2, cv=3, early_stopping=True" in note for note in report.notes)


def test_report_lists_ignored_parameters_with_string_values():
    column = X.columns[0]
    report = managed(split="time", time_column=column).partial_fit(X, Y).report_
    (note,) = [note for note in report.notes if note.startswith("partial_fit ignores")]
    assert f"split='time', time_column={column!r}:" in note
    assert not any("ignores" in note for note in managed().partial_fit(X, Y).report_.notes)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_iterations_continue_after_a_fit():
    trainer = managed(MLPClassifier((4,), max_iter=8), cv=2, early_stopping=False).fit(X, Y)
    trainer.partial_fit(X, Y)
    assert trainer.n_iter_ == 9
    assert trainer.history_["iteration"].max() == 9
    assert trainer.report_.folds is None
    assert not hasattr(trainer, "cv_results_")
    assert trainer.fit(X, Y).n_iter_ == 8


def test_declared_class_may_occur_late():
    labels = Y.where(np.arange(400) > 100, "c0")
    trainer = fed(managed(), X, labels, classes=["c1", "c0"])
    assert list(trainer.classes_) == ["c0", "c1"]
    assert set(trainer.predict(X)) == {"c0", "c1"}


def test_one_row_per_chunk_is_enough():
    trainer = managed().partial_fit(X_NUMBERS[:50], Y[:50])
    assert fed(trainer, X_NUMBERS[50:60], Y[50:60], 10).n_iter_ == 11


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": Y.replace("c1", "c2")}, "only classes of the first call .*got 'c2'"),
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
def test_chunk_that_differs_from_the_first_is_refused(change, message):
    trainer = managed().partial_fit(X, Y)
    before = trainer.predict_proba(X), trainer.report_, trainer.n_iter_
    with pytest.raises(ValueError, match=message):
        trainer.partial_fit(**{"X": X, "y": Y, **change})
    assert bit_identical(before[0], trainer.predict_proba(X))
    assert (trainer.report_, trainer.n_iter_) == before[1:]


def test_all_problems_of_a_chunk_are_reported_together():
    trainer = managed().partial_fit(X, Y)
    with pytest.raises(InputError) as caught:
        trainer.partial_fit(X, Y[:-1], classes=["a", "b"], sample_weight=[1.0])
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": ["only"] * 400}, "at least 2 classes, got one class only: 'only'"),
        ({"y": Y, "classes": ["c0", "c3"]}, "got 'c1'"),
        ({"y": Y, "classes": ["c0"]}, "at least 2 classes"),
    ],
)
def test_first_chunk_must_declare_all_classes(options, message):
    trainer = managed()
    with pytest.raises(InputError, match=message):
        trainer.partial_fit(X, **options)
    assert not trainer.__sklearn_is_fitted__()


def test_classes_are_refused_for_regression():
    with pytest.raises(InputError, match="the task is regression. Leave it out"):
        managed(SGDRegressor()).partial_fit(X_NUMBERS, Y_NUMBERS, classes=[1, 2])


def test_parameters_are_checked_on_the_first_chunk():
    with pytest.raises(ParameterError, match="test_size must be"):
        managed(test_size=3.0).partial_fit(X, Y)


@pytest.mark.parametrize("method", ["smote", "oversample", RandomOverSampler()])
def test_resampling_is_refused(method):
    with pytest.raises(ParameterError, match="a chunk may lack a class"):
        managed(handle_imbalance=method).partial_fit(X, Y)
    trainer = managed(handle_imbalance=method).fit(X, Y)
    before = trainer.predict_proba(X)
    with pytest.raises(InputError, match="a chunk may lack a class"):
        trainer.partial_fit(X, Y)
    assert bit_identical(before, trainer.predict_proba(X))


def test_class_weights_are_computed_on_the_first_chunk():
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


def test_class_weights_of_a_fit_apply_to_later_chunks():
    model = SGDClassifier(shuffle=False)
    trainer = managed(model, handle_imbalance="class_weight", preprocessor=None)
    trainer.fit(X_NUMBERS, Y).partial_fit(X_NUMBERS[:50], Y[:50])
    weights = 400 / (2 * Y.value_counts())
    by_hand = managed(model, handle_imbalance="class_weight", preprocessor=None)
    by_hand.fit(X_NUMBERS, Y)
    alone = by_hand.model_.partial_fit(
        X_NUMBERS[:50], CODES[:50], sample_weight=Y[:50].map(weights).to_numpy()
    )
    np.testing.assert_array_equal(trainer.model_.coef_, alone.coef_)


def test_auto_weights_an_imbalanced_first_chunk_with_a_warning():
    rare = Y.where(np.arange(400) % 5 == 0, "c0")
    with pytest.warns(ClassImbalanceWarning, match="handled by class_weight"):
        trainer = managed(handle_imbalance="auto").partial_fit(X, rare)
    assert trainer.report_.imbalance["method"] == "class_weight"


def test_balanced_weights_of_the_model_are_refused():
    with pytest.raises(ParameterError, match="counts of all rows"):
        managed(SGDClassifier(class_weight="balanced")).partial_fit(X, Y)


@pytest.mark.filterwarnings("ignore::sktrainer.SktrainerWarning")
def test_class_missing_from_the_fit_cannot_occur_later():
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
    with pytest.raises(InputError, match="got 'only once'"):
        trainer.partial_fit(X, labels, sample_weight=weight)


def test_failed_chunk_leaves_the_trainer_unchanged():
    trainer = managed(FailsOnSecondChunk()).partial_fit(X_NUMBERS, Y_NUMBERS)
    before = trainer.predict(X_NUMBERS)
    with pytest.raises(RuntimeError, match="the second chunk fails"):
        trainer.partial_fit(X_NUMBERS, Y_NUMBERS)
    assert bit_identical(before, trainer.predict(X_NUMBERS))
    assert trainer.n_iter_ == 1


def test_earlier_model_object_is_not_modified():
    trainer = managed().partial_fit(X, Y)
    taken = trainer.model_
    before = taken.coef_.copy()
    trainer.partial_fit(X, Y)
    assert bit_identical(before, taken.coef_)
    assert not bit_identical(before, trainer.model_.coef_)


def test_same_chunk_is_shuffled_differently_each_time():
    twice = managed().partial_fit(X, Y).partial_fit(X, Y)
    model = managed().partial_fit(X, Y).model_
    again = model.partial_fit(twice._predictor.encode(X), CODES)
    assert not bit_identical(twice.model_.coef_, again.coef_)


def test_new_levels_are_encoded_as_in_predict():
    trainer = managed(GaussianNB()).partial_fit(X, Y)
    names = trainer.pipeline_[0].get_feature_names_out()
    trainer.partial_fit(X.assign(color="mauve"), Y)
    assert list(trainer.pipeline_[0].get_feature_names_out()) == list(names)


def test_metadata_is_routed_as_in_scikit_learn():
    with config_context(enable_metadata_routing=True):
        trainer = managed().set_partial_fit_request(sample_weight=True, classes=False)
        requests = trainer.get_metadata_routing().partial_fit.requests
    assert requests == {"sample_weight": True, "classes": False}


def test_steps_respect_set_output():
    trainer = managed(make_pipeline(StandardScaler(), SGDClassifier()))
    trainer.set_output(transform="pandas")
    fed(trainer, X_NUMBERS, Y)
    assert isinstance(trainer.pipeline_[:-1].transform(X_NUMBERS), pd.DataFrame)


def test_progress_shows_one_line_per_chunk(capsys):
    fed(managed(MLPClassifier((4,)), verbose=1), X, Y, 2)
    output = capsys.readouterr().out
    assert "Chunk 1: 200 rows, train loss" in output
    assert "Chunk 2: 200 rows, train loss" in output


def test_duplicate_or_missing_columns_of_a_later_chunk_raise():
    trainer = ManagedTrainer(SGDClassifier(), random_state=0).partial_fit(X, Y)
    for chunk in (pd.concat([X, X[["signal"]]], axis=1), X.drop(columns="signal")):
        with pytest.raises(InputError, match="signal"):
            trainer.partial_fit(chunk, Y)
    assert trainer.n_iter_ == 1

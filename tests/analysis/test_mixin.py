from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn import metrics
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from sktrainer import ManagedTrainer, load
from sktrainer.exceptions import InputError

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(600, 3)), columns=list("abc"))
X["town"] = RNG.choice(["x", "y", "z"], 600)
SIGNAL = 2 * X["a"] + (X["town"] == "x") + RNG.normal(size=600)
Y = np.where(SIGNAL > 2.0, "bad", "good")
COSTS = {"false_positive": 1, "false_negative": 15}


def _fitted(model=None, y=Y, **params):
    model = LogisticRegression() if model is None else model
    return ManagedTrainer(model, random_state=0, audit=False, **params).fit(X, y)


def test_threshold_is_tuned_on_out_of_fold_predictions():
    trainer = _fitted(cv=3, test_size=0.2)
    found = trainer.tune_threshold(X, Y, costs=COSTS)
    oof = trainer.oof_predictions_
    used = (oof["n_folds"] > 0).to_numpy()
    assert found.source == "out-of-fold"
    assert found.n_rows == used.sum() == 480
    assert not used[trainer.split_.test].any()
    wrong = (oof["probability_bad"][used] >= found.threshold) != (Y[used] == "bad")
    cost = (wrong * np.where(Y[used] == "bad", 15, 1)).mean()
    assert found.value == pytest.approx(cost)
    assert found.value < found.value_at_default


def test_threshold_is_tuned_on_validation_rows_without_folds():
    trainer = _fitted(validation_size=0.25)
    found = trainer.tune_threshold(X, Y)
    rows = trainer.split_.validation
    assert (found.source, found.n_rows) == ("validation", len(rows))
    predicted = trainer.predict(X.iloc[rows])
    assert found.value == pytest.approx(metrics.f1_score(Y[rows], predicted, pos_label="bad"))


@pytest.mark.parametrize(
    "model", [LogisticRegression(), LGBMClassifier(n_estimators=9, verbose=-1)]
)
def test_every_prediction_uses_the_threshold_and_files_keep_it(model, tmp_path):
    trainer = _fitted(model, validation_size=0.25)
    before = trainer.predict(X)
    found = trainer.tune_threshold(X, Y, costs=COSTS)
    expected = np.where(trainer.predict_proba(X)[:, 0] >= found.threshold, "bad", "good")
    assert trainer.threshold_ == found.threshold
    assert not np.array_equal(before, expected)
    np.testing.assert_array_equal(trainer.predict(X), expected)
    np.testing.assert_array_equal(trainer.pipeline_.predict(X), expected)
    assert trainer.score(X, Y) == pytest.approx(np.mean(expected == Y))
    trainer.save(tmp_path / "model.skt")
    restored = load(tmp_path / "model.skt")
    assert restored.threshold_ == found.threshold
    np.testing.assert_array_equal(restored.predict(X), expected)
    assert any(
        note.startswith("Tuned threshold: class 'bad'") for note in restored.report_.notes
    )


def test_fit_resets_the_threshold_and_a_second_call_replaces_the_note():
    trainer = _fitted(validation_size=0.25)
    trainer.tune_threshold(X, Y)
    trainer.tune_threshold(X, Y, metric="accuracy")
    notes = [note for note in trainer.report_.notes if note.startswith("Tuned threshold")]
    assert len(notes) == 1
    assert "accuracy" in notes[0]
    assert trainer.fit(X, Y).threshold_ is None


def test_threshold_cannot_be_tuned_without_held_out_rows():
    with pytest.raises(InputError, match=r"no validation rows .*validation_size=0\.2"):
        _fitted().tune_threshold(X, Y)
    boosted = LGBMClassifier(n_estimators=20, verbose=-1)
    with pytest.raises(InputError, match="no validation rows"):
        _fitted(boosted, refit=True, validation_size=0.2).tune_threshold(X, Y)


def test_threshold_needs_two_classes_with_probabilities():
    classes = np.where(SIGNAL > 2, "c", np.where(SIGNAL > 0, "b", "a"))
    for trainer in (
        _fitted(LinearSVC(), cv=3),
        _fitted(cv=3, y=classes),
        _fitted(Ridge(), y=SIGNAL, cv=3),
    ):
        with pytest.raises(InputError, match="classifier of two classes"):
            trainer.tune_threshold(X, Y)


def test_wrong_arguments_are_refused():
    trainer = _fitted(cv=3)
    with pytest.raises(InputError, match="metric='recal' is not supported"):
        trainer.tune_threshold(X, Y, metric="recal")
    with pytest.raises(InputError, match="costs must have the keys"):
        trainer.tune_threshold(X, Y, costs={"fp": 1})
    with pytest.raises(InputError, match="X has 10 rows, but the trainer was fitted on 600"):
        trainer.tune_threshold(X[:10], Y[:10])


def test_onnx_export_refuses_a_tuned_threshold(tmp_path):
    trainer = _fitted(validation_size=0.25)
    trainer.tune_threshold(X, Y, costs=COSTS)
    with pytest.raises(InputError, match="ONNX files do not hold the tuned threshold"):
        trainer.to_onnx(tmp_path / "model.onnx", X)


def test_permutation_importance_has_one_value_per_column_and_is_in_the_report():
    trainer = _fitted(validation_size=0.3)
    table = trainer.permutation_importance(X, Y, n_repeats=3)
    assert set(table.index) == set(X.columns)
    assert table.index[0] == "a"
    assert table["mean"].is_monotonic_decreasing
    rows = trainer.split_.validation
    shuffled = X.iloc[rows].copy()
    shuffled["a"] = np.random.default_rng(5).permutation(shuffled["a"])
    drop = trainer.score(X.iloc[rows], Y[rows]) - trainer.score(shuffled, Y[rows])
    assert table.loc["a", "mean"] == pytest.approx(drop, abs=0.06)
    note = f"drop of accuracy on {len(rows)} validation rows, 3 repeats"
    assert trainer.report_.permutation_note == note
    assert note in " ".join(trainer.report_.full().split())
    assert "<h3>Permutation importances</h3>" in trainer.report_._repr_html_()


def test_permutation_importance_accepts_the_name_of_the_target():
    table = X.assign(target=Y)
    trainer = ManagedTrainer(
        LogisticRegression(), random_state=0, audit=False, validation_size=0.3
    ).fit(table, "target")
    found = trainer.permutation_importance(table, "target", n_repeats=2)
    assert set(found.index) == set(X.columns)
    expected = _fitted(validation_size=0.3).permutation_importance(X, Y, n_repeats=2)
    pd.testing.assert_frame_equal(found, expected)


def test_permutation_importance_needs_validation_rows():
    with pytest.raises(InputError, match="no validation rows"):
        _fitted(cv=3).permutation_importance(X, Y)

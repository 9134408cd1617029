from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, cross_val_score

from sktrainer import ManagedTrainer
from sktrainer.analysis.learning_curve import describe_forecast, fit_power_law
from sktrainer.exceptions import InputError

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(300, 5)), columns=list("abcde"))
TARGET = X["a"] + X["b"] + RNG.normal(size=300)
LABELS = np.where(TARGET > 1.5, "yes", "no")


def _curve(model, y=TARGET, params=None, **options):
    trainer = ManagedTrainer(model, random_state=0, audit=False, **(params or {}))
    return trainer.learning_curve(X, y, **options)


def test_all_rows_give_the_cross_validated_score():
    curve = _curve(Ridge(), params={"preprocessor": None}, cv=KFold(4), sizes=[0.5, 1.0])
    expected = cross_val_score(Ridge(), X, TARGET, cv=KFold(4))
    last = curve.table.iloc[-1]
    assert last["mean"] == pytest.approx(expected.mean())
    assert last["std"] == pytest.approx(expected.std())
    assert curve.table["rows"].tolist() == [112, 225]
    assert curve.metric == "r2"


def test_sizes_are_nested_and_keep_class_shares(monkeypatch):
    from sktrainer.analysis import learning_curve

    seen = []

    def spy(plan, data, folds, run, log):
        seen.append(folds)
        return cross_validate(plan, data, folds, run, log)

    cross_validate = learning_curve.cross_validate
    monkeypatch.setattr(learning_curve, "cross_validate", spy)
    _curve(LogisticRegression(), LABELS, cv=3, sizes=[0.25, 0.5, 1.0])
    for small, middle, whole in zip(*seen, strict=True):
        assert set(small[0]) < set(middle[0]) < set(whole[0])
        assert not set(whole[0]) & set(whole[1])
        np.testing.assert_array_equal(small[1], whole[1])
        shares = [np.mean(LABELS[train] == "yes") for train, _ in (small, whole)]
        assert shares[0] == pytest.approx(shares[1], abs=0.02)


def test_latest_rows_of_a_split_by_time_are_used(monkeypatch):
    from sktrainer.analysis import learning_curve

    seen = []
    original = learning_curve.cross_validate

    def spy(plan, data, folds, run, log):
        seen.append(folds)
        return original(plan, data, folds, run, log)

    monkeypatch.setattr(learning_curve, "cross_validate", spy)
    _curve(Ridge(), params={"split": "time"}, cv=2, sizes=[0.5, 1.0])
    (half, _), (whole, test) = seen[0][0], seen[1][0]
    np.testing.assert_array_equal(half, whole[len(whole) // 2 :])
    assert half.max() < test.min()


def test_imbalanced_classes_are_scored_by_balanced_accuracy():
    rare = np.where(TARGET > 2.2, "yes", "no")
    assert _curve(LogisticRegression(), rare, cv=2, sizes=[1.0]).metric == "balanced_accuracy"
    even = np.where(TARGET > 0, "yes", "no")
    assert _curve(LogisticRegression(), even, cv=2, sizes=[1.0]).metric == "accuracy"


def test_groups_stay_together():
    groups = np.arange(300) // 10
    curve = _curve(Ridge(), params={"split": "group"}, groups=groups, cv=3, sizes=[0.5, 1.0])
    assert curve.table["rows"].tolist() == [100, 200]


def test_models_stop_early_at_every_size_and_the_trainer_is_unchanged():
    trainer = ManagedTrainer(
        LGBMRegressor(n_estimators=30, verbose=-1), random_state=0, audit=False
    )
    params = trainer.get_params()
    curve = trainer.learning_curve(X, TARGET, cv=2, sizes=[0.5, 0.75, 1.0])
    assert trainer.get_params() == params
    assert not hasattr(trainer, "report_")
    assert (curve.table["seconds"] > 0).all()
    assert set(curve.scores) == {"rows", "r2", "rmse", "mae"}
    again = trainer.learning_curve(X, TARGET, cv=2, sizes=[0.5, 0.75, 1.0])
    pd.testing.assert_frame_equal(again.scores, curve.scores)


def _table(means, error=0.01):
    rows = [100, 200, 400]
    return pd.DataFrame(
        {
            "rows": rows,
            "mean": means,
            "low": np.array(means) - 2 * error,
            "high": np.array(means) + 2 * error,
        }
    )


@pytest.mark.parametrize(
    ("means", "is_loss", "start"),
    [
        ([0.6, 0.7, 0.78], False, "More rows would help: with twice the training rows (800)"),
        ([0.70, 0.701, 0.701], False, "More rows would hardly help"),
        ([5.0, 4.0, 3.3], True, "More rows would help"),
        ([5.0, 5.5, 5.9], True, "More rows would hardly help"),
    ],
)
def test_answer_compares_the_gain_with_the_uncertainty(means, is_loss, start):
    table = _table(means)
    law = fit_power_law(table["rows"].to_numpy(dtype=float), np.array(means))
    assert describe_forecast(table, "m", law, is_loss=is_loss).startswith(start)


def test_two_sizes_have_no_forecast():
    assert fit_power_law(np.array([1.0, 2.0]), np.array([0.1, 0.2])) is None
    curve = _curve(Ridge(), cv=2, sizes=[0.5, 1.0])
    assert curve.answer == "No forecast: a power law needs at least 3 sizes with scores."
    assert str(curve).endswith(curve.answer)


def test_plot_shows_the_scores_and_the_power_law():
    curve = _curve(Ridge(), cv=2, sizes=[0.3, 0.6, 1.0])
    axes = curve.plot(Figure().add_subplot())
    points, law = axes.get_lines()
    np.testing.assert_array_equal(points.get_ydata(), curve.table["mean"])
    assert law.get_xdata()[-1] == pytest.approx(2 * curve.table["rows"].iloc[-1])


@pytest.mark.parametrize("sizes", [[], [0.0, 1.0], [0.5, 2.0]])
def test_sizes_must_be_shares(sizes):
    with pytest.raises(InputError, match="sizes must be shares above 0 and at most 1"):
        _curve(Ridge(), sizes=sizes)

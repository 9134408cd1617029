from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from sktrainer import (
    DataWarning,
    InputError,
    LeakageWarning,
    ManagedTrainer,
    load,
    train_model,
    train_with_cv,
)
from tests.data.audit.rows import N_ROWS, classes, numbers

X = numbers()
LABELS = classes(X)
RNG = np.random.default_rng(0)
DATED = X.assign(when=pd.date_range("2024-01-01", periods=N_ROWS, freq="h"))
LEVEL = np.cumsum(RNG.normal(size=N_ROWS))


def codes(trainer):
    return [finding["code"] for finding in trainer.report_.findings]


def test_target_among_the_columns_stops_before_training():
    with pytest.raises(InputError, match="SKT101 target-in-columns: Column 'answer'"):
        train_model(LogisticRegression(), X.assign(answer=LABELS), LABELS, save_path=None)


def test_audit_can_be_turned_off():
    table = X.assign(answer=LABELS)
    trainer = ManagedTrainer(LogisticRegression(), audit=False, test_size=0.2).fit(
        table, LABELS
    )
    assert trainer.report_.findings == ()
    assert trainer.scores_.loc["test", "accuracy"] == 1.0


def test_one_check_can_be_ignored():
    table, ignore = X.assign(answer=LABELS), {"ignore": ["SKT101"]}
    with pytest.warns(LeakageWarning, match="SKT102 near-perfect-column: Column 'answer'"):
        trainer = ManagedTrainer(LogisticRegression(), audit=ignore).fit(table, LABELS)
    assert codes(trainer) == ["SKT102"]


def test_dated_rows_that_are_split_at_random_are_reported():
    trainer = ManagedTrainer(LGBMRegressor(verbose=-1), test_size=0.2, random_state=0)
    with pytest.warns(LeakageWarning, match="pass time_column='when'") as caught:
        trainer.fit(DATED, LEVEL)
    assert caught[0].filename == __file__
    assert trainer.scores_.loc["test", "r2"] > 0.8
    trainer.set_params(time_column="when").fit(DATED, LEVEL)
    assert "SKT105" not in codes(trainer)
    assert trainer.scores_.loc["test", "r2"] < 0.3


def test_mistake_without_a_leak_is_a_data_warning():
    with pytest.warns(DataWarning, match="SKT207 quantities-are-labels"):
        ManagedTrainer(Ridge()).fit(X, (LABELS == "yes").astype(float))


def test_note_is_only_in_the_report(tmp_path):
    table = X.assign(source="web")
    trainer = ManagedTrainer(LogisticRegression(), random_state=0).fit(table, LABELS)
    report = trainer.report_
    (finding,) = report.to_dict()["findings"]
    assert finding["code"] == "SKT202"
    assert finding["severity"] == "note"
    assert finding["columns"] == ["source"]
    assert finding["fix"].startswith("Drop it with X.drop(columns=['source'])")
    assert "Data audit\nSKT202 note  Column 'source' has the same value" in report.full()
    page = report.to_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "SKT202 constant-column, note:" in page
    assert load(trainer.save(tmp_path / "model.skt")).report_.findings == report.findings


def test_folds_are_compared_once():
    table = pd.concat([X] * 2, ignore_index=True)
    given = {"save_path": None, "verbose": 0}
    with pytest.warns(LeakageWarning, match="SKT103 duplicate-rows: Many fold rows") as caught:
        result = train_with_cv(Ridge(), table, table["a"] + np.tile(LEVEL, 2), cv=5, **given)
    assert len(caught) == 1
    assert "fold rows" in result.report.findings[0]["detail"]


def test_validation_rows_of_the_user_are_compared():
    with pytest.warns(LeakageWarning, match="Many validation rows are exact copies"):
        ManagedTrainer(Ridge()).fit(X, LEVEL, X_val=X[::5], y_val=LEVEL[::5])


def test_search_warns_once_for_all_folds_and_once_for_the_final_fit():
    model = ManagedTrainer(LGBMClassifier(n_estimators=5, verbose=-1), validation_size=0.2)
    y = np.where(np.median(LEVEL) < LEVEL, "high", "low")
    search = GridSearchCV(model, {"estimator__max_depth": [2, 3]}, cv=3)
    with pytest.warns(LeakageWarning, match="SKT105") as caught:
        search.fit(DATED, y)
    assert len(caught) == 2
    with pytest.warns(LeakageWarning, match="SKT105") as caught:
        cross_val_score(model, DATED, y, cv=4)
    assert len(caught) == 1


def test_audit_changes_neither_split_nor_model():
    fits = [
        ManagedTrainer(
            LGBMClassifier(n_estimators=5, verbose=-1),
            audit=audit,
            random_state=0,
            test_size=0.2,
        ).fit(X, LABELS)
        for audit in (True, False)
    ]
    assert np.array_equal(fits[0].split_.train, fits[1].split_.train)
    assert np.array_equal(*(fit.predict_proba(X) for fit in fits))


def test_clean_table_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer = ManagedTrainer(LogisticRegression(), test_size=0.2).fit(X, LABELS)
    assert trainer.report_.findings == ()

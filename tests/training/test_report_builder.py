"""The report contains every automatic decision of a fit."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import Pipeline
from lightgbm import LGBMClassifier
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer, TrainingReport, train_with_cv
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.reporting.content import ImbalanceSection
from sktrainer.scoring.scorers import default_scorers

N_ROWS = 600


@pytest.fixture(scope="module")
def table():
    """A mixed table with missing values, in which 10 % of the rows are "late"."""
    rng = np.random.default_rng(0)
    delay = rng.normal(size=N_ROWS)
    late = delay + 0.3 * rng.normal(size=N_ROWS)
    frame = pd.DataFrame(
        {
            "delay": np.where(rng.random(N_ROWS) < 0.1, np.nan, delay),
            "carrier": rng.choice(["AA", "UA", "DL"], N_ROWS),
            "distance": rng.integers(100, 3000, N_ROWS),
            "constant": 1.0,
        }
    )
    y = pd.Series(np.where(late > np.quantile(late, 0.9), "late", "in time"), name="arrival")
    return frame, y


def _imbalance(report: TrainingReport) -> ImbalanceSection:
    assert report.imbalance is not None
    return report.imbalance


def _leading_features(report: TrainingReport) -> list[str]:
    assert report.importances is not None
    return [str(name) for name in report.importances.index]


@pytest.fixture(scope="module")
def boosted(table):
    trainer = ManagedTrainer(
        LGBMClassifier(n_estimators=500, learning_rate=0.2, verbose=-1),
        test_size=0.2,
        validation_size=0.1,
        handle_imbalance="class_weight",
        n_iter_no_change=7,
        random_state=3,
    )
    return trainer.fit(*table)


def test_report_describes_data_and_target(boosted, table):
    data = boosted.report_.data
    assert (data["rows"], data["columns"]) == (N_ROWS, 4)
    assert data["target"] == "arrival"
    assert data["class_counts"] == {"in time": 540, "late": 60}
    assert data["n_missing"] == table[0].iloc[boosted.split_.train].isna().sum().sum()


def test_positive_class_is_named_in_every_format(boosted):
    report = boosted.report_
    assert report.to_dict()["data"]["positive_class"] == boosted.pos_label_ == "late"
    assert report.metric_names == {
        name: f"{name} ('late')" for name in ("precision", "recall", "f1", "average_precision")
    }
    text, page = report.full(), report._repr_html_()
    for shown in report.metric_names.values():
        assert re.search(rf"^{re.escape(shown)} +\d\.\d", text, re.MULTILINE)
        assert f"<th>{shown.replace(chr(39), '&#39;')}</th>" in page
    low, high = report.intervals.loc["average_precision"]
    tile = "<span>average_precision (&#39;late&#39;)</span>"
    interval = f"<span>95%: {low:.3f} to {high:.3f}</span><span>constant 0.100</span>"
    assert tile + interval in page


def test_constant_prediction_has_the_scores_of_a_dummy_model(boosted, table):
    train, test = boosted.split_.train, boosted.split_.test
    dummy = DummyClassifier(strategy="prior").fit(table[0].iloc[train], table[1].iloc[train])
    rows, y = table[0].iloc[test], table[1].iloc[test]
    constants = boosted.report_.baseline.loc["test"]
    assert constants["accuracy"] == dummy.score(rows, y)
    assert constants["log_loss"] == pytest.approx(log_loss(y, dummy.predict_proba(rows)))
    assert constants["balanced_accuracy"] == constants["roc_auc"] == 0.5
    assert constants["f1"] == 0.0
    assert constants["average_precision"] == pytest.approx(0.1)


def test_constant_prediction_of_a_regression_is_the_training_mean(table):
    frame, _ = table
    y = 2.0 * frame["distance"] + 1.0
    trainer = ManagedTrainer(Ridge(), test_size=100, random_state=0, audit=False).fit(frame, y)
    errors = y.iloc[trainer.split_.test] - y.iloc[trainer.split_.train].mean()
    constants = trainer.report_.baseline.loc["test"]
    assert constants["mae"] == pytest.approx(errors.abs().mean())
    assert constants["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))


def test_balanced_accuracy_is_first_for_imbalanced_classes(boosted, table):
    assert "balanced_accuracy" in repr(boosted.report_)
    balanced = np.where(np.arange(N_ROWS) % 2, "a", "b")
    trainer = ManagedTrainer(LogisticRegression(), test_size=0.2).fit(table[0], balanced)
    assert "balanced_accuracy" not in repr(trainer.report_)
    assert not trainer.report_.data["imbalanced"]


def test_scores_use_the_positive_class(boosted, table):
    rows, y = table[0].iloc[boosted.split_.test], table[1].iloc[boosted.split_.test]
    late = boosted.predict(rows) == "late"
    assert boosted.report_.scores.loc["test", "recall"] == pytest.approx(
        (late & (y == "late")).sum() / (y == "late").sum()
    )


def test_report_describes_split_with_reason_and_class_counts(boosted):
    split = boosted.report_.split
    assert split["kind"] == "stratified"
    assert split["reason"] == "classification task"
    assert split["rows"] == {"train": 420, "validation": 60, "test": 120}
    assert split["class_counts"]["test"] == {"in time": 108, "late": 12}


def test_report_lists_steps_and_column_treatments(boosted):
    report = boosted.report_
    assert report.steps == {"encode": "TableEncoder", "model": "LGBMClassifier"}
    treatments = {column["name"]: column["treatment"] for column in report.preprocessing}
    assert treatments == {
        "delay": "as is",
        "carrier": "codes",
        "distance": "as is",
        "constant": "drop",
    }


def test_report_shows_class_counts_before_and_after(boosted):
    imbalance = boosted.report_.imbalance
    assert imbalance["method"] == "class_weight"
    assert imbalance["before"] == {"in time": 378, "late": 42}
    assert imbalance["after"] == {"in time": 210.0, "late": 210.0}
    assert not imbalance["probabilities_corrected"]


def test_report_describes_early_stopping(boosted):
    fitting = boosted.report_.fitting
    assert fitting["stop_reason"] == boosted.stop_reason_ == "early_stopping"
    assert fitting["n_iter"] == fitting["best_iteration"] + 7
    assert (fitting["patience"], fitting["metric"], fitting["max_iter"]) == (7, "loss", 500)
    assert fitting["validation"] == "60 held-out rows"
    assert fitting["best_value"] == min(boosted.evals_result_["validation"]["loss"])
    assert fitting["n_threads"] >= 1


def test_report_lists_the_seeds(boosted):
    seeds = boosted.report_.seeds
    assert seeds["random_state"] == 3
    assert set(seeds) == {"random_state", "split", "encode", "model"}
    assert boosted.model_.random_state == seeds["model"]


def test_report_lists_versions_of_all_libraries_in_use(boosted):
    versions = boosted.report_.versions
    assert {"python", "sktrainer", "scikit-learn", "lightgbm", "pandas"} <= set(versions)
    assert all(re.match(r"\d+\.", version) for version in versions.values())


def test_text_report_describes_split_and_early_stopping(boosted):
    text = boosted.report_.full()
    assert "70% train (420), 10% validation (60), 20% test (120), stratified" in text
    assert re.search(r"Stopped early at round \d+ of 500 \(best \d+\) in ", text)
    assert "patience 7 on loss (60 held-out rows)" in " ".join(text.split())


def test_report_is_available_as_json_and_html(boosted):
    plain = json.loads(json.dumps(boosted.report_.to_dict(), allow_nan=False))
    assert plain["steps"]["model"] == "LGBMClassifier"
    assert "TableEncoder" in boosted.report_._repr_html_()


def test_report_of_linear_regressor_has_no_classes_or_rounds(table):
    frame, _ = table
    noise = np.random.default_rng(0).normal(0, 500, N_ROWS)
    y = (2.0 * frame["distance"] + noise).rename("price")
    report = ManagedTrainer(Ridge(), test_size=100, random_state=0).fit(frame, y).report_
    assert report.data["target_summary"]["mean"] == pytest.approx(y.mean())
    assert "positive_class" not in report.data
    assert report.imbalance is None
    assert report.scores_note == "constant: always the mean of the training rows"
    assert report.fitting["stop_reason"] == "single_fit"
    assert "patience" not in report.fitting
    assert _leading_features(report)[0] == "distance"
    assert report.importance_kind == "coef_"
    assert report.split["rows"] == {"train": 500, "test": 100}


def test_report_describes_user_pipeline_with_sampler(table):
    frame, y = table
    numbers = frame[["distance", "constant"]]
    pipeline = Pipeline(
        [
            ("scale", StandardScaler()),
            ("even", RandomOverSampler()),
            ("clf", LogisticRegression(C=0.5)),
        ]
    )
    report = ManagedTrainer(pipeline, random_state=0).fit(numbers, y).report_
    assert report.steps == {
        "scale": "StandardScaler",
        "even": "RandomOverSampler",
        "clf": "LogisticRegression",
    }
    assert _imbalance(report)["method"] == "RandomOverSampler"
    assert _imbalance(report)["before"] == {"in time": 540, "late": 60}
    assert _imbalance(report)["after"] == {"in time": 540, "late": 540}
    assert set(report.seeds) == {"random_state", "split", "even", "clf"}
    assert report.parameters["estimator__clf__C"] == "0.5"
    assert "imbalanced-learn" in report.versions
    assert _leading_features(report)[0] == "distance"


def test_report_shows_prior_shift_of_corrected_probabilities(table):
    report = (
        ManagedTrainer(
            LogisticRegression(), handle_imbalance="undersample", correct_probabilities=True
        )
        .fit(*table)
        .report_
    )
    assert _imbalance(report)["probabilities_corrected"]
    assert _imbalance(report)["prior_shift"]["late"] == pytest.approx(5.0)
    assert "predicted probabilities are corrected" in " ".join(report.full().split())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"groups": np.arange(N_ROWS) // 5}, "groups were passed"),
        ({}, "classification task"),
    ],
)
def test_report_states_the_reason_for_the_split(table, arguments, reason):
    trainer = ManagedTrainer(LogisticRegression(), test_size=0.2)
    assert trainer.fit(*table, **arguments).report_.split["reason"] == reason


def test_report_names_the_target_column(table):
    frame, y = table
    report = ManagedTrainer(LogisticRegression()).fit(frame.assign(hit=y), "hit").report_
    assert report.data["target"] == "hit"
    nameless = ManagedTrainer(LogisticRegression()).fit(frame, y.to_numpy())
    assert nameless.report_.data["target"] is None


def test_watched_metric_is_identified_among_several(table):
    model = XGBClassifier(n_estimators=200, eval_metric=["error", "logloss"])
    trainer = ManagedTrainer(model, n_iter_no_change=10, random_state=0).fit(*table)
    fitting = trainer.report_.fitting
    assert set(fitting["values_at_best"]) == {"error", "logloss"}
    assert fitting["metric"] == "logloss"
    assert fitting["best_value"] == min(trainer.evals_result_["validation"]["logloss"])


def test_report_mentions_user_defined_validation_rows(table):
    frame, y = table
    model = LGBMClassifier(n_estimators=50, verbose=-1)
    trainer = ManagedTrainer(model, random_state=0)
    report = trainer.fit(frame[:500], y[:500], X_val=frame[500:], y_val=y[500:]).report_
    assert report.fitting["validation"] == "100 rows passed as X_val"
    assert report.split["reason"].endswith("X_val was passed")
    assert report.split["rows"] == {"train": 500, "validation": 100}


def test_report_shows_number_of_rounds_chosen_by_folds(table):
    model = LGBMClassifier(n_estimators=200, verbose=-1)
    options = {"handle_imbalance": None, "save_path": None, "verbose": 0}
    result = train_with_cv(model, *table, cv=3, n_jobs=1, **options)
    fitting = result.report.fitting
    assert fitting["from_folds"]
    assert fitting["n_iter"] == fitting["refit_rounds"]
    assert fitting["n_fold_workers"] == 1
    assert "rounds: median of the best rounds" in " ".join(result.report.full().split())
    assert "3 folds" in result.report._repr_html_()


def test_multiclass_scores_are_described_as_means():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 2)), np.repeat(["a", "b", "c"], 30)
    report = ManagedTrainer(LogisticRegression(), random_state=0).fit(X, y).report_
    assert report.scores_note.startswith("precision, recall, f1, roc_auc: macro averages")
    assert "positive_class" not in report.data
    assert set(default_scorers("classification", 3)) == set(report.scores.columns)


def test_positive_class_is_named_for_binary_scores_only(table):
    scoring = ["f1", "f1_macro", "roc_auc", "accuracy"]
    trainer = ManagedTrainer(LogisticRegression(), scoring=scoring).fit(*table)
    assert trainer.report_.metric_names == {"f1": "f1 ('late')"}
    assert trainer.report_.scores_note.startswith("positive class 'late'; constant: ")


def test_report_of_50_000_columns_is_small():
    X = sparse.random(200, 50_000, density=0.001, format="csr", random_state=0)
    y = np.arange(200) % 2
    report = ManagedTrainer(LogisticRegression(), random_state=0).fit(X, y).report_
    assert [column["n_columns"] for column in report.preprocessing] == [50_000]
    assert len(_leading_features(report)) == 30
    assert len(report._repr_html_()) < 100_000
    assert "50,000 numeric" in report.full()


def test_long_lists_are_truncated_in_the_parameters(table):
    folds = [(list(range(300)), list(range(300, N_ROWS)))]
    trainer = ManagedTrainer(LogisticRegression(), cv=folds).fit(*table)
    assert len(trainer.report_.parameters["cv"]) < 1000


def test_failing_feature_importances_only_add_a_note(table):
    class Odd(LogisticRegression):
        @property
        def feature_importances_(self):
            raise RuntimeError("not today")

    trainer = ManagedTrainer(Odd(), random_state=0).fit(*table)
    assert trainer.report_.importances is None
    assert "no feature importances: RuntimeError: not today" in trainer.report_.notes


def test_report_describes_user_defined_table_encoder(table):
    trainer = ManagedTrainer(Ridge(), preprocessor=TableEncoder(encoding="ordinal"))
    report = trainer.fit(table[0], np.arange(float(N_ROWS))).report_
    assert {column["name"] for column in report.preprocessing} == set(table[0].columns)

"""Callbacks of scikit-learn on the trainer: scores of each iteration, searches and errors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from skorch import NeuralNetClassifier
from torch.nn import CrossEntropyLoss
from xgboost import XGBClassifier

from sktrainer import CallbackError, ManagedTrainer, ParameterError
from sktrainer.exceptions import SktrainerWarning
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.testing.callback_checks import TaskRecorder
from tests.keras_networks import build
from tests.networks import SmallNet

N = 6


@pytest.fixture(scope="module")
def rows():
    X, y = make_classification(150, 5, n_informative=3, flip_y=0.2, random_state=0)
    return X, np.where(y == 1, "yes", "no")


def boosted(monitor, model, **parameters):
    return ManagedTrainer(
        model, callbacks=[monitor], random_state=0, preprocessor=None, **parameters
    )


def scores_of_iterations(monitor, name="neg_log_loss"):
    data = monitor.get_logs().data
    deepest = max(len(row["task_id_path"]) for row in data)
    return [row[name] for row in data if len(row["task_id_path"]) == deepest]


# The probabilities of the model with its first k iterations, in each library's own way.
TRUNCATED = {
    "lightgbm": (
        LGBMClassifier(n_estimators=N, subsample=0.7, subsample_freq=1, verbosity=-1),
        lambda model, X, k: model.predict_proba(X, num_iteration=k),
    ),
    "xgboost": (
        XGBClassifier(n_estimators=N, subsample=0.7),
        lambda model, X, k: model.predict_proba(X, iteration_range=(0, k)),
    ),
    "catboost": (
        CatBoostClassifier(iterations=N),
        lambda model, X, k: model.predict_proba(X, ntree_end=k),
    ),
    "gradient boosting": (
        GradientBoostingClassifier(n_estimators=N, subsample=0.7),
        lambda model, X, k: list(model.staged_predict_proba(X))[k - 1],
    ),
    "histogram boosting": (
        HistGradientBoostingClassifier(max_iter=N),
        lambda model, X, k: list(model.staged_predict_proba(X))[k - 1],
    ),
    "adaboost": (
        AdaBoostClassifier(n_estimators=N),
        lambda model, X, k: list(model.staged_predict_proba(X))[k - 1],
    ),
    "forest": (
        RandomForestClassifier(n_estimators=N),
        lambda model, X, k: np.mean([t.predict_proba(X) for t in model.estimators_[:k]], 0),
    ),
    "bagging": (
        BaggingClassifier(n_estimators=N),
        lambda model, X, k: np.mean([t.predict_proba(X) for t in model.estimators_[:k]], 0),
    ),
}


@pytest.mark.parametrize("name", TRUNCATED)
def test_scores_are_those_of_the_truncated_model(name, rows):
    model, truncated = TRUNCATED[name]
    X, y = rows
    monitor = ScoringMonitor(scoring="neg_log_loss")
    trainer = boosted(monitor, model, early_stopping=False).fit(X, y)
    expected = [-log_loss(y, truncated(trainer.model_, X, k)) for k in range(1, N + 1)]
    assert scores_of_iterations(monitor) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", TRUNCATED)
def test_rounds_after_the_best_one_are_scored(name, rows):
    model = clone(TRUNCATED[name][0]).set_params(**{rounds_name(TRUNCATED[name][0]): 40})
    X, y = rows
    plain, stopped = ScoringMonitor(scoring="accuracy"), ScoringMonitor(scoring="accuracy")
    options = {"early_stopping": True, "n_iter_no_change": 5, "validation_size": 0.3}
    trainer = boosted(stopped, model, **options).fit(X, y)
    if name == "catboost":  # its default depends on whether the last rounds are dropped
        model.set_params(learning_rate=trainer.model_.learning_rate_)
    train = trainer.split_.train
    boosted(plain, model, early_stopping=False).fit(X[train], y[train])
    found = scores_of_iterations(stopped, "accuracy")
    assert found == pytest.approx(scores_of_iterations(plain, "accuracy")[: trainer.n_iter_])
    assert accuracy_score(y[train], trainer.predict(X[train])) == pytest.approx(
        found[trainer.best_iteration_ - 1]
    )


def rounds_name(model):
    names = ("n_estimators", "iterations", "max_iter")
    return next(name for name in names if name in model.get_params())


def net(epochs):
    return NeuralNetClassifier(
        SmallNet,
        module__n_outputs=2,
        criterion=CrossEntropyLoss,
        max_epochs=epochs,
        verbose=0,
    )


def networks():
    yield "skorch", net(4), "estimator__max_epochs"
    yield "torch", SmallNet, "estimator__max_epochs"
    yield "keras", build, "estimator__epochs"
    yield "mlp", MLPClassifier(max_iter=4), "estimator__max_iter"
    yield "sgd", SGDClassifier(loss="log_loss", max_iter=4), "estimator__max_iter"


@pytest.mark.parametrize(("name", "model", "parameter"), list(networks()))
def test_scores_of_epochs_are_those_of_a_shorter_fit(name, model, parameter, rows):
    X, y = rows
    options = {"random_state": 0, "validation_size": 0.3, "n_iter_no_change": 9}
    options["early_stopping"] = True
    monitor = ScoringMonitor(scoring="neg_log_loss")
    trainer = ManagedTrainer(model, callbacks=[monitor], **options)
    trainer.set_params(**{parameter: 4}).fit(X, y)
    train = trainer.split_.train
    found = scores_of_iterations(monitor)
    for epochs in range(1, 5):
        recorder = TaskRecorder()
        shorter = ManagedTrainer(model, callbacks=[recorder], **options)
        shorter.set_params(**{parameter: epochs}).fit(X, y)
        last = recorder.iterations[-1]
        assert last.n_iter_ == epochs
        expected = -log_loss(y[train], last.predict_proba(X[train]))
        assert found[epochs - 1] == pytest.approx(expected, rel=1e-6)
        if shorter.best_iteration_ == epochs:
            assert np.array_equal(last.predict_proba(X), shorter.predict_proba(X))


def test_hooks_get_rows_in_the_columns_and_labels_of_the_user(rows):
    X, y = rows
    recorder = TaskRecorder()
    model = HistGradientBoostingClassifier(max_iter=4)
    trainer = ManagedTrainer(model, callbacks=[recorder], validation_size=0.2, random_state=0)
    trainer.fit(X, y, sample_weight=np.linspace(1, 2, len(y)))
    split = trainer.split_
    given = recorder.rows
    assert np.array_equal(given["X"], X[split.train])
    assert np.array_equal(given["y"], y[split.train])
    assert np.array_equal(given["X_val"], X[split.validation])
    assert np.array_equal(given["y_val"], y[split.validation])
    weight = np.linspace(1, 2, len(y))
    assert np.array_equal(given["metadata"]["sample_weight"], weight[split.train])
    assert np.array_equal(given["metadata_val"]["sample_weight"], weight[split.validation])
    last = recorder.iterations[trainer.best_iteration_ - 1]
    assert last.n_features_in_ == 5
    assert np.array_equal(last.predict(X), trainer.predict(X))
    assert np.array_equal(pickle.loads(pickle.dumps(last)).predict(X), last.predict(X))
    expected = trainer.history_.query("set == 'validation' and metric == 'loss'").value
    proba = [fit.predict_proba(given["X_val"]) for fit in recorder.iterations]
    weights = given["metadata_val"]["sample_weight"]
    found = [log_loss(given["y_val"], p, sample_weight=weights) for p in proba]
    assert found == pytest.approx(list(expected), rel=1e-6)


def test_rows_passed_as_x_val_reach_the_hooks(rows):
    X, y = rows
    recorder = TaskRecorder()
    trainer = ManagedTrainer(LGBMClassifier(n_estimators=3, verbosity=-1), callbacks=[recorder])
    trainer.fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    assert np.array_equal(recorder.rows["X_val"], X[100:])
    assert list(recorder.rows["y_val"]) == list(y[100:])


def test_tree_of_tasks_of_folds_inner_folds_and_refit(rows):
    recorder = TaskRecorder()
    model = LGBMClassifier(n_estimators=3, verbosity=-1)
    ManagedTrainer(model, callbacks=[recorder], cv=2, validation_size=0.2).fit(*rows)
    names = ["fit", "cross-validate", "fold", "round", "fold", "round", "fit", "round"]
    assert recorder.names() == names
    recorder = TaskRecorder()
    ManagedTrainer(model, callbacks=[recorder], validation_size="cv").fit(*rows)
    assert recorder.names() == [
        *("fit", "fit", *("inner-fold", "round") * 5, "fit-all-rows", "round")
    ]
    recorder = TaskRecorder()
    ManagedTrainer(model, callbacks=[recorder], validation_size=0.2, refit=True).fit(*rows)
    assert recorder.names() == ["fit", "fit", "round", "refit", "round"]


@pytest.mark.parametrize("model", [LGBMClassifier(n_estimators=20, verbosity=-1),
                                   CatBoostClassifier(iterations=20),
                                   RandomForestClassifier(n_estimators=20)])  # fmt: skip
def test_hook_stops_the_fit(model, rows):
    trainer = ManagedTrainer(
        model, callbacks=[TaskRecorder(stop_at=3)], early_stopping=False, random_state=0
    ).fit(*rows)
    assert (trainer.stop_reason_, trainer.n_iter_) == ("callback", 3)
    short = clone(trainer).set_params(callbacks=(), **{f"estimator__{rounds_name(model)}": 3})
    if isinstance(model, CatBoostClassifier):  # its default depends on the number of rounds
        short.set_params(estimator__learning_rate=trainer.model_.learning_rate_)
    expected = short.fit(*rows).predict_proba(rows[0])
    assert np.array_equal(trainer.predict_proba(rows[0]), expected)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("is_parameter", [True, False])
def test_search_scores_every_round_of_every_fit(n_jobs, is_parameter, rows):
    monitor = ScoringMonitor(scoring="accuracy")
    model = LGBMClassifier(n_estimators=3, verbosity=-1)
    trainer = ManagedTrainer(model, early_stopping=False, random_state=0)
    if is_parameter:
        trainer.set_params(callbacks=[monitor])
    else:
        trainer.set_callbacks(monitor)
    grid = {"estimator__num_leaves": [3, 7]}
    search = GridSearchCV(trainer, grid, cv=2, n_jobs=n_jobs).set_callbacks(ProgressBar())
    search.fit(*rows)
    log = monitor.get_logs(select="all")
    assert [each.estimator_name for each in log] == ["GridSearchCV"]
    rounds = [row for row in log[0].data if row["task_name"] == "round"]
    assert len(rounds) == 5 * 3  # two candidates, two folds, and the refit
    last = [row for row in rounds if len(row["task_id_path"]) == 4][-1]
    assert last["accuracy"] == accuracy_score(rows[1], search.predict(rows[0]))
    assert hasattr(search.best_estimator_, "_skl_callbacks") is not is_parameter


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_folds_in_other_processes_reach_the_callback(n_jobs, rows):
    monitor = ScoringMonitor(scoring="accuracy")
    trainer = ManagedTrainer(net(2), callbacks=[monitor, ProgressBar()], cv=2, n_jobs=n_jobs)
    trainer.set_params(random_state=0, early_stopping=False).fit(*rows)
    names = [row["task_name"] for row in monitor.get_logs().data]
    assert sorted(names) == sorted(["fit", "fit", "fold", "fold"] + ["epoch"] * 6)


def test_pipeline_passes_its_callbacks_on(rows):
    class Propagated(TaskRecorder):
        max_propagation_depth = None

    recorder = Propagated()
    trainer = ManagedTrainer(GradientBoostingClassifier(n_estimators=2), early_stopping=False)
    with preserve_global_state():  # the Pipeline itself does not restore what a hook draws
        make_pipeline("passthrough", trainer).set_callbacks(recorder).fit(*rows)
    assert recorder.names()[-3:] == ["fit", "fit", "round"]
    assert recorder.rows["X_val"] is None


def test_propagated_callback_belongs_to_the_search(rows):
    trainer = ManagedTrainer(LogisticRegression(), callbacks=[ProgressBar()])
    search = GridSearchCV(trainer, {"estimator__C": [1.0]}, cv=2, error_score="raise")
    with pytest.raises(ParameterError, match=r"pass it to GridSearchCV\(...\).set_callbacks"):
        search.fit(*rows)


def test_unknown_hook_parameter_raises_before_training(rows):
    class Curious(TaskRecorder):
        def on_fit_task_end(self, estimator, context, *, loss=None):
            return False

    with pytest.raises(ParameterError, match="Curious.on_fit_task_end has the unknown .* loss"):
        ManagedTrainer(LogisticRegression(), callbacks=[Curious()]).fit(*rows)


def test_invalid_scoring_raises_before_training(rows):
    recorder = TaskRecorder()
    trainer = ManagedTrainer(
        LogisticRegression(), callbacks=[recorder, ScoringMonitor(scoring="acuracy")]
    )
    with pytest.raises(CallbackError, match=r"ScoringMonitor\.setup raised"):
        trainer.fit(*rows)
    assert recorder.tasks == []
    assert recorder.n_teardowns == 1
    assert not hasattr(trainer, "_skl_callbacks")


def test_error_of_a_hook_ends_the_fit(rows):
    trainer = ManagedTrainer(
        GradientBoostingClassifier(n_estimators=5),
        callbacks=[TaskRecorder(fail_in="round")],
        early_stopping=False,
    )
    with pytest.raises(CallbackError, match=r"TaskRecorder\.on_fit_task_end raised ValueError"):
        trainer.fit(*rows)
    assert not hasattr(trainer, "_skl_callbacks")


@pytest.mark.parametrize("part", ["fit", "teardown", "refit"])
def test_error_after_training_keeps_the_model(part, rows):
    model = LGBMClassifier(n_estimators=4, verbosity=-1)
    options = {"validation_size": 0.2, "random_state": 0, "refit": part == "refit"}
    trainer = ManagedTrainer(model, callbacks=[TaskRecorder(fail_in=part)], **options)
    with pytest.warns(SktrainerWarning, match="ValueError"):
        trainer.fit(*rows)
    expected = ManagedTrainer(model, **options).fit(*rows)
    assert np.array_equal(trainer.predict_proba(rows[0]), expected.predict_proba(rows[0]))


def test_model_that_reports_no_iterations_is_one_task(rows):
    monitor = ScoringMonitor(scoring="accuracy")
    trainer = ManagedTrainer(LogisticRegression(), callbacks=[monitor]).fit(*rows)
    data = monitor.get_logs().data
    assert [row["task_name"] for row in data] == ["fit", "fit"]
    assert data[0]["accuracy"] == accuracy_score(rows[1], trainer.predict(rows[0]))


def test_clones_share_the_callbacks_of_scikit_learn_only(rows):
    monitor, recorder = ScoringMonitor(scoring="accuracy"), TaskRecorder()
    trainer = ManagedTrainer(LogisticRegression(), callbacks=[monitor]).set_callbacks(recorder)
    copied = clone(trainer)
    assert copied.callbacks[0] is monitor
    assert copied._skl_callbacks == [recorder]
    trainer.set_callbacks()
    assert not hasattr(trainer, "_skl_callbacks")


def test_progress_bar_reports_every_round(rows, capsys):
    model = LGBMClassifier(n_estimators=3, verbosity=-1)
    ManagedTrainer(model, callbacks=[ProgressBar()], early_stopping=False).fit(*rows)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("━")[0].split("100%")[0].strip() for line in lines if "%" in line] == [
        "ManagedTrainer - fit",
        "ManagedTrainer - fit #0",
    ]

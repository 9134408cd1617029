"""Tests of the scikit-learn backend for all types of models."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from catboost import CatBoostClassifier
from sklearn.base import clone, is_classifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sktrainer.backends.sklearn.backend import SklearnBackend
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.scoring.scorers import named_scorer
from tests.backends.sklearn.fits import (
    N_TRAIN,
    fit,
    fit_plain,
    history,
    predictions,
    request,
    table,
)

# Models whose early-stopped fit equals one plain `fit` with the best number of iterations.
AS_PLAIN = {
    "hist_classifier": HistGradientBoostingClassifier(max_iter=20),
    "hist_regressor": HistGradientBoostingRegressor(max_iter=20, max_features=0.5),
    "hist_poisson": HistGradientBoostingRegressor(max_iter=15, loss="poisson"),
    "gb_classifier": GradientBoostingClassifier(n_estimators=25, subsample=0.7),
    "gb_regressor": GradientBoostingRegressor(n_estimators=25, max_features=0.5),
    "gb_huber": GradientBoostingRegressor(n_estimators=25, loss="huber"),
    "ada_classifier": AdaBoostClassifier(n_estimators=20),
    "ada_regressor": AdaBoostRegressor(n_estimators=20),
    "forest_classifier": RandomForestClassifier(20, class_weight="balanced"),
    "forest_subsample": RandomForestClassifier(20, class_weight="balanced_subsample"),
    "forest_regressor": RandomForestRegressor(20, criterion="poisson"),
    "extra_classifier": ExtraTreesClassifier(20),
    "extra_regressor": ExtraTreesRegressor(20, bootstrap=True),
    "bagging_classifier": BaggingClassifier(n_estimators=20, max_features=0.5),
    "bagging_votes": BaggingClassifier(Perceptron(), n_estimators=20),
    "bagging_regressor": BaggingRegressor(n_estimators=20, bootstrap_features=True),
}
IN_EPOCHS = {
    "sgd_hinge": SGDClassifier(class_weight="balanced", early_stopping=True, max_iter=40),
    "sgd_log_loss": SGDClassifier(loss="log_loss", average=True, max_iter=40),
    "sgd_on_errors": SGDClassifier(
        loss="huber", learning_rate="constant", eta0=1e-4, max_iter=40
    ),
    "sgd_regressor": SGDRegressor(loss="epsilon_insensitive", max_iter=40),
    "perceptron": Perceptron(max_iter=40),
    "mlp_adam": MLPClassifier((8,), early_stopping=True, max_iter=20),
    "mlp_sgd": MLPRegressor(
        hidden_layer_sizes=(8,), solver="sgd", learning_rate="adaptive", max_iter=30
    ),
}
ITERATIVE = AS_PLAIN | IN_EPOCHS


def table_of(model):
    return table("classification" if is_classifier(model) else "regression")


def count_of(model):
    return "max_iter" if "max_iter" in model.get_params() else "n_estimators"


def each(models):
    return pytest.mark.parametrize("model", models.values(), ids=models.keys())


@each(ITERATIVE)
def test_best_iteration_minimizes_the_validation_loss(model):
    outcome = fit(model)
    losses = history(outcome)
    assert outcome.best_iteration == int(np.argmin(losses)) + 1
    assert outcome.n_iter == len(losses)
    if outcome.stop_reason == "early_stopping":
        assert outcome.n_iter == outcome.best_iteration + 5
    else:
        assert outcome.n_iter == SklearnBackend().capabilities(model, "classification").max_iter


@each(ITERATIVE)
def test_monitored_scorer_replaces_the_loss(model):
    name = "accuracy" if is_classifier(model) else "r2"
    outcome = fit(model, metric=EvalMetric(name, named_scorer(name)))
    scores = history(outcome, name)
    assert outcome.best_iteration == int(np.argmax(scores)) + 1
    assert len(history(outcome)) == len(scores)
    X, y = table_of(model)
    at_best = named_scorer(name)(outcome.model, X[N_TRAIN:], y[N_TRAIN:])
    assert at_best == pytest.approx(scores[outcome.best_iteration - 1])


@each(ITERATIVE)
def test_fixed_iterations_match_an_early_stopped_fit(model):
    stopped = fit(model, weighted=takes_weights(model))
    exact = fit(
        model, weighted=takes_weights(model), stops=False, n_iter=stopped.best_iteration
    )
    assert exact.n_iter == exact.best_iteration == stopped.best_iteration
    assert exact.stop_reason == "max_iter"
    np.testing.assert_array_equal(predictions(stopped.model), predictions(exact.model))


def takes_weights(model):
    return SklearnBackend().capabilities(model, "classification").accepts_sample_weight


@each(AS_PLAIN)
def test_early_stopped_model_matches_a_plain_scikit_learn_fit(model):
    outcome = fit(model)
    seed = outcome.model.random_state
    plain = clone(model).set_params(
        **{count_of(model): outcome.best_iteration, "random_state": seed}
    )
    X, y = table_of(model)
    fit_plain(plain, X[:N_TRAIN], y[:N_TRAIN])
    np.testing.assert_array_equal(predictions(outcome.model), predictions(plain))
    if hasattr(plain, "staged_predict"):
        assert len(list(outcome.model.staged_predict(X))) == outcome.best_iteration


@each(ITERATIVE)
def test_fits_are_bit_identical_with_one_or_two_threads(model):
    one, again, two = fit(model), fit(model), fit(model, n_threads=2)
    np.testing.assert_array_equal(predictions(one.model), predictions(again.model))
    np.testing.assert_array_equal(predictions(one.model), predictions(two.model))
    assert history(one) == history(again) == history(two)


@each({name: ITERATIVE[name] for name in ("gb_classifier", "forest_regressor", "mlp_adam")})
def test_different_seeds_give_different_models(model):
    one, other = fit(model, seed=1), fit(model, seed=2)
    assert not np.array_equal(predictions(one.model), predictions(other.model))


@each(ITERATIVE)
def test_fit_restores_parameters(model):
    outcome = fit(model)
    after = outcome.model.get_params(deep=False)
    expected = model.get_params(deep=False) | {"random_state": after["random_state"]}
    if isinstance(model, BaggingClassifier | BaggingRegressor):
        # `predict` divides by `n_estimators`.
        expected["n_estimators"] = outcome.best_iteration
        expected.pop("estimator"), after.pop("estimator")
    assert after == expected


@each(ITERATIVE)
def test_early_stopped_model_can_be_pickled(model):
    outcome = fit(model)
    loaded = pickle.loads(pickle.dumps(outcome.model))
    np.testing.assert_array_equal(predictions(loaded), predictions(outcome.model))


@each(ITERATIVE)
def test_sample_weights_affect_the_model_and_the_loss(model):
    plain, weighted = fit(model), fit(model, weighted=True)
    assert history(plain)[:5] != history(weighted)[:5]
    assert not np.array_equal(predictions(plain.model), predictions(weighted.model))


@each(ITERATIVE)
def test_validation_rows_do_not_affect_the_fitted_model(model):
    X, y = table_of(model)
    noise = np.random.RandomState(1).normal(size=X.shape)
    other = np.vstack([X[:N_TRAIN], noise[N_TRAIN:]])
    model = clone(model).set_params(**{count_of(model): 9})
    fits = [fit(model, data=(rows, y), metric=ever_better()) for rows in (X, other)]
    assert [outcome.best_iteration for outcome in fits] == [9, 9]
    np.testing.assert_array_equal(predictions(fits[0].model), predictions(fits[1].model))


def ever_better():
    steps = itertools.count()
    return EvalMetric("rising", lambda estimator, X, y: next(steps))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@each(ITERATIVE)
def test_fit_without_early_stopping_matches_a_plain_fit(model):
    outcome = fit(model, stops=False)
    plain = clone(model).set_params(random_state=outcome.model.random_state)
    if hasattr(plain, "early_stopping"):  # the trainer decides whether rows are held out
        plain.set_params(early_stopping=False)
    X, y = table_of(model)
    fit_plain(plain, X[:N_TRAIN], y[:N_TRAIN])
    np.testing.assert_array_equal(predictions(outcome.model), predictions(plain))
    assert outcome.best_iteration == outcome.n_iter


@each(ITERATIVE)
def test_nan_metric_stops_and_keeps_the_last_iteration(model):
    never = EvalMetric("never", lambda estimator, X, y: float("nan"))
    outcome = fit(model, metric=never)
    assert outcome.n_iter == outcome.best_iteration == 5
    assert outcome.stop_reason == "early_stopping"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (LogisticRegression(), "converged"),
        (MLPClassifier((4,), solver="lbfgs", max_iter=1000), "converged"),
        (GaussianNB(), "single_fit"),
        (VotingClassifier([("bayes", GaussianNB())]), "single_fit"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_model_without_monitored_iterations_is_fitted_once(model, reason):
    outcome = fit(model)
    assert outcome.stop_reason == reason
    assert outcome.best_iteration is None
    assert SklearnBackend().capabilities(model, "classification").max_iter is None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_solver_that_reaches_max_iter_reports_it():
    assert fit(LogisticRegression(max_iter=2)).stop_reason == "max_iter"


def test_threads_are_limited_without_setting_n_jobs():
    outcome = fit(RandomForestClassifier(10), n_threads=2, stops=False)
    assert outcome.model.n_jobs is None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_plain_fit_records_the_history_of_the_model():
    network = fit(ITERATIVE["mlp_sgd"], stops=False)
    np.testing.assert_allclose(
        history(network, part="train"), 2 * np.array(network.model.loss_curve_)
    )
    boosted = fit(ITERATIVE["gb_regressor"], stops=False)
    np.testing.assert_allclose(history(boosted, part="train"), boosted.model.train_score_)
    assert all(np.isnan(e.seconds) for e in boosted.evaluations)


def test_fit_returns_the_model_of_the_request():
    requested = request(GaussianNB())
    assert SklearnBackend().fit(requested).model is requested.model


@pytest.mark.parametrize("given", [None, True])
def test_nested_catboost_model_writes_no_files(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    trees = CatBoostClassifier(iterations=2, verbose=0, allow_writing_files=given)
    fit(StackingClassifier([("trees", trees)], LogisticRegression(), cv=2))
    assert list(tmp_path.iterdir()) == ([tmp_path / "catboost_info"] if given else [])

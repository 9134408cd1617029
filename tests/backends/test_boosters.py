"""Tests of the XGBoost, LightGBM and CatBoost backends; most run for all three."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from sktrainer.backends._boosting import recorder
from sktrainer.backends.base import FitRequest
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.exceptions import ParameterError
from sktrainer.scoring.scorers import named_scorer
from sktrainer.types import ModelFit, Rows

xgboost = pytest.importorskip("xgboost")
lightgbm = pytest.importorskip("lightgbm")
catboost = pytest.importorskip("catboost")

LIBRARIES = ("xgboost", "lightgbm", "catboost")
CLASSIFIERS = {
    "xgboost": xgboost.XGBClassifier,
    "lightgbm": lightgbm.LGBMClassifier,
    "catboost": catboost.CatBoostClassifier,
}
REGRESSORS = {
    "xgboost": xgboost.XGBRegressor,
    "lightgbm": lightgbm.LGBMRegressor,
    "catboost": catboost.CatBoostRegressor,
}
RANKERS = {
    "xgboost": xgboost.XGBRanker,
    "lightgbm": lightgbm.LGBMRanker,
    "catboost": catboost.CatBoostRanker,
}
N_TRAIN, N_ROWS = 300, 450
PATIENCE = 5

each_library = pytest.mark.parametrize("library", LIBRARIES)


def make_classifier(library: str, n_estimators: int = 80, **params: Any) -> Any:
    return CLASSIFIERS[library](n_estimators=n_estimators, learning_rate=0.3, **params)


def make_rows(
    n_classes: int = 2, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return X, class codes and weights, noisy enough that every booster overfits."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_ROWS, 4)).astype(np.float32)
    signal = X[:, 0] + X[:, 1] + rng.normal(size=N_ROWS)
    edges = np.quantile(signal, np.arange(1, n_classes) / n_classes)
    return X, np.digitize(signal, edges), rng.uniform(0.2, 3.0, N_ROWS)


def fit(
    model: Any,
    X: Any,
    y: np.ndarray,
    *,
    metric: str = "loss",
    weight: np.ndarray | None = None,
    patience: int | None = PATIENCE,
    tol: float = 0.0,
    with_validation: bool = True,
    **request: Any,
) -> ModelFit:
    """Fit on the first rows and validate on the others."""

    def part(rows: slice) -> Rows:
        taken = X.iloc[rows] if hasattr(X, "iloc") else X[rows]
        return Rows(taken, y[rows], None if weight is None else weight[rows])

    scorer = None if metric == "loss" else named_scorer(metric)
    monitor = Monitor(EvalMetric(metric, scorer), n_iter_no_change=patience, tol=tol)
    task = "classification" if y.dtype.kind != "f" else "regression"
    arguments: dict[str, Any] = {"task": task, "seed": 7, "n_threads": 1, **request}
    return find_backend(model).fit(
        FitRequest(
            model=model,
            train=part(slice(0, N_TRAIN)),
            validation=part(slice(N_TRAIN, None)) if with_validation else None,
            monitor=monitor,
            **arguments,
        )
    )


def curve(outcome: ModelFit, part: str, metric: str = "loss") -> list[float]:
    return [e.value for e in outcome.evaluations if (e.set, e.metric) == (part, metric)]


def fit_by_hand(library: str, X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Any:
    """Fit with the library's own early stopping, as in its documentation."""
    train, rest = slice(0, N_TRAIN), slice(N_TRAIN, None)
    params = {"n_jobs": 1, "random_state": 7}
    if library == "xgboost":
        return make_classifier(library, early_stopping_rounds=PATIENCE, **params).fit(
            X[train],
            y[train],
            sample_weight=weight[train],
            eval_set=[(X[rest], y[rest])],
            sample_weight_eval_set=[weight[rest]],
            verbose=False,
        )
    if library == "lightgbm":
        steady = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
        return make_classifier(library, **params, **steady).fit(
            X[train],
            y[train],
            sample_weight=weight[train],
            eval_X=(X[rest],),
            eval_y=(y[rest],),
            eval_sample_weight=[weight[rest]],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )
    params = {"thread_count": 1, "random_seed": 7, "allow_writing_files": False}
    return make_classifier(library, **params).fit(
        X[train],
        y[train],
        sample_weight=weight[train],
        eval_set=catboost.Pool(X[rest], y[rest], weight=weight[rest]),
        early_stopping_rounds=PATIENCE,
        verbose=False,
    )


@each_library
@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_matches_the_native_early_stopping(library: str, n_classes: int) -> None:
    X, y, weight = make_rows(n_classes)
    outcome = fit(make_classifier(library), X, y, weight=weight)
    by_hand = fit_by_hand(library, X, y, weight)
    assert outcome.stop_reason == "early_stopping"
    np.testing.assert_array_equal(outcome.model.predict_proba(X), by_hand.predict_proba(X))


@each_library
def test_best_iteration_minimizes_the_validation_loss(library: str) -> None:
    X, y, weight = make_rows()
    outcome = fit(make_classifier(library), X, y, weight=weight)
    losses = curve(outcome, "validation")
    assert outcome.best_iteration == int(np.argmin(losses)) + 1
    assert outcome.n_iter == len(losses) == outcome.best_iteration + PATIENCE
    assert len(curve(outcome, "train")) == outcome.n_iter


@each_library
@pytest.mark.parametrize(
    ("metric", "n_classes"),
    [
        ("roc_auc", 2),
        ("average_precision", 2),
        ("accuracy", 2),
        ("f1", 2),
        ("neg_log_loss", 3),
        ("accuracy", 3),
        ("roc_auc_ovr", 3),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_monitored_scorer_has_its_scikit_learn_value(
    library: str, metric: str, n_classes: int, weighted: bool
) -> None:
    X, y, weight = make_rows(n_classes)
    weights = weight if weighted else None
    outcome = fit(make_classifier(library), X, y, metric=metric, weight=weights)
    values = curve(outcome, "validation", metric)
    rest = slice(N_TRAIN, None)
    options = {"sample_weight": weight[rest]} if weighted else {}
    expected = named_scorer(metric)(outcome.model, X[rest], y[rest], **options)
    assert outcome.best_iteration == int(np.argmax(values)) + 1
    assert values[outcome.best_iteration - 1] == pytest.approx(expected, abs=1e-6)
    assert len(curve(outcome, "validation")) == outcome.n_iter  # the loss is recorded too


@each_library
@pytest.mark.parametrize(
    "metric",
    ["loss", "r2", "neg_root_mean_squared_error", "neg_mean_absolute_error", "max_error"],
)
def test_regression_metrics_have_the_unit_of_the_target(library: str, metric: str) -> None:
    X, _, _ = make_rows()
    y = (1e-3 * X[:, 0] + 3e-4 * np.random.default_rng(1).normal(size=N_ROWS)).astype(float)
    metric = "neg_max_error" if metric == "max_error" else metric
    outcome = fit(REGRESSORS[library](n_estimators=60, learning_rate=0.3), X, y, metric=metric)
    values = np.array(curve(outcome, "validation", metric))
    rest = slice(N_TRAIN, None)
    best = values.argmin() if metric == "loss" else values.argmax()
    assert outcome.best_iteration == best + 1
    if metric != "loss":
        expected = named_scorer(metric)(outcome.model, X[rest], y[rest])
        assert values[best] == pytest.approx(expected, rel=1e-4)


@each_library
def test_repeated_fits_and_two_threads_are_bit_identical(library: str) -> None:
    X, y, weight = make_rows(3)
    params: dict[str, Any] = {"subsample": 0.7, "n_estimators": 6}
    if library == "lightgbm":
        params["subsample_freq"] = 1
    if library == "catboost":
        params["bootstrap_type"] = "Bernoulli"
    runs = [
        fit(make_classifier(library, **params), X, y, weight=weight, n_threads=n_threads)
        for n_threads in (1, 1, 2)
    ]
    probabilities = [run.model.predict_proba(X).tobytes() for run in runs]
    assert len(set(probabilities)) == 1
    assert len({run.best_iteration for run in runs}) == 1
    first, second, two_threads = (curve(run, "validation") for run in runs)
    assert first == second
    # LightGBM sums metrics per thread, so that the last bit of a metric may differ.
    assert two_threads == pytest.approx(first, rel=1e-13)


@each_library
def test_request_seed_is_used_unless_the_user_set_one(library: str) -> None:
    X, y, _ = make_rows()
    params: dict[str, Any] = {"subsample": 0.5, "n_estimators": 10}
    if library == "lightgbm":
        params["subsample_freq"] = 1
    if library == "catboost":
        params["bootstrap_type"] = "Bernoulli"

    def predictions(seed: int, **own: Any) -> bytes:
        outcome = fit(make_classifier(library, **params, **own), X, y, seed=seed)
        return bytes(outcome.model.predict_proba(X).tobytes())

    assert predictions(1) != predictions(2)
    assert predictions(1, random_state=3) == predictions(2, random_state=3)


@each_library
def test_threads_do_not_exceed_the_granted_or_requested_number(library: str) -> None:
    X, y, _ = make_rows()
    name = "thread_count" if library == "catboost" else "n_jobs"
    for asked, expected in ((None, 2), (-1, 2), (1, 1), (64, 2)):
        own = {} if asked is None else {name: asked}
        outcome = fit(make_classifier(library, 2, **own), X, y, n_threads=2)
        assert outcome.model.get_params()[name] == expected


@each_library
def test_sample_weights_apply_to_training_and_validation_rows(library: str) -> None:
    X, y, weight = make_rows()
    both = fit(make_classifier(library), X, y, weight=weight)
    only_train = weight.copy()
    only_train[N_TRAIN:] = 1.0
    train = fit(make_classifier(library), X, y, weight=only_train)
    none = fit(make_classifier(library), X, y)
    assert curve(train, "train")[0] != curve(none, "train")[0]
    assert curve(both, "train")[0] == curve(train, "train")[0]
    assert curve(both, "validation")[0] != curve(train, "validation")[0]


@each_library
def test_fit_that_keeps_improving_ends_at_the_last_round(library: str) -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier(library, 12), X, y, patience=50)
    best = int(np.argmin(curve(outcome, "validation"))) + 1
    assert (outcome.stop_reason, outcome.n_iter) == ("max_iter", 12)
    assert outcome.best_iteration == best


@each_library
def test_fixed_number_of_rounds_disables_early_stopping(library: str) -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier(library, 3), X, y, n_iter=40)
    whole = fit(make_classifier(library, 40), X, y, with_validation=False)
    assert (outcome.stop_reason, outcome.n_iter, outcome.best_iteration) == ("max_iter", 40, 40)
    np.testing.assert_array_equal(outcome.model.predict_proba(X), whole.model.predict_proba(X))


@each_library
def test_without_validation_rows_only_the_training_curve_is_recorded(library: str) -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier(library, 10), X, y, with_validation=False)
    assert (outcome.stop_reason, outcome.n_iter, outcome.best_iteration) == ("max_iter", 10, 10)
    assert {e.set for e in outcome.evaluations} == {"train"}
    assert len(curve(outcome, "train")) == 10


@each_library
def test_monitor_without_patience_keeps_every_round(library: str) -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier(library, 40), X, y, patience=None)
    whole = fit(make_classifier(library, 40), X, y, with_validation=False)
    assert outcome.best_iteration == outcome.n_iter == 40
    np.testing.assert_array_equal(outcome.model.predict_proba(X), whole.model.predict_proba(X))


@each_library
def test_tolerance_selects_an_earlier_round(library: str) -> None:
    X, y, _ = make_rows()
    exact = fit(make_classifier(library), X, y)
    tolerant = fit(make_classifier(library), X, y, tol=0.02)
    assert tolerant.best_iteration is not None
    assert exact.best_iteration is not None
    assert tolerant.best_iteration < exact.best_iteration
    cut = fit(make_classifier(library), X, y, n_iter=tolerant.best_iteration)
    np.testing.assert_array_equal(tolerant.model.predict_proba(X), cut.model.predict_proba(X))
    np.testing.assert_allclose(
        tolerant.model.feature_importances_, cut.model.feature_importances_, rtol=1e-5
    )


@each_library
def test_fit_restores_parameters(library: str) -> None:
    X, y, _ = make_rows()
    own: dict[str, Any] = {"early_stopping_rounds": 1}
    metrics: dict[str, dict[str, Any]] = {
        "xgboost": {"eval_metric": ["error"]},
        "lightgbm": {"metric": "auc"},
        "catboost": {"eval_metric": "AUC", "metric_period": 3, "custom_metric": ["F1"]},
    }
    own |= metrics[library]
    seeds = {"xgboost": "n_jobs", "lightgbm": "n_jobs", "catboost": "thread_count"}
    own |= {"random_state": 5, seeds[library]: 1}
    for metric in ("loss", "roc_auc", "f1"):
        model = make_classifier(library, **own)
        before = dict(model.get_params())
        outcome = fit(model, X, y, metric=metric)
        assert outcome.model.get_params() == before


@each_library
def test_early_stopping_parameters_of_the_model_are_ignored(library: str) -> None:
    X, y, _ = make_rows()
    own = fit(make_classifier(library, early_stopping_rounds=1), X, y)
    plain = fit(make_classifier(library), X, y)
    assert (own.n_iter, own.best_iteration) == (plain.n_iter, plain.best_iteration)
    fixed = fit(make_classifier(library, early_stopping_rounds=1), X, y, n_iter=30)
    assert fixed.n_iter == 30
    alone = fit(make_classifier(library, 30, early_stopping_rounds=1), X, y, patience=None)
    assert alone.n_iter == 30


@each_library
def test_model_metric_is_monitored_under_its_own_name(library: str) -> None:
    X, y, _ = make_rows()
    metrics: dict[str, dict[str, Any]] = {
        "xgboost": {"eval_metric": ["error", "auc"]},  # XGBoost stops on the last metric
        "lightgbm": {"metric": ["auc", "binary_error"]},  # the first metric is monitored
        "catboost": {"eval_metric": "AUC"},
    }
    own = metrics[library]
    outcome = fit(make_classifier(library, **own), X, y)
    name = "AUC" if library == "catboost" else "auc"
    values = curve(outcome, "validation", name)
    assert outcome.best_iteration == int(np.argmax(values)) + 1
    assert outcome.n_iter == outcome.best_iteration + PATIENCE


@each_library
def test_monitored_scorer_replaces_the_model_metric(library: str) -> None:
    X, y, _ = make_rows()
    metrics: dict[str, dict[str, Any]] = {
        "xgboost": {"eval_metric": "auc"},
        "lightgbm": {"metric": "auc"},
        "catboost": {"eval_metric": "AUC"},
    }
    own = metrics[library]
    outcome = fit(make_classifier(library, **own), X, y, metric="accuracy")
    assert {e.metric for e in outcome.evaluations} == {"loss", "accuracy"}


@each_library
def test_fitted_model_pickles(library: str) -> None:
    X, y, _ = make_rows(3)
    for metric in ("loss", "f1_macro"):
        model = fit(make_classifier(library), X, y, metric=metric).model
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


def codes_table(library: str, codes: np.ndarray, numbers: np.ndarray) -> Any:
    """Return a table of codes (NaN if missing) and numbers in the format of the library."""
    if library != "catboost":
        return np.column_stack([codes, numbers]).astype(np.float32)
    whole = np.where(np.isnan(codes), -1, codes).astype(np.int32)
    return pd.DataFrame({"code": whole, "number": numbers})


@each_library
def test_categories_are_native_and_may_be_unseen_or_missing(library: str) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 12, N_ROWS).astype(float)
    y = ((codes % 3 == 1) ^ (rng.random(N_ROWS) < 0.05)).astype(int)
    codes[rng.random(N_ROWS) < 0.1] = np.nan
    numbers = rng.normal(size=N_ROWS)
    X = codes_table(library, codes, numbers)
    model = make_classifier(library, 15, max_depth=1)
    if library == "lightgbm":
        model.set_params(min_data_per_group=5, cat_smooth=1.0)
    model = fit(model, X, y, categorical=(0,)).model
    # A single split can separate every third code only as a set, not by order.
    assert model.score(X, y) > 0.85
    only_missing = codes_table(library, np.full(3, np.nan), numbers[:3])
    assert np.isfinite(model.predict_proba(only_missing)).all()
    assert model.predict_proba(only_missing[:1]).shape == (1, 2)


@pytest.mark.parametrize("library", ["lightgbm", "catboost"])
@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([1, 2])])
def test_original_labels_are_trained_and_validated_correctly(
    library: str, labels: np.ndarray
) -> None:
    X, y, _ = make_rows()
    by_label = fit(make_classifier(library), X, labels[y])
    by_code = fit(make_classifier(library), X, y)
    np.testing.assert_array_equal(by_label.model.classes_, labels)
    assert curve(by_label, "validation") == curve(by_code, "validation")
    scored = fit(make_classifier(library), X, labels[y], metric="f1_macro")
    expected = named_scorer("f1_macro")(scored.model, X[N_TRAIN:], labels[y[N_TRAIN:]])
    values = curve(scored, "validation", "f1_macro")
    assert max(values) == pytest.approx(expected, abs=1e-6)


@each_library
@pytest.mark.parametrize("convert", [csr_matrix, pd.DataFrame, np.asfortranarray])
def test_all_table_types_train_equally(library: str, convert: Callable[[Any], Any]) -> None:
    X, y, weight = make_rows()
    table = convert(X)
    if isinstance(table, np.ndarray):
        table.flags.writeable = False
    outcome = fit(make_classifier(library, 15), table, y, weight=weight)
    assert (
        outcome.best_iteration
        == fit(make_classifier(library, 15), X, y, weight=weight).best_iteration
    )


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("convert", [csr_matrix, pd.DataFrame, np.asarray])
def test_large_training_sets_are_sampled_for_the_curve_only(
    library: str, convert: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y, weight = make_rows()
    whole = fit(make_classifier(library), convert(X), y, weight=weight)
    monkeypatch.setattr(recorder, "FEWEST_CURVE_ROWS", 200)
    sampled = fit(make_classifier(library), convert(X), y, weight=weight)
    again = fit(make_classifier(library), convert(X), y, weight=weight)
    assert curve(sampled, "validation") == curve(whole, "validation")
    assert curve(sampled, "train") == curve(again, "train")
    assert curve(sampled, "train") != curve(whole, "train")
    assert curve(sampled, "train") == pytest.approx(curve(whole, "train"), abs=0.1)


@pytest.mark.parametrize("tol", [0.0, 1e-3])
def test_catboost_skips_python_scorers_on_large_training_sets(
    tol: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y, weight = make_rows()
    monkeypatch.setattr(recorder, "FEWEST_CURVE_ROWS", 200)
    outcome = fit(make_classifier("catboost"), X, y, metric="f1", weight=weight, tol=tol)
    kept = {(e.set, e.metric) for e in outcome.evaluations}
    assert kept == {("train", "loss"), ("validation", "loss"), ("validation", "f1")}
    rest = slice(N_TRAIN, None)
    expected = named_scorer("f1")(outcome.model, X[rest], y[rest], sample_weight=weight[rest])
    values = curve(outcome, "validation", "f1")
    assert values[(outcome.best_iteration or 0) - 1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        xgboost.XGBClassifier(n_estimators=60, booster="dart", rate_drop=0.3),
        xgboost.XGBClassifier(n_estimators=60, booster="gblinear", learning_rate=1.0),
        lightgbm.LGBMClassifier(n_estimators=60, boosting_type="dart", learning_rate=0.3),
    ],
)
def test_models_that_change_earlier_rounds_are_refitted(model: Any) -> None:
    X, y, weight = make_rows()
    outcome = fit(model, X, y, metric="roc_auc", weight=weight)
    values = curve(outcome, "validation", "roc_auc")
    rest = slice(N_TRAIN, None)
    expected = named_scorer("roc_auc")(
        outcome.model, X[rest], y[rest], sample_weight=weight[rest]
    )
    assert outcome.n_iter is not None
    assert outcome.best_iteration is not None
    assert outcome.best_iteration < outcome.n_iter
    assert values[outcome.best_iteration - 1] == pytest.approx(expected, abs=1e-6)


@each_library
def test_on_iteration_is_called_for_every_round(library: str) -> None:
    X, y, _ = make_rows()
    seen: list[int] = []
    monitor = Monitor(
        EvalMetric(), n_iter_no_change=3, on_iteration=lambda i, values: seen.append(i)
    )
    rows, rest = slice(0, N_TRAIN), slice(N_TRAIN, None)
    outcome = find_backend(make_classifier(library)).fit(
        FitRequest(
            model=make_classifier(library),
            task="classification",
            train=Rows(X[rows], y[rows]),
            validation=Rows(X[rest], y[rest]),
            monitor=monitor,
            seed=0,
        )
    )
    assert seen == list(range(1, (outcome.n_iter or 0) + 1))


class CountRounds(xgboost.callback.TrainingCallback):  # type: ignore[name-defined]
    """User-defined callback that counts rounds."""

    def __init__(self) -> None:
        self.n_rounds = 0

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.n_rounds += 1
        return False


def test_user_defined_xgboost_callbacks_run_and_are_restored() -> None:
    X, y, _ = make_rows()
    own = CountRounds()
    model = make_classifier("xgboost", callbacks=[own])
    outcome = fit(model, X, y)
    assert own.n_rounds == outcome.n_iter
    assert outcome.model.get_params()["callbacks"] == [own]


def test_xgboost_booster_is_cut_to_its_best_iteration() -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier("xgboost"), X, y)
    assert outcome.model.best_iteration + 1 == outcome.best_iteration
    assert outcome.model.get_booster().num_boosted_rounds() == outcome.best_iteration


def test_lightgbm_best_iteration_is_set_on_the_model() -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier("lightgbm"), X, y)
    assert outcome.model.best_iteration_ == outcome.best_iteration


def test_xgboost_random_forest_is_a_single_fit() -> None:
    X, y, _ = make_rows()
    outcome = fit(xgboost.XGBRFClassifier(n_estimators=5), X, y)
    assert (outcome.stop_reason, outcome.n_iter) == ("single_fit", None)
    assert outcome.model.score(X, y) > 0.6


def test_catboost_writes_no_files(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    X, y, _ = make_rows()
    fit(make_classifier("catboost", 5), X, y)
    assert list(tmp_path.iterdir()) == []


@each_library
def test_nothing_is_printed(library: str, capfd: pytest.CaptureFixture[str]) -> None:
    X, y, _ = make_rows()
    fit(make_classifier(library, 5), X, y, metric="f1")
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


@each_library
def test_rankers_and_native_boosters_are_rejected(library: str) -> None:
    ranker = RANKERS[library]()
    backend = find_backend(ranker)
    with pytest.raises(ParameterError, match="classifier or a regressor, got the ranker"):
        backend.capabilities(ranker, "regression")
    with pytest.raises(ParameterError, match="scikit-learn estimator, got"):
        backend.capabilities(object(), "regression")


@pytest.mark.parametrize(
    "model",
    [
        lightgbm.LGBMClassifier(metric="None"),
        xgboost.XGBClassifier(disable_default_eval_metric=True),
    ],
)
def test_early_stopping_without_a_metric_raises(model: Any) -> None:
    X, y, _ = make_rows()
    with pytest.raises(ParameterError, match="early stopping needs a metric"):
        fit(model, X, y)


@pytest.mark.parametrize(
    ("model", "max_iter"),
    [
        (xgboost.XGBClassifier(), 100),
        (xgboost.XGBClassifier(n_estimators=7), 7),
        (xgboost.XGBRFClassifier(n_estimators=7), None),
        (lightgbm.LGBMClassifier(), 100),
        (lightgbm.LGBMRegressor(num_iterations=7), 7),
        (catboost.CatBoostClassifier(), 1000),
        (catboost.CatBoostRegressor(num_trees=7), 7),
        (catboost.CatBoostRegressor(n_estimators=7), 7),
    ],
)
def test_traits_report_the_number_of_rounds(model: Any, max_iter: int | None) -> None:
    assert find_backend(model).capabilities(model, "classification").max_iter == max_iter


@pytest.mark.parametrize(
    ("model", "stops"),
    [
        (xgboost.XGBClassifier(), True),
        (xgboost.XGBRFClassifier(), False),
        (xgboost.XGBClassifier(booster="dart"), False),
        (lightgbm.LGBMClassifier(), True),
        (lightgbm.LGBMClassifier(boosting_type="rf"), False),
        (lightgbm.LGBMClassifier(boosting_type="dart"), False),
        (catboost.CatBoostClassifier(), True),
    ],
)
def test_traits_report_which_models_stop_by_default(model: Any, stops: bool) -> None:
    assert (
        find_backend(model).capabilities(model, "classification").early_stopping_by_default
        is stops
    )


def test_linear_boosters_are_sensitive_to_scale() -> None:
    linear = xgboost.XGBRegressor(booster="gblinear")
    capabilities = find_backend(linear).capabilities(linear, "regression")
    assert (capabilities.scale_sensitive, capabilities.native_categorical) == (True, False)
    leaves = lightgbm.LGBMRegressor(linear_tree=True)
    assert find_backend(leaves).capabilities(leaves, "regression").scale_sensitive

"""Parameters that the boosting backends set, restore, ignore or reject."""

from __future__ import annotations

from typing import Any

import pytest

from sktrainer.backends._boosting.parameters import refuse_unsupported
from sktrainer.backends.registry import find_backend
from sktrainer.exceptions import ParameterError
from tests.backends.boosters import (
    RANKERS,
    curve,
    each_library,
    fit,
    make_classifier,
    make_rows,
)


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
    for requested, expected in ((None, 2), (-1, 2), (1, 1), (64, 2)):
        own = {} if requested is None else {name: requested}
        outcome = fit(make_classifier(library, 2, **own), X, y, n_threads=2)
        assert outcome.model.get_params()[name] == expected


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
def test_rankers_and_native_boosters_are_rejected(library: str) -> None:
    ranker = RANKERS[library]()
    backend = find_backend(ranker)
    with pytest.raises(ParameterError, match="classifier or a regressor, got the ranker"):
        backend.capabilities(ranker, "regression")
    with pytest.raises(ParameterError, match="scikit-learn estimator, got"):
        backend.capabilities(object(), "regression")


catboost = pytest.importorskip("catboost")
lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")


@pytest.mark.parametrize(
    ("base", "wrapper"),
    [
        (xgboost.XGBRegressor, "XGBModel"),
        (lightgbm.LGBMRegressor, "LGBMModel"),
        (catboost.CatBoostRegressor, "CatBoost"),
    ],
)
@pytest.mark.parametrize("name", ["PriceRanker", "DaskRegressor"])
def test_names_of_user_defined_subclasses_do_not_matter(base, wrapper, name):
    refuse_unsupported(type(name, (base,), {})(), wrapper)


@pytest.mark.parametrize(
    ("base", "wrapper"),
    [
        (xgboost.XGBRanker, "XGBModel"),
        (lightgbm.LGBMRanker, "LGBMModel"),
        (catboost.CatBoostRanker, "CatBoost"),
    ],
)
def test_subclasses_of_rankers_are_refused(base, wrapper):
    with pytest.raises(ParameterError, match="the ranker Prices; rankers need query groups"):
        refuse_unsupported(type("Prices", (base,), {})(), wrapper)


def test_message_for_a_dask_estimator_names_the_one_without_dask():
    # Stands for the library's class, whose module cannot be imported without Dask.
    attributes = {"__module__": "xgboost.dask"}
    dask = type("DaskXGBClassifier", (xgboost.XGBModel,), attributes)
    for model_class in (dask, type("OwnClassifier", (dask,), {})):
        with pytest.raises(ParameterError, match="use XGBClassifier or a subclass of it"):
            refuse_unsupported(model_class(), "XGBModel")

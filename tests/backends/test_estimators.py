from __future__ import annotations

import pickle

import numpy as np
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMRegressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

from sktrainer import ManagedTrainer
from sktrainer.backends.estimators import (
    apply_nested_defaults,
    clone_network,
    decode_networks,
    encode_networks,
    is_raw_network,
    limit_nested_threads,
    wrap_estimator,
)
from sktrainer.runtime.global_state import preserve_global_state


def build(n_outputs):
    raise NotImplementedError


def test_estimators_and_their_classes_are_no_networks():
    assert not is_raw_network(Ridge())
    assert not is_raw_network(Ridge)
    assert not is_raw_network("passthrough")
    assert is_raw_network(build)


def test_estimator_is_its_own_wrapper():
    model = Ridge()
    assert wrap_estimator(model) is model


@pytest.mark.parametrize("value", [Ridge, build])
def test_clone_of_a_class_or_function_is_the_same_object(value):
    assert clone_network(value) is value


def test_torch_module_is_wrapped_and_cloned():
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(2, 1)
    assert is_raw_network(module)
    assert is_raw_network(torch.nn.Linear)
    assert wrap_estimator(module).get_params()["module"] is module
    copy = clone_network(module)
    assert copy is not module
    assert torch.equal(copy.weight, module.weight)


def test_encoded_keras_model_is_restored_from_a_pickle():
    keras = pytest.importorskip("keras")
    with preserve_global_state():  # layers draw seeds
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.get_weights()
    values = {"model": model, "other": [1, 2]}

    encoded = encode_networks(values)
    assert encoded["other"] is values["other"]
    assert pickle.dumps(encoded) == pickle.dumps(encode_networks(values))

    restored = decode_networks(pickle.loads(pickle.dumps(encoded)))
    assert restored["other"] == [1, 2]
    for before, after in zip(model.get_weights(), restored["model"].get_weights(), strict=True):
        assert (before == after).all()


def test_nested_models_get_the_defaults_of_their_backend():
    catboost = pytest.importorskip("catboost")
    vote = VotingClassifier(
        [
            ("quiet", catboost.CatBoostClassifier()),
            ("loud", catboost.CatBoostClassifier(allow_writing_files=True)),
            ("linear", LogisticRegression()),
        ]
    )
    apply_nested_defaults(vote)
    assert vote.get_params()["quiet__allow_writing_files"] is False
    assert vote.get_params()["loud__allow_writing_files"] is True


@pytest.mark.parametrize(
    ("make", "threads"),
    [
        (lambda part: VotingRegressor([("a", part), ("b", Ridge())]), 1),
        (lambda part: VotingRegressor([("a", part)], n_jobs=1), 4),
        (lambda part: VotingRegressor([("a", part)], n_jobs=2), 2),
        (lambda part: TransformedTargetRegressor(part), 4),
        (lambda part: TransformedTargetRegressor(BaggingRegressor(part)), 1),
        (lambda part: TransformedTargetRegressor(make_pipeline(StandardScaler(), part)), 4),
    ],
    ids=["parallel", "serial", "two", "one", "bagging", "pipeline"],
)
@pytest.mark.parametrize(
    ("kind", "name"),
    [(LGBMRegressor, "n_jobs"), (XGBRegressor, "n_jobs"), (CatBoostRegressor, "thread_count")],
)
def test_nested_boosters_get_their_share_of_the_threads(make, threads, kind, name):
    for given, expected in ((None, threads), (-1, threads), (1, 1), (64, threads)):
        part = kind() if given is None else kind(**{name: given})
        limit_nested_threads(make(part), 4)
        assert part.get_params()[name] == expected


def test_other_name_of_the_threads_is_kept():
    part = LGBMRegressor(num_threads=8)
    limit_nested_threads(BaggingRegressor(part), 2)
    assert part.get_params()["num_threads"] == 1


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_nested_lightgbm_trains_with_the_granted_threads(n_jobs):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    vote = VotingRegressor([("a", LGBMRegressor(n_estimators=5)), ("b", Ridge())])
    trainer = ManagedTrainer(vote, cv=2, n_jobs=n_jobs, random_state=0).fit(X, X.sum(axis=1))
    booster = trainer.model_.estimators_[0].booster_
    assert booster.params["num_threads"] == 1

"""Networks without a user-defined loss learn standardized regression targets."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetRegressor
from skorch.callbacks import EpochScoring
from torch import nn

from sktrainer import DataWarning, ManagedTrainer, load
from sktrainer.exceptions import ParameterError
from tests.keras_networks import build, build_from_meta
from tests.networks import SmallNet

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
SMALL = X @ [1.0, -2.0, 0.5, 1.0] + RNG.normal(0, 0.2, 300)
PRICE = 5e5 + 2e5 * SMALL

NETWORKS = {"torch": SmallNet, "keras": build}
EPOCHS = {"torch": "estimator__max_epochs", "keras": "estimator__epochs"}
LOSS = {
    "torch": {"estimator__criterion": nn.MSELoss},
    "keras": {"estimator__loss": "mean_squared_error"},
}

each_library = pytest.mark.parametrize("library", NETWORKS)


def trainer(library, *, epochs=15, **parameters):
    made = ManagedTrainer(NETWORKS[library], task="regression", random_state=0)
    rate = "estimator__lr" if library == "torch" else "estimator__learning_rate"
    return made.set_params(**{EPOCHS[library]: epochs, rate: 0.02, **parameters})


class Positive(nn.Module):
    """Network with positive outputs."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LazyLinear(1)

    def forward(self, X):
        return nn.functional.softplus(self.layer(X))


class FromTheMean(nn.Module):
    """Network initialized with the mean of the target."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)
        nn.init.constant_(self.layer.bias, 5e5)

    def forward(self, X):
        return self.layer(X)


def build_positive(n_outputs):
    import keras

    return keras.Sequential([keras.layers.Dense(n_outputs, activation="softplus")])


def build_flat(n_outputs):
    import keras

    return keras.Sequential([keras.layers.Dense(n_outputs), keras.layers.Reshape(())])


def test_layers_that_only_rearrange_values_are_skipped():
    made = ManagedTrainer(build_flat, task="regression", random_state=0, early_stopping=False)
    fitted = made.set_params(estimator__epochs=20, estimator__learning_rate=0.1).fit(X, PRICE)
    assert r2_score(PRICE, fitted.predict(X)) > 0.8


@each_library
def test_fit_does_not_depend_on_units_of_target(library):
    of_small = trainer(library).fit(X, SMALL)
    of_price = trainer(library).fit(X, PRICE)

    np.testing.assert_allclose(
        of_price.predict(X), 5e5 + 2e5 * of_small.predict(X), rtol=1e-3, atol=2e3
    )
    assert r2_score(PRICE, of_price.predict(X)) > 0.8


@each_library
def test_report_has_target_scale_of_training_rows(library):
    fitted = trainer(library, epochs=2, test_size=0.2).fit(X, PRICE)
    rows = PRICE[fitted.split_.train]

    found = fitted.report_.to_dict()["fitting"]["target_scale"]
    np.testing.assert_allclose(found["mean"], [rows.mean()])
    np.testing.assert_allclose(found["deviation"], [rows.std()])
    mean, deviation = f"{rows.mean():,.0f}", f"{rows.std():,.0f}"
    text = " ".join(fitted.report_.full().split())
    assert f"target standardized (mean {mean}, standard deviation {deviation})" in text


@each_library
def test_all_predictions_are_in_units_of_target(library, tmp_path):
    fitted = trainer(library, epochs=3).fit(X, PRICE)
    expected = fitted.predict(X)
    fitted.save(tmp_path / "m.skt")
    package = NETWORKS[library].__module__
    trusted = [f"{package}.{NETWORKS[library].__qualname__}"]

    assert 1e5 < np.median(expected) < 1e6
    for predict in (
        fitted.pipeline_.predict,
        pickle.loads(pickle.dumps(fitted)).predict,
        load(tmp_path / "m.skt", trusted=trusted).predict,
    ):
        np.testing.assert_array_equal(predict(X), expected)
    np.testing.assert_array_equal(
        fitted.model_.predict(fitted.pipeline_[:-1].transform(X)), expected
    )


@each_library
def test_each_target_column_has_its_own_scale(library):
    both = np.column_stack([PRICE, 1e-3 * SMALL])
    fitted = trainer(library, epochs=30).fit(X, both)

    assert r2_score(both, fitted.predict(X), multioutput="raw_values").min() > 0.8
    assert "2 targets standardized" in " ".join(fitted.report_.full().split())


@each_library
def test_target_scale_uses_sample_weights(library):
    weight = np.where(np.arange(len(X)) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(PRICE, weight.astype(int))
    fitted = trainer(library, epochs=1, early_stopping=False).fit(
        X, PRICE, sample_weight=weight
    )

    scale = fitted.model_.target_scale_
    np.testing.assert_allclose(scale.mean, twice.mean())
    np.testing.assert_allclose(scale.deviation, twice.std())


@each_library
def test_monitored_score_is_in_units_of_target(library):
    fitted = trainer(library, epochs=4, eval_metric="neg_mean_absolute_error").fit(X, PRICE)
    rows = fitted.split_.validation

    best = fitted.evals_result_["validation"]["neg_mean_absolute_error"]
    error = np.abs(fitted.predict(X[rows]) - PRICE[rows]).mean()
    np.testing.assert_allclose(max(best), -error, rtol=1e-5)


@each_library
@pytest.mark.parametrize(
    ("own_loss", "requested", "is_scaled"),
    [(False, "auto", True), (False, False, False), (True, "auto", False), (True, True, True)],
)
def test_user_defined_loss_leaves_target_unscaled(library, own_loss, requested, is_scaled):
    loss = LOSS[library] if own_loss else {}
    made = trainer(library, epochs=1, estimator__scale_target=requested, **loss)
    fitted = made.fit(X, SMALL)

    assert (fitted.model_.target_scale_ is not None) == is_scaled
    assert bool(fitted.report_.to_dict()["fitting"]["target_scale"]) == is_scaled


@pytest.mark.parametrize("network", [Positive, FromTheMean, build_positive])
def test_bounded_or_already_scaled_outputs_leave_target_unscaled(network):
    epochs = "estimator__epochs" if network is build_positive else "estimator__max_epochs"
    made = ManagedTrainer(network, task="regression", random_state=0, early_stopping=False)

    assert made.set_params(**{epochs: 1}).fit(X, PRICE).model_.target_scale_ is None


def test_skorch_nets_and_compiled_models_leave_target_unscaled():
    net = ManagedTrainer(NeuralNetRegressor(SmallNet, max_epochs=1), random_state=0)
    compiled = ManagedTrainer(build_from_meta, task="regression", random_state=0)
    for made in (net, compiled.set_params(estimator__epochs=1)):
        assert made.fit(X, SMALL).model_.target_scale_ is None


@each_library
def test_later_chunks_use_target_scale_of_first(library):
    chunked = trainer(library)
    for part in range(3):
        rows = slice(100 * part, 100 * (part + 1))
        chunked.partial_fit(X[rows], PRICE[rows])
        scale = chunked.model_.target_scale_
        np.testing.assert_allclose(scale.mean, PRICE[:100].mean())
    assert chunked.report_.to_dict()["fitting"]["target_scale"]["mean"] == scale.mean.tolist()
    assert 1e5 < np.median(chunked.predict(X)) < 1e6


def test_callbacks_compare_predictions_and_targets_on_same_scale():
    scoring = ("score", EpochScoring("r2", lower_is_better=False, on_train=True))
    fitted = trainer("torch", epochs=20, estimator__callbacks=[scoring]).fit(X, PRICE)
    assert fitted.model_.history[-1, "r2"] > 0.5


def test_constant_target_is_learned():
    fitted = trainer("torch", epochs=1, early_stopping=False).fit(X, np.full(300, 1e6))
    scale = fitted.model_.target_scale_
    assert (scale.mean.tolist(), scale.deviation.tolist()) == ([1e6], [1.0])
    assert np.isfinite(fitted.predict(X)).all()


@each_library
def test_scale_target_is_cloned_and_validated(library):
    made = trainer(library, epochs=1, estimator__scale_target="yes")
    assert clone(made).get_params()["estimator__scale_target"] == "yes"
    with pytest.raises(ParameterError, match="scale_target must be True, False or 'auto'"):
        made.fit(X, SMALL)


def test_failed_fit_on_large_targets_suggests_scaling():
    made = trainer("torch", epochs=2, estimator__scale_target=False)
    with pytest.warns(DataWarning, match="estimator__scale_target=True"):
        made.fit(X, PRICE)
    net = NeuralNetRegressor(SmallNet, lr=1e-9, max_epochs=2)
    made = ManagedTrainer(net, random_state=0)
    with pytest.warns(DataWarning, match="TransformedTargetRegressor"):
        made.fit(X, PRICE)
    net.set_params(lr=0.05, max_epochs=15)
    wrapped = TransformedTargetRegressor(made, transformer=StandardScaler()).fit(X, PRICE)
    assert wrapped.score(X, PRICE) > 0.8


def test_inspecting_module_keeps_state_of_torch_generator():
    before = torch.get_rng_state()
    trainer("torch", epochs=1).fit(X, SMALL)
    assert torch.equal(before, torch.get_rng_state())

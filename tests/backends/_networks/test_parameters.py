"""Invalid parameters of networks raise before training."""

from __future__ import annotations

import numpy as np
import pytest
from skorch import NeuralNetClassifier
from torch import nn

from sktrainer import ManagedTrainer
from sktrainer.exceptions import ParameterError
from tests.keras_networks import build, scikeras_classifier
from tests.networks import ProbabilityNet, SmallNet

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
Y = np.arange(60) % 2


class NeedsAWidth(nn.Module):
    def __init__(self, width, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(nn.LazyLinear(width), nn.Linear(width, n_outputs))

    def forward(self, X):
        return self.layers(X)


def needs_a_width(width, n_outputs):
    return build(n_outputs, hidden=width)


def trainer(network, **parameters):
    return ManagedTrainer(network, random_state=0, cv=3).set_params(**parameters)


@pytest.mark.parametrize(
    ("network", "parameters", "message"),
    [
        (SmallNet, {"lr": "fast"}, "lr must be a positive number, got 'fast'"),
        (SmallNet, {"max_epochs": 0}, "max_epochs must be an integer >= 1, got 0"),
        (SmallNet, {"max_epochs": "ten"}, "max_epochs must be an integer >= 1, got"),
        (SmallNet, {"batch_size": 0}, ">= 1, 'auto' or -1, got 0"),
        (SmallNet, {"batch_size": True}, ">= 1, 'auto' or -1, got True"),
        (SmallNet, {"optimizer": "adam"}, "a class, such as torch.optim.Adam, got 'adam'"),
        (SmallNet, {"criterion": "mse"}, "a class, such as torch.nn.MSELoss, got 'mse'"),
        (NeedsAWidth, {}, "NeedsAWidth requires width; set estimator__width"),
        (NeuralNetClassifier(ProbabilityNet), {"batch_size": 0}, ">= 1 or -1, got 0"),
        (build, {"epochs": 0}, "epochs must be an integer >= 1, got 0"),
        (build, {"epochs": "ten"}, "epochs must be an integer >= 1, got 'ten'"),
        (build, {"learning_rate": 0.0}, "a positive number or None, got 0.0"),
        (build, {"optimizer": "adm"}, "optimizer='adm' is not a known optimizer. Did"),
        (build, {"loss": "mean_square_error"}, "Did you mean 'mean_squared_error'?"),
        (build, {"batch_size": 1.5}, ">= 1, 'auto', -1 or None, got 1.5"),
        (needs_a_width, {}, "needs_a_width requires width; set estimator__width"),
        (scikeras_classifier, {"epochs": 0}, "epochs must be an integer"),
    ],
)
def test_invalid_parameter_raises_before_first_fold(network, parameters, message):
    named = {f"estimator__{name}": value for name, value in parameters.items()}
    made = trainer(network() if network is scikeras_classifier else network, **named)
    for train in (made.fit, made.partial_fit):
        with pytest.raises(ParameterError) as raised:
            train(X, Y)
        assert message in str(raised.value)


def test_all_mistakes_are_reported_together():
    with pytest.raises(ParameterError) as raised:
        trainer(SmallNet, estimator__lr=-1, estimator__max_epochs=2.5).fit(X, Y)
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    ("network", "name", "message"),
    [
        (SmallNet, "hiden", "SmallNet has no parameter 'hiden'. Did you mean 'hidden'?"),
        (SmallNet, "max_epoch", "no parameter 'max_epoch'. Did you mean 'max_epochs'?"),
        (build, "hiden", "build has no parameter 'hiden'. Did you mean 'hidden'?"),
        (build, "model__hiden", "build has no parameter 'hiden'. Did you mean 'hidden'?"),
        (build, "model__epochs", "build has no parameter 'epochs'"),
    ],
)
def test_unknown_parameter_raises_with_suggestion(network, name, message):
    with pytest.raises(ParameterError) as raised:
        trainer(network, **{f"estimator__{name}": 3})
    assert message in str(raised.value)


def test_unknown_argument_of_module_raises_before_fit():
    made = trainer(SmallNet, estimator__module__hiden=3)
    with pytest.raises(ParameterError, match="no parameter 'hiden'. Did you mean 'hidden'"):
        made.fit(X, Y)


@pytest.mark.parametrize(
    ("network", "epochs"), [(NeedsAWidth, "max_epochs"), (needs_a_width, "epochs")]
)
def test_required_argument_can_be_set(network, epochs):
    made = ManagedTrainer(network, task="classification", random_state=0)
    fitted = made.set_params(estimator__width=np.int64(4), **{f"estimator__{epochs}": 1})
    assert fitted.fit(X, Y).predict(X).shape == (60,)

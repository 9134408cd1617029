"""Parameters that no network can be trained with are refused before anything is."""

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
    ("network", "parameters", "told"),
    [
        (SmallNet, {"lr": "fast"}, "lr must be a number above 0, got 'fast'"),
        (SmallNet, {"max_epochs": 0}, "max_epochs must be a whole number from 1 on, got 0"),
        (SmallNet, {"max_epochs": "ten"}, "max_epochs must be a whole number from 1 on, got"),
        (SmallNet, {"batch_size": 0}, "from 1 on, 'auto' or -1, got 0"),
        (SmallNet, {"batch_size": True}, "from 1 on, 'auto' or -1, got True"),
        (SmallNet, {"optimizer": "adam"}, "a class, such as torch.optim.Adam, got 'adam'"),
        (SmallNet, {"criterion": "mse"}, "a class, such as torch.nn.MSELoss, got 'mse'"),
        (NeedsAWidth, {}, "NeedsAWidth needs width; set estimator__width"),
        (NeuralNetClassifier(ProbabilityNet), {"batch_size": 0}, "from 1 on or -1, got 0"),
        (build, {"epochs": 0}, "epochs must be a whole number from 1 on, got 0"),
        (build, {"epochs": "ten"}, "epochs must be a whole number from 1 on, got 'ten'"),
        (build, {"learning_rate": 0.0}, "a number above 0 or None, got 0.0"),
        (build, {"optimizer": "adm"}, "optimizer='adm' names none that the library has; did"),
        (build, {"loss": "mean_square_error"}, "did you mean 'mean_squared_error'?"),
        (build, {"batch_size": 1.5}, "from 1 on, 'auto', -1 or None, got 1.5"),
        (needs_a_width, {}, "needs_a_width needs width; set estimator__width"),
        (scikeras_classifier, {"epochs": 0}, "epochs must be a whole number"),
    ],
)
def test_what_cannot_be_is_one_error_before_the_first_fold(network, parameters, told):
    named = {f"estimator__{name}": value for name, value in parameters.items()}
    made = trainer(network() if network is scikeras_classifier else network, **named)
    for train in (made.fit, made.partial_fit):
        with pytest.raises(ParameterError) as raised:
            train(X, Y)
        assert told in str(raised.value)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ParameterError) as raised:
        trainer(SmallNet, estimator__lr=-1, estimator__max_epochs=2.5).fit(X, Y)
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    ("network", "name", "told"),
    [
        (SmallNet, "hiden", "SmallNet takes no 'hiden'; did you mean 'hidden'?"),
        (SmallNet, "max_epoch", "SmallNet takes no 'max_epoch'; did you mean 'max_epochs'?"),
        (build, "hiden", "build takes no 'hiden'; did you mean 'hidden'?"),
        (build, "model__hiden", "build takes no 'hiden'; did you mean 'hidden'?"),
        (build, "model__epochs", "build takes no 'epochs'"),
    ],
)
def test_a_name_that_is_not_taken_is_told_with_the_one_that_was_meant(network, name, told):
    with pytest.raises(ParameterError) as raised:
        trainer(network, **{f"estimator__{name}": 3})
    assert told in str(raised.value)


def test_an_argument_of_a_module_that_it_does_not_take_is_told_before_the_fit():
    made = trainer(SmallNet, estimator__module__hiden=3)
    with pytest.raises(ParameterError, match="takes no 'hiden'; did you mean 'hidden'"):
        made.fit(X, Y)


@pytest.mark.parametrize(
    ("network", "epochs"), [(NeedsAWidth, "max_epochs"), (needs_a_width, "epochs")]
)
def test_what_is_given_is_missed_no_more(network, epochs):
    made = ManagedTrainer(network, task="classification", random_state=0)
    fitted = made.set_params(estimator__width=np.int64(4), **{f"estimator__{epochs}": 1})
    assert fitted.fit(X, Y).predict(X).shape == (60,)

"""Loss of a Module, inferred from its outputs: logits, probabilities or log-probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from skorch import NeuralNetBinaryClassifier
from torch import nn

from sktrainer import ManagedTrainer
from sktrainer.exceptions import InputError, ParameterError
from tests.networks import RateNet, SmallNet, line

RNG = np.random.default_rng(0)
X = RNG.normal(size=(129, 4)).astype(np.float32)
SCORE = X @ [2.0, -1.0, 0.5, 0.0]
TWO = np.where(SCORE > 0, "yes", "no")
THREE = np.digitize(SCORE, [-1.0, 1.0])


class Logits(nn.Module):
    """Logits: one column for two classes, else one column per class."""

    end = staticmethod(lambda logits: logits)

    def __init__(self, n_outputs=2):
        super().__init__()
        width = 1 if n_outputs == 2 else n_outputs
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, width))

    def forward(self, X):
        return self.end(self.layers(X))


class Sigmoid(Logits):
    end = staticmethod(torch.sigmoid)


class FlatSigmoid(Logits):
    end = staticmethod(lambda logits: torch.sigmoid(logits).squeeze(-1))


class Softmax(Logits):
    end = staticmethod(lambda logits: torch.softmax(logits, dim=-1))


class LogSoftmax(Logits):
    end = staticmethod(lambda logits: torch.log_softmax(logits, dim=-1))


class Normalized(nn.Module):
    """Network with batch normalization."""

    def __init__(self, n_outputs=2):
        super().__init__()
        self.layers = nn.Sequential(
            nn.LazyLinear(8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


def fitted(module, y, **parameters):
    trainer = ManagedTrainer(module, task="classification", preprocessor=None, random_state=0)
    options = {"estimator__max_epochs": 12, "estimator__lr": 0.02, "early_stopping": False}
    return trainer.set_params(**{**options, **parameters}).fit(X, y)


@pytest.mark.parametrize(
    ("module", "criterion", "y"),
    [
        (Sigmoid, None, TWO),
        (FlatSigmoid, None, TWO),
        (Sigmoid, nn.BCELoss, TWO),
        (Softmax, None, THREE),
        (Softmax, nn.NLLLoss, THREE),
        (LogSoftmax, None, THREE),
        (LogSoftmax, nn.NLLLoss, THREE),
    ],
)
def test_probabilities_are_learned_like_logits(module, criterion, y):
    of_logits = fitted(Logits, y)
    found = fitted(module, y, estimator__criterion=criterion)

    np.testing.assert_allclose(
        found.history_["value"], of_logits.history_["value"], rtol=1e-3, atol=1e-5
    )
    np.testing.assert_allclose(found.predict_proba(X), of_logits.predict_proba(X), atol=1e-3)
    assert found.score(X, y) > 0.8


def test_single_last_row_joins_previous_batch_with_batch_normalization():
    normalized = fitted(Normalized, TWO, estimator__batch_size=64)
    assert len(normalized.model_.history[-1]["batches"]) == 2
    assert (
        len(fitted(SmallNet, TWO, estimator__batch_size=64).model_.history[-1]["batches"]) == 3
    )
    found = fitted(Normalized, TWO, cv=3, estimator__batch_size=85)  # a fold has 86 rows
    assert np.isfinite(found.cv_results_["mean_test_accuracy"])


def test_batch_normalization_rejects_single_row():
    with pytest.raises(InputError, match="batches of 2 rows or more, got 1"):
        fitted(Normalized, TWO, estimator__batch_size=1)
    stream = ManagedTrainer(Normalized, task="classification", random_state=0)
    with pytest.raises(InputError, match="batches of 2 rows or more, got 1"):
        stream.partial_fit(X[:1], TWO[:1], classes=["no", "yes"])


def test_drop_last_takes_precedence_over_joining_single_row():
    options = {"estimator__batch_size": 64, "estimator__iterator_train__drop_last": True}
    batches = fitted(Normalized, TWO, **options).model_.history[-1]["batches"]
    assert [batch["train_batch_size"] for batch in batches] == [64, 64]


def test_single_output_distinguishes_two_classes():
    trainer = ManagedTrainer(line(4), task="classification", random_state=0)
    trainer.set_params(estimator__lr=0.05).fit(X, SCORE > 0)

    assert isinstance(trainer.model_, NeuralNetBinaryClassifier)
    assert trainer.score(X, SCORE > 0) > 0.9


def test_module_with_wrong_number_of_outputs_raises():
    rows, labels = load_iris(return_X_y=True)
    with pytest.raises(ParameterError, match="at least 3 outputs.*Linear.*n_outputs"):
        ManagedTrainer(line(4), task="classification").fit(rows, labels)
    with pytest.raises(ParameterError, match=r"outputs of shape \(n_samples, 1\)"):
        ManagedTrainer(line(4, 2), preprocessor=None).fit(X, SCORE)


@pytest.mark.parametrize("loss", [torch.nn.BCEWithLogitsLoss, torch.nn.BCELoss])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_rates_are_predicted_with_the_shape_of_the_target(loss, n_targets):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(800, 3)).astype(np.float32)
    rates = 1 / (1 + np.exp(-rows[:, :n_targets] - rows[:, 1 : n_targets + 1]))
    rates = rates[:, 0] if n_targets == 1 else rates
    module = RateNet if loss is torch.nn.BCELoss else SmallNet
    trainer = ManagedTrainer(
        module, task="regression", preprocessor=None, test_size=0.2, random_state=0
    ).set_params(estimator__criterion=loss, estimator__max_epochs=30, estimator__lr=0.01)
    trainer.fit(rows, rates)
    predicted = trainer.predict(rows)
    assert predicted.shape == rates.shape
    assert 0 < predicted.min() < predicted.max() < 1
    assert trainer.scores_.loc["test", "r2"] > 0.9

"""Tests of building and compiling Keras models: losses, optimizers, metrics, outputs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from sktrainer.exceptions import ParameterError
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.training.run_identity import describe_value
from tests.backends.keras.fits import LABELS, X, Y, plain
from tests.keras_networks import build, linear

pytestmark = pytest.mark.usefixtures("restored_generators")


@pytest.mark.parametrize("activation", [None, "sigmoid", "softmax"])
@pytest.mark.parametrize("width", [1, 2, 4])
def test_loss_is_inferred_from_outputs(width, activation):
    if (width, activation) in ((1, "softmax"), (2, "sigmoid"), (4, "sigmoid")):
        pytest.skip("these outputs cannot distinguish classes")

    trainer = plain(lambda: linear(width, activation), epochs=2, task="classification")
    found = trainer.fit(X, LABELS).predict_proba(X)
    raw = np.asarray(trainer.model_.model_(X))

    loss = trainer.model_.model_.loss
    assert type(loss).__name__ == (
        "BinaryCrossentropy" if width == 1 else "SparseCategoricalCrossentropy"
    )
    assert found.shape == (120, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    if activation == "sigmoid":
        np.testing.assert_allclose(found[:, 1], raw[:, 0], rtol=1e-5)
    elif activation is None:
        shifted = raw[:, 0] if width == 1 else raw[:, 1] - raw[:, 0]
        np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-shifted)), rtol=1e-4)


def test_compiled_loss_is_kept_and_gets_targets_in_its_format():
    import keras

    def compiled(loss, width, activation):
        model = linear(width, activation)
        model.compile("sgd", loss=loss, metrics=["accuracy"])
        return model

    for loss, width, activation in (
        ("categorical_crossentropy", 2, "softmax"),
        ("sparse_categorical_crossentropy", 2, "softmax"),
        ("binary_crossentropy", 1, "sigmoid"),
        ("categorical_hinge", 2, "tanh"),
        (keras.losses.CategoricalCrossentropy(from_logits=True), 2, None),
    ):
        trainer = plain(lambda a=(loss, width, activation): compiled(*a), epochs=15)
        trainer.set_params(estimator__learning_rate=0.5).fit(X, LABELS)
        assert trainer.score(X, LABELS) > 0.9, loss
        assert trainer.model_.model_.loss is loss or isinstance(loss, str)


def huber(delta):
    """Train with a loss whose `delta` Keras's own copies lose."""
    import keras

    loss = keras.losses.Huber(delta)
    metrics = [keras.metrics.CosineSimilarity(axis=0)]
    trainer = plain(build, task="regression", epochs=2)
    trainer.set_params(estimator__loss=loss, estimator__metrics=metrics)
    return trainer.fit(X, 5 * Y)


def test_losses_keep_arguments_that_their_keras_configuration_omits():
    small, again = huber(0.2), huber(0.2)
    assert small.evals_result_ == again.evals_result_ != huber(1.0).evals_result_
    for copied in (clone(small), pickle.loads(pickle.dumps(small))):
        assert copied.estimator.loss._fn_kwargs == {"delta": 0.2}
        assert copied.estimator.metrics[0]._fn_kwargs == {"axis": 0}
    trained = pickle.loads(pickle.dumps(small)).model_.model_
    assert trained.loss._fn_kwargs == {"delta": 0.2}


def test_compiled_model_trains_with_arguments_of_its_loss():
    import keras

    def compiled(delta):
        with preserve_global_state():
            model = keras.Sequential([keras.layers.Dense(1)])
            model.compile("adam", keras.losses.Huber(delta))
        return model

    models = [compiled(delta) for delta in (0.2, 1.0)]
    small, large = (plain(m, task="regression", epochs=1).fit(X, 5 * Y) for m in models)
    assert small.evals_result_["train"]["loss"] < large.evals_result_["train"]["loss"]
    assert clone(small).estimator.model.loss._fn_kwargs == {"delta": 0.2}
    assert describe_value(models[0].loss) == describe_value(keras.losses.Huber(0.2))
    assert describe_value(models[0].loss) != describe_value(models[1].loss)


def momentum(n_outputs):
    """Return a model compiled with an optimizer and a metric of its own."""
    import keras

    model = keras.Sequential([keras.layers.Dense(n_outputs)])
    model.compile(keras.optimizers.SGD(0.001, momentum=0.5), "mse", metrics=["mae"])
    return model


def test_loss_alone_keeps_compiled_optimizer_and_metrics():
    trainer = plain(momentum, task="regression", epochs=1)
    model = trainer.set_params(estimator__loss="mae").fit(X, Y).model_.model_
    assert model.optimizer.momentum == 0.5 and model.loss == "mae"
    assert set(model.get_metrics_result()) == {"loss", "mae"}


def test_metrics_alone_keep_compiled_optimizer_and_loss():
    trainer = plain(momentum, task="regression", epochs=1)
    model = trainer.set_params(estimator__metrics=["mape"]).fit(X, Y).model_.model_
    assert model.optimizer.momentum == 0.5 and model.loss == "mse"
    assert set(model.get_metrics_result()) == {"loss", "mape"}


def test_optimizer_arguments_change_compiled_optimizer():
    import keras

    trainer = plain(momentum, task="regression", epochs=1)
    trainer.set_params(estimator__optimizer__momentum=0.9).fit(X, Y)
    optimizer = trainer.model_.model_.optimizer
    assert type(optimizer) is keras.optimizers.SGD and optimizer.momentum == 0.9
    assert float(optimizer.learning_rate) == pytest.approx(0.001)


def test_mismatched_shapes_and_arguments_raise():
    with pytest.raises(ParameterError, match="at least 4 outputs.*n_samples, 3.*for 4 classes"):
        plain(lambda: linear(3, None)).fit(X, np.arange(120) % 4)
    with pytest.raises(ParameterError, match=r"expects inputs of shape \(None, 7\)"):
        plain(lambda: linear(2, None, n_features=7)).fit(X, LABELS)
    with pytest.raises(ParameterError, match="requires depth"):
        plain(lambda depth: linear(2, None)).fit(X, LABELS)
    with pytest.raises(ParameterError, match=r"return a keras\.Model, got Ridge"):
        plain(lambda: Ridge()).fit(X, Y)

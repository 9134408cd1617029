"""Tests of the Keras backend beyond the contract of all backends."""

from __future__ import annotations

import copy
import importlib
import json
import os
import pickle
import random
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import DataWarning, ManagedTrainer
from sktrainer.backends.estimators import is_raw_network
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.testing import bit_identical, mixed_table
from sktrainer.training.run_identity import describe_value
from tests.keras_networks import (
    build,
    build_from_meta,
    build_with_own_parts,
    five_probabilities,
    keras_classifier,
    linear,
    scikeras_classifier,
    subclassed,
    two_inputs,
)

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype(np.float32)
Y = (X @ [1.0, -2.0, 0.5] + RNG.normal(0, 0.1, 120)).astype(np.float32)
LABELS = np.where(Y > 0, "yes", "no")


@pytest.fixture(autouse=True)
def _restore_global_random_state():
    with preserve_global_state():  # layers created in a test draw seeds from Python's generator
        yield


def plain(model, epochs=4, **parameters):
    """Return a trainer without preprocessing and without held-out rows."""
    options = {"preprocessor": None, "early_stopping": False, "random_state": 0}
    trainer = ManagedTrainer(model, **{**options, **parameters})
    return trainer.set_params(estimator__epochs=epochs)


class Remembers(keras.callbacks.Callback):
    """Callback that counts epochs and training batches."""

    epochs = batches = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


class EndsAfter(keras.callbacks.Callback):
    """Callback that ends the training as Keras's own EarlyStopping does."""

    def __init__(self, n_epochs=3):
        super().__init__()
        self.n_epochs = n_epochs

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 >= self.n_epochs:
            self.model.stop_training = True


def test_mixed_table_trains_for_every_task():
    for task, n_classes in (("classification", 2), ("classification", 3), ("regression", 2)):
        rows, target = mixed_table(200, task, n_classes=n_classes)
        trainer = ManagedTrainer(build, test_size=0.2, random_state=0)
        trainer.set_params(estimator__epochs=3).fit(rows, target)

        assert trainer.n_iter_ == 3
        assert trainer.scores_.notna().all(axis=None)
        if task == "classification":
            assert set(trainer.predict(rows)) <= set(target)
            np.testing.assert_allclose(trainer.predict_proba(rows).sum(axis=1), 1, rtol=1e-5)


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


def test_gradient_descent_matches_keras_fit():
    def model():
        made = linear(1, None, zeros=True)
        made.compile(keras.optimizers.SGD(0.05), "mse")
        return made

    ours = plain(model, epochs=5).set_params(estimator__batch_size=-1).fit(X, Y)
    own = model()
    history = own.fit(X, Y[:, None], batch_size=120, epochs=5, verbose=0).history

    np.testing.assert_allclose(ours.evals_result_["train"]["loss"], history["loss"], rtol=1e-5)
    np.testing.assert_allclose(
        ours.predict(X), own.predict(X, verbose=0)[:, 0], rtol=1e-4, atol=1e-6
    )


def test_weight_of_two_equals_repeated_row():
    weight = np.where(np.arange(len(Y)) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(len(Y)), weight.astype(int))

    def model():
        made = linear(1, None, zeros=True)
        made.compile(keras.optimizers.SGD(0.05), "mse")
        return made

    def trainer():
        return plain(model, epochs=10).set_params(estimator__batch_size=-1)

    weighted = trainer().fit(X, Y, sample_weight=weight)
    repeated = trainer().fit(X[twice], Y[twice])

    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        weighted.evals_result_["train"]["loss"],
        repeated.evals_result_["train"]["loss"],
        rtol=1e-4,
    )
    assert not bit_identical(weighted.predict(X), trainer().fit(X, Y).predict(X))


def test_class_weights_of_wrapper_equal_sample_weights():
    weights = {"no": 1.0, "yes": 3.0}
    options = {"preprocessor": None, "early_stopping": False, "random_state": 0}
    by_class = scikeras_classifier(build_from_meta, epochs=3, class_weight=weights)
    by_row = scikeras_classifier(build_from_meta, epochs=3)
    of_keras = keras_classifier(fit_kwargs={"epochs": 3, "class_weight": {0: 1.0, 1: 3.0}})
    plain_keras = keras_classifier(fit_kwargs={"epochs": 3})

    for one, other in ((by_class, by_row), (of_keras, plain_keras)):
        first = ManagedTrainer(one, **options).fit(X, LABELS)
        rows = np.array([weights[label] for label in LABELS])
        second = ManagedTrainer(other, **options).fit(X, LABELS, sample_weight=rows)
        assert bit_identical(first.predict_proba(X), second.predict_proba(X))


def test_row_order_differs_between_epochs():
    seen = []

    class Notes(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    def frozen():
        model = linear(1, None, zeros=True)
        model.compile(keras.optimizers.SGD(0.0), "mse")
        return model

    plain(frozen, epochs=2).set_params(
        estimator__callbacks=[Notes()], estimator__batch_size=40
    ).fit(X, Y)

    assert len(seen) == 6
    assert seen[0] != seen[3]  # first batches of the two epochs
    assert seen[2] == pytest.approx(seen[5])  # mean loss of all rows


def test_callbacks_are_copied_for_each_fit_and_can_end_training():
    remembers = Remembers()
    trainer = plain(build, epochs=5, cv=2).set_params(
        estimator__callbacks=[remembers, EndsAfter(3)]
    )
    trainer.fit(X, LABELS)

    assert (trainer.n_iter_, trainer.stop_reason_) == (3, "converged")
    assert (remembers.epochs, remembers.batches) == (0, 0)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # raised by Keras itself
def test_schedule_sees_validation_loss_and_best_epoch_is_restored():
    schedule = keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5)
    trainer = ManagedTrainer(
        build, preprocessor=None, n_iter_no_change=4, validation_size=0.3, random_state=0
    ).set_params(
        estimator__callbacks=[schedule],
        estimator__learning_rate=0.3,
        estimator__optimizer="sgd",
        estimator__epochs=40,
    )
    trainer.fit(X, Y)

    assert trainer.stop_reason_ == "early_stopping"
    assert trainer.n_iter_ == trainer.best_iteration_ + 4
    best = trainer.evals_result_["validation"]["loss"][trainer.best_iteration_ - 1]
    rmse = trainer.scores_.loc["validation", "rmse"] / trainer.model_.target_scale_.deviation
    assert rmse**2 == pytest.approx(best, rel=1e-4)
    assert float(trainer.model_.model_.optimizer.learning_rate) < 0.3


def test_scorer_can_be_monitored():
    trainer = ManagedTrainer(
        build, eval_metric="roc_auc", n_iter_no_change=3, random_state=0, task="classification"
    ).set_params(estimator__epochs=5)
    watched = trainer.fit(X, LABELS).evals_result_["validation"]["roc_auc"]

    assert len(watched) == trainer.n_iter_
    assert trainer.report_.fitting["batch_size"] == 32


def test_instance_is_copied_and_trained_instance_warns():
    model = linear(2, None)
    before = [weights.copy() for weights in model.get_weights()]
    trainer = plain(model, epochs=2).fit(X, LABELS)

    assert all(map(bit_identical, before, model.get_weights()))
    assert not bit_identical(before[0], trainer.model_.model_.get_weights()[0])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, (LABELS == "yes").astype(int), verbose=0)
    with pytest.warns(DataWarning, match="already trained"):
        plain(model, epochs=1).fit(X, LABELS)


def test_subclass_without_get_config_is_rebuilt_by_its_function():
    trainer = ManagedTrainer(subclassed, early_stopping=False, random_state=0)
    trainer.set_params(estimator__epochs=2, estimator__hidden=6).fit(X, LABELS)
    again = pickle.loads(pickle.dumps(trainer))

    assert bit_identical(trainer.predict_proba(X), again.predict_proba(X))
    going_on = [model.partial_fit(X, LABELS).predict_proba(X) for model in (trainer, again)]
    assert bit_identical(*going_on)
    with pytest.raises(ParameterError, match="Layers has no get_config"):
        plain(subclassed(2)).fit(X, LABELS)


@pytest.mark.parametrize("imported", ["keras", "scikeras"])  # scikeras adds a __deepcopy__
def test_copies_of_cloned_model_have_same_hash(imported):
    importlib.import_module(imported)
    with preserve_global_state():
        model = clone(ManagedTrainer(five_probabilities())).estimator
        copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
        wider = ManagedTrainer(five_probabilities()).estimator
        wider.build((None, 3))

    assert {joblib.hash(other) for other in copies} == {joblib.hash(model)}
    assert "__reduce_ex__" not in vars(wider)
    assert joblib.hash(clone(ManagedTrainer(wider)).estimator) != joblib.hash(model)


def huber(delta):
    """Train with a loss whose `delta` Keras's own copies lose."""
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
    trainer = plain(momentum, task="regression", epochs=1)
    trainer.set_params(estimator__optimizer__momentum=0.9).fit(X, Y)
    optimizer = trainer.model_.model_.optimizer
    assert type(optimizer) is keras.optimizers.SGD and optimizer.momentum == 0.9
    assert float(optimizer.learning_rate) == pytest.approx(0.001)


def test_user_defined_layers_and_losses_are_pickled_by_reference():
    trainer = plain(build_with_own_parts, epochs=2).fit(X, LABELS)
    again = pickle.loads(pickle.dumps(trainer))

    assert bit_identical(trainer.predict_proba(X), again.predict_proba(X))


@pytest.mark.parametrize("name", ["of_own_parts", "functional"])
def test_user_defined_and_adapted_layers_are_copied_and_pickled(name):
    from sktrainer.backends.keras.network import hash_stable_copy
    from tests import keras_parts

    with preserve_global_state():
        model = getattr(keras_parts, name)(6)
    rows = np.ones((2, 6), dtype=np.float32)
    expected = np.asarray(model(rows))
    assert np.asarray(hash_stable_copy(model)(rows)).tobytes() == expected.tobytes()
    trainer = ManagedTrainer(getattr(keras_parts, name), random_state=0, early_stopping=False)
    trainer.set_params(estimator__epochs=1).fit(np.tile(X, 2), Y)
    again = pickle.loads(pickle.dumps(trainer))
    assert again.predict(np.tile(X, 2)).tobytes() == trainer.predict(np.tile(X, 2)).tobytes()
    assert again.partial_fit(np.tile(X, 2), Y).n_iter_ == 2


def test_parameters_of_function_are_parameters_of_trainer():
    trainer = ManagedTrainer(build, early_stopping=False, random_state=0)
    params = trainer.get_params()
    assert params["estimator"] is build
    assert params["estimator__model__hidden"] == 8

    trainer.set_params(estimator__hidden=5, estimator__optimizer__beta_1=0.5)
    copy = clone(trainer)
    assert copy.get_params()["estimator__model__hidden"] == 5
    fitted = copy.set_params(estimator__epochs=1).fit(X, LABELS).model_.model_
    assert fitted.layers[0].units == 5
    assert fitted.optimizer.beta_1 == pytest.approx(0.5)
    with pytest.raises(ValueError, match="has no parameter 'widht'"):
        trainer.set_params(estimator__widht=3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (build, {"estimator__hidden": [2, 6], "estimator__learning_rate": [0.1]}),
        (five_probabilities, {"estimator__batch_size": [20, 40]}),
    ],
)
def test_grid_search_does_not_depend_on_n_jobs(estimator, grid):
    made = estimator() if estimator is five_probabilities else estimator
    trainer = plain(made, epochs=2, task="classification")
    alone = GridSearchCV(trainer, grid, cv=2).fit(X, LABELS)
    together = GridSearchCV(trainer, grid, cv=2, n_jobs=2).fit(X, LABELS)

    assert bit_identical(
        alone.cv_results_["mean_test_score"], together.cv_results_["mean_test_score"]
    )
    assert bit_identical(alone.predict_proba(X), together.predict_proba(X))


def test_images_reach_network_unchanged():
    digits = load_digits()
    rows, target = digits.images[:600] / 16, digits.target[:600]

    def convolution(n_outputs, input_shape):
        return keras.Sequential(
            [
                keras.layers.Reshape((*input_shape, 1)),
                keras.layers.Conv2D(8, 3, activation="relu"),
                keras.layers.Flatten(),
                keras.layers.Dense(n_outputs),
            ]
        )

    trainer = ManagedTrainer(convolution, test_size=0.2, random_state=0)
    trainer.set_params(estimator__epochs=6, estimator__learning_rate=0.01).fit(rows, target)

    assert trainer.scores_.loc["test", "accuracy"] > 0.8
    assert bit_identical(trainer.predict_proba(rows[:1])[0], trainer.predict_proba(rows)[0])


def test_model_with_several_inputs_takes_dict():
    words = RNG.integers(0, 5, (120, 4))
    rows = {"numbers": X, "words": words}
    trainer = ManagedTrainer(two_inputs, validation_size=0.2, random_state=0)
    trainer.set_params(estimator__epochs=3).fit(rows, LABELS)
    again = pickle.loads(pickle.dumps(trainer))

    assert bit_identical(trainer.predict_proba(rows), again.predict_proba(rows))
    assert len(trainer.split_.validation) == 24
    assert trainer.verify(rows, LABELS)


def words_alone():
    layers = keras.layers
    return keras.Sequential(
        [layers.Embedding(5, 2), layers.Flatten(), layers.Dense(2, activation="softmax")]
    )


def test_invalid_embedding_indices_raise_before_training():
    words = RNG.integers(0, 5, (120, 4))
    with pytest.raises(InputError, match=r"needs integers, got X with .*preprocessor=None"):
        plain(words_alone, preprocessor="auto").fit(words, LABELS)
    with pytest.raises(InputError, match=r"size 5 .* 0 to 4, got X with values .* 5;"):
        plain(words_alone, preprocessor=None).fit(words + 1, LABELS)
    with pytest.raises(InputError, match=r"got X\['words'\] with values from 1 to 5"):
        plain(two_inputs).fit({"numbers": X, "words": words + 1}, LABELS)
    in_floats = words.astype(np.float32)
    fitted = plain(words_alone, preprocessor=None, epochs=1).fit(in_floats, LABELS)
    assert fitted.predict(words).shape == (120,)


def test_several_target_columns_are_predicted():
    targets = np.column_stack([Y, -Y])
    trainer = plain(build, epochs=20).set_params(estimator__learning_rate=0.05)
    found = trainer.fit(X, targets).predict(X)

    assert found.shape == (120, 2)
    assert trainer.score(X, targets) > 0.5


def test_mismatched_shapes_and_arguments_raise():
    with pytest.raises(ParameterError, match="at least 4 outputs.*n_samples, 3.*for 4 classes"):
        plain(lambda: linear(3, None)).fit(X, np.arange(120) % 4)
    with pytest.raises(ParameterError, match=r"expects inputs of shape \(None, 7\)"):
        plain(lambda: linear(2, None, n_features=7)).fit(X, LABELS)
    with pytest.raises(ParameterError, match="requires depth"):
        plain(lambda depth: linear(2, None)).fit(X, LABELS)
    with pytest.raises(ParameterError, match=r"return a keras\.Model, got Ridge"):
        plain(lambda: Ridge()).fit(X, Y)


def test_functions_are_bare_models_and_estimator_classes_are_not():
    assert is_raw_network(build)
    assert is_raw_network(keras.Model)
    assert is_raw_network(linear(1, None))
    assert not is_raw_network(Ridge)
    assert is_classifier(ManagedTrainer(scikeras_classifier()))


def test_pipeline_can_end_in_function():
    trainer = ManagedTrainer(make_pipeline(StandardScaler(), build), random_state=0)
    trainer.set_params(early_stopping=False)
    assert trainer.estimator.steps[-1][1] is build


def test_global_generators_are_restored():
    rows, labels = X, LABELS
    keras.utils.set_random_seed(3)
    expected = [keras.random.uniform((2,)).numpy() for _ in range(2)], random.random()
    keras.utils.set_random_seed(3)
    first = keras.random.uniform((2,)).numpy()
    plain(build, epochs=1).fit(rows, labels).predict(rows)
    found = [first, keras.random.uniform((2,)).numpy()], random.random()

    assert bit_identical(expected[0], found[0])
    assert expected[1] == found[1]


OTHER_PROCESS = """
import sys
sys.modules["tensorflow"] = None
import json, pickle
import numpy as np
from sktrainer import ManagedTrainer
from sktrainer.testing import mixed_table
from tests.keras_networks import build
assert "torch" not in sys.modules
rows, target = mixed_table(120, "classification")
def fitted():
    trainer = ManagedTrainer(build, random_state=0).set_params(estimator__epochs=3)
    return trainer.fit(rows, target)
one, two = fitted(), fitted()
again = pickle.loads(pickle.dumps(one))
import keras
print(json.dumps({
    "backend": keras.backend.backend(),
    "tensorflow": sys.modules["tensorflow"] is not None,
    "same": bool((one.predict_proba(rows) == two.predict_proba(rows)).all()),
    "pickled": bool((one.predict_proba(rows) == again.predict_proba(rows)).all()),
    "versions": sorted(one.report_.versions),
}))
"""


@pytest.mark.slow
def test_keras_on_torch_needs_no_tensorflow():
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    assert found["backend"] == "torch"
    assert not found["tensorflow"]
    assert found["same"]
    assert found["pickled"]
    assert {"keras", "torch"} <= set(found["versions"])

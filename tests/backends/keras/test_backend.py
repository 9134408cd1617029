"""Tests of the Keras backend beyond the contract of all backends."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import ManagedTrainer
from sktrainer.backends.estimators import is_raw_network
from sktrainer.testing import bit_identical, mixed_table
from tests.backends.keras.fits import LABELS, X, Y, plain
from tests.keras_networks import (
    build,
    build_from_meta,
    five_probabilities,
    keras_classifier,
    linear,
    scikeras_classifier,
)

pytestmark = pytest.mark.usefixtures("restored_generators")


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


def test_gradient_descent_matches_keras_fit():
    import keras

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
    import keras

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
    import keras

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
    from tests.keras_parts import EndsAfter, Remembers

    remembers = Remembers()
    trainer = plain(build, epochs=5, cv=2).set_params(
        estimator__callbacks=[remembers, EndsAfter(3)]
    )
    trainer.fit(X, LABELS)

    assert (trainer.n_iter_, trainer.stop_reason_) == (3, "converged")
    assert (remembers.epochs, remembers.batches) == (0, 0)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # raised by Keras itself
def test_schedule_sees_validation_loss_and_best_epoch_is_restored():
    import keras

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


def test_functions_are_bare_models_and_estimator_classes_are_not():
    import keras

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
    import keras
    from keras.src.backend.common import global_state

    rows, labels = X, LABELS
    keras.utils.set_random_seed(3)
    expected = [keras.random.uniform((2,)).numpy() for _ in range(2)], random.random()
    global_state.set_global_attribute("global_seed_generator", None)  # Keras 3.12 keeps it
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

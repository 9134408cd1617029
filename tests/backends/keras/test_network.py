"""Tests of copies and pickles of Keras models."""

from __future__ import annotations

import copy
import importlib
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from sktrainer import DataWarning, ManagedTrainer
from sktrainer.exceptions import ParameterError
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.testing import bit_identical
from tests.backends.keras.fits import LABELS, X, Y, plain
from tests.keras_networks import build_with_own_parts, five_probabilities, linear, subclassed

pytestmark = pytest.mark.usefixtures("restored_generators")


# The second loss takes the outputs of the linear layer for probabilities.
@pytest.mark.filterwarnings("ignore:log_loss of the train rows could not be computed")
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

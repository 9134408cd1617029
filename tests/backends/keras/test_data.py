"""Tests of the rows that reach a Keras model: images, several inputs, several targets."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sktrainer import ManagedTrainer
from sktrainer.exceptions import InputError
from sktrainer.testing import bit_identical
from tests.backends.keras.fits import LABELS, RNG, X, Y, plain
from tests.keras_networks import build, two_inputs

pytestmark = pytest.mark.usefixtures("restored_generators")


def test_images_reach_network_unchanged():
    import keras

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
    import keras

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

"""Tests of the training state of Keras models."""

from __future__ import annotations

import numpy as np
import pytest

from sktrainer.backends.keras.checkpoint import load_state_dict, state_dict
from sktrainer.runtime.global_state import preserve_global_state


def _compiled(dtype):
    import keras

    with preserve_global_state():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype=dtype)])
        model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_variables_and_callbacks_resume(dtype):
    import keras

    model, other = _compiled(dtype), _compiled(dtype)
    stop = keras.callbacks.EarlyStopping(patience=4)
    stop.set_model(model)
    stop.wait, stop.best, stop.best_weights = 3, np.float32(0.25), model.get_weights()
    best = [2 * weights for weights in model.get_weights()]
    saved = state_dict(model, [stop], best, ended=True)
    again = keras.callbacks.EarlyStopping(patience=4)
    again.set_model(other)
    found, ended = load_state_dict(other, [again], saved)

    assert ended and again.model is other
    assert again.wait == 3 and again.best == np.float32(0.25)
    for before, after in [
        (model.get_weights(), other.get_weights()),
        (stop.best_weights, again.best_weights),
        (best, found),
    ]:
        assert [np.asarray(a).tobytes() for a in before] == [
            np.asarray(a).tobytes() for a in after
        ]

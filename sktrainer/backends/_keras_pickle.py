"""A Keras model as plain values: its configuration and its variables.

Keras pickles a model as a zip file: that bears the time, so that no two are alike, leaves
out the states of dropout, and warns of a model that is not built yet, which is a good thing
to clone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sktrainer.running.caller_state import kept

__all__ = ["copied", "packed", "set_variables", "unpacked"]

_MARK = "__keras_model__"


def packed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same values, with each Keras model among them as plain values."""
    return {name: _pack(v) if _is_model(v) else v for name, v in values.items()}


def unpacked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same values, with the models made again."""
    return {name: _unpack(v) if _is_packed(v) else v for name, v in values.items()}


def copied(model: Any) -> Any:
    """Return another model with the same layers, weights and optimizer.

    Parameters
    ----------
    model : keras.Model
        Built or not, compiled or not.
    """
    return _unpack(_pack(model))


def _is_model(value: Any) -> bool:
    return not isinstance(value, type) and hasattr(value, "train_on_batch")


def _is_packed(value: Any) -> bool:
    return isinstance(value, dict) and _MARK in value


def _pack(model: Any) -> dict[str, Any]:
    import keras

    optimizer = model.optimizer if model.compiled else None
    return {
        _MARK: keras.saving.serialize_keras_object(model),
        "variables": [np.asarray(v) for v in model.variables],
        "optimizer": None
        if optimizer is None or not optimizer.built
        else [np.asarray(v) for v in optimizer.variables],
    }


def _unpack(state: dict[str, Any]) -> Any:
    import keras

    with kept():  # layers draw seeds when they are made
        # A pickle runs code in any case: safe mode would only refuse Lambda layers.
        model = keras.saving.deserialize_keras_object(state[_MARK], safe_mode=False)
    if state["optimizer"] is not None:
        model.optimizer.build(model.trainable_variables)
    set_variables(model, state)
    return model


def set_variables(model: Any, state: dict[str, Any]) -> None:
    """Give a model the weights, and its optimizer what it has gathered, that were packed."""
    of_optimizer = state["optimizer"] or []
    variables = [*model.variables, *(model.optimizer.variables if of_optimizer else [])]
    for variable, value in zip(variables, [*state["variables"], *of_optimizer], strict=True):
        variable.assign(value)
    for layer in model._flatten_layers():
        if hasattr(layer, "finalize_state"):  # what it computes with is made of its weights
            layer.finalize_state()

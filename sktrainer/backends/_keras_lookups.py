"""Which inputs of a Keras model are looked up in an embedding."""

from __future__ import annotations

from typing import Any

from sktrainer.backends._lookups import Lookup

__all__ = ["lookups_of"]


def lookups_of(model: Any, *, named: bool) -> list[Lookup]:
    """Return the embeddings that an input of the model goes into as it comes.

    Parameters
    ----------
    model : keras.Model
        Built. What a subclass does with its inputs is not known.
    named : bool
        X is a dict, whose keys are the names of the inputs.
    """
    import keras

    inputs = {id(tensor): tensor.name for tensor in getattr(model, "inputs", None) or ()}
    found = []
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Embedding):
            continue
        try:
            taken = layer.input
        except (AttributeError, ValueError):  # called in no graph, or more than once
            continue
        if id(taken) in inputs:
            found.append(Lookup(layer.input_dim, inputs[id(taken)] if named else None))
    return found

"""Which inputs of a Keras model are looked up in an embedding."""

from __future__ import annotations

from typing import Any

from sktrainer.backends._lookups import Lookup

__all__ = ["lookups_of"]


def lookups_of(model: Any, X: Any) -> list[Lookup]:
    """Return the embeddings that an input of the model goes into as it comes.

    Parameters
    ----------
    model : keras.Model
        Built. What a subclass does with its inputs is not known.
    X : array or dict of arrays
        What it is given: an array is its one input, else nothing is told of them.
    """
    import keras

    tensors = getattr(model, "inputs", None) or ()
    if not isinstance(X, dict) and (len(tensors) != 1 or not hasattr(X, "shape")):
        return []
    inputs = {id(tensor): tensor.name if isinstance(X, dict) else None for tensor in tensors}
    found = []
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Embedding):
            continue
        try:
            taken = layer.input
        except (AttributeError, ValueError):  # called in no graph, or more than once
            continue
        if id(taken) in inputs and (not isinstance(X, dict) or inputs[id(taken)] in X):
            found.append(Lookup(layer.input_dim, inputs[id(taken)]))
    return found

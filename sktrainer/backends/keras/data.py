"""Inputs of a Keras model that an embedding looks up."""

from __future__ import annotations

from typing import Any

from sktrainer.backends._networks.embeddings import EmbeddingInput


def embedding_inputs(model: Any, X: Any) -> list[EmbeddingInput]:
    """Return the embeddings that receive an input of the model unchanged.

    The model is built. A subclassed model has no recorded inputs, so none of its embeddings is
    found. The result is empty for an array if the model has several inputs.
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
        except (AttributeError, ValueError):  # not part of a graph, or called repeatedly
            continue
        if id(taken) in inputs and (not isinstance(X, dict) or inputs[id(taken)] in X):
            found.append(EmbeddingInput(layer.input_dim, inputs[id(taken)]))
    return found

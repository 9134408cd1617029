"""Small Keras models, in a module of their own so that other processes can import them."""

from __future__ import annotations

import keras


def build(n_outputs, hidden=8, dropout=0.1):
    """A model that is neither built nor compiled."""
    return keras.Sequential(
        [
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(n_outputs),
        ]
    )


def build_from_meta(meta, hidden=8):
    """As scikeras's users write it: compiled, with as many outputs as the target asks for."""
    kind = meta["target_type_"]
    n_outputs = meta["n_classes_"] if kind == "multiclass" else 1
    activation = {"multiclass": "softmax", "binary": "sigmoid"}.get(kind)
    loss = {"multiclass": "sparse_categorical_crossentropy", "binary": "binary_crossentropy"}
    model = keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(n_outputs, activation=activation),
        ]
    )
    model.compile(optimizer="adam", loss=loss.get(kind, "mse"))
    return model


def five_probabilities():
    """An instance that is not built, with more outputs than most targets have classes."""
    return keras.Sequential(
        [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(5, activation="softmax")]
    )


def build_of_arrays(X, y, hidden=8):
    """As users of keras.wrappers write it."""
    model = keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(y.shape[1], activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    return model

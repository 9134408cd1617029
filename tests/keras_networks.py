"""Small Keras models, in a separate module so that other processes can import them.

Keras is imported inside the functions because importing TensorFlow takes seconds.
"""

from __future__ import annotations

import functools


def build(n_outputs, hidden=8, dropout=0.1):
    """Return a model that is neither built nor compiled."""
    import keras

    return keras.Sequential(
        [
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(n_outputs),
        ]
    )


def build_from_meta(meta, hidden=8):
    """Return a compiled model with outputs for the target, as users of scikeras do."""
    import keras

    kind = meta["target_type_"]
    n_outputs = meta["n_classes_"] if kind == "multiclass" else meta["n_outputs_"]
    activation = {"multiclass": "softmax", "binary": "sigmoid"}.get(kind)
    loss = {"multiclass": "sparse_categorical_crossentropy", "binary": "binary_crossentropy"}
    model = keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(n_outputs, activation=activation),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), loss=loss.get(kind, "mse"))
    return model


def five_probabilities():
    """Return a compiled, unbuilt model with more outputs than most targets have classes."""
    import keras

    model = keras.Sequential(
        [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(5, activation="softmax")]
    )
    model.compile(keras.optimizers.Adam(0.05), loss="sparse_categorical_crossentropy")
    return model


def build_of_arrays(X, y, hidden=8):
    """Return a model as users of keras.wrappers do."""
    import keras

    model = keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            keras.layers.Dense(hidden, activation="relu"),
            keras.layers.Dense(y.shape[1], activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    return model


def scikeras_classifier(build=build_from_meta, **parameters):
    """Return a classifier of scikeras."""
    from scikeras.wrappers import KerasClassifier

    return KerasClassifier(build, **parameters)


def keras_classifier(**parameters):
    """Return a classifier of keras.wrappers."""
    from keras.wrappers import SKLearnClassifier

    return SKLearnClassifier(build_of_arrays, **parameters)


def linear(n_outputs, activation, *, n_features=3, zeros=False):
    """Return a built model with one layer."""
    import keras

    start = {"kernel_initializer": "zeros"} if zeros else {}
    return keras.Sequential(
        [keras.Input((n_features,)), keras.layers.Dense(n_outputs, activation, **start)]
    )


def two_inputs(n_outputs, input_shape):
    """Return a model whose inputs are numbers and the indices of words."""
    import keras

    numbers = keras.Input(input_shape["numbers"], name="numbers")
    words = keras.Input(input_shape["words"], name="words", dtype="int64")
    looked_up = keras.layers.Flatten()(keras.layers.Embedding(5, 2)(words))
    both = keras.layers.Concatenate()([numbers, looked_up])
    outputs = keras.layers.Dense(n_outputs)(both)
    return keras.Model({"numbers": numbers, "words": words}, outputs)


def falling_rate():
    """Return a schedule that has internal state."""
    import keras

    return keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=2, factor=0.7)


def subclassed(n_outputs, hidden=4):
    """Return a model whose class does not define `get_config`."""
    return _subclass()(n_outputs, hidden)


@functools.cache
def _subclass():
    import keras

    class Layers(keras.Model):
        def __init__(self, n_outputs=1, hidden=4):
            super().__init__()
            self.hidden = keras.layers.Dense(hidden, activation="relu")
            self.head = keras.layers.Dense(n_outputs)

        def call(self, X):
            return self.head(self.hidden(X))

    return Layers


def own_loss(y_true, y_pred):
    """Return the squared error of probabilities."""
    import keras

    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def doubled(values):
    """Return twice the values (a user-defined activation)."""
    return 2 * values


def build_with_own_parts(n_outputs):
    """Return a model with a user-defined activation and loss."""
    import keras

    model = keras.Sequential(
        [
            keras.layers.Dense(4, activation=doubled),
            keras.layers.Dense(n_outputs, activation="softmax"),
        ]
    )
    model.compile("adam", loss=own_loss)
    return model

"""User-defined layers, losses, callbacks and models for Keras."""

from __future__ import annotations

import keras
import numpy as np


class Scaled(keras.layers.Layer):
    """Layer with one weight and one parameter."""

    def __init__(self, start=1.0, **options):
        super().__init__(**options)
        self.start = start

    def build(self, input_shape):
        self.factor = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(self.start)
        )

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return super().get_config() | {"start": self.start}


@keras.saving.register_keras_serializable("parts")
class Registered(Scaled):
    """Layer that is registered with Keras."""


class Remembers(keras.callbacks.Callback):
    """Callback that counts epochs and training batches."""

    epochs = batches = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


class EndsAfter(keras.callbacks.Callback):
    """Callback that ends the training as Keras's own EarlyStopping does."""

    def __init__(self, n_epochs=3):
        super().__init__()
        self.n_epochs = n_epochs

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 >= self.n_epochs:
            self.model.stop_training = True


def squared(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


def leaking(x):
    return keras.ops.maximum(x, 0.1 * x)


def network(*layers, loss="mse", metrics=None, n_features=6):
    model = keras.Sequential([keras.Input((n_features,)), *layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss=loss, metrics=metrics)
    return model


def of_own_parts(n_features):
    activated = keras.layers.Dense(4, activation=leaking)
    return network(activated, Scaled(2.0), Registered(), loss=squared, n_features=n_features)


def of_a_lambda(n_features):
    return network(keras.layers.Lambda(lambda x: x + 1.0), n_features=n_features)


def functional(n_features):
    inputs = keras.Input((n_features,))
    hidden = keras.layers.Dense(4, activation="relu")(inputs)
    joined = hidden + keras.ops.sum(inputs, axis=1, keepdims=True)
    adapted = keras.layers.Normalization()
    adapted.adapt(np.array([[1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 0.0, 9.0]]))
    looked = keras.layers.Dropout(0.2)(keras.layers.BatchNormalization()(adapted(joined)))
    model = keras.Model(inputs, keras.layers.Dense(1)(looked))
    model.compile(keras.optimizers.Adam(0.01), loss=keras.losses.Huber(), metrics=["mae"])
    return model


def of_sequences(n_features):
    rows = keras.layers.Reshape((n_features, 1))
    return network(rows, keras.layers.Bidirectional(keras.layers.GRU(3)), n_features=n_features)

"""Keras models as estimators: what they share, and what a bare model becomes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from sktrainer.backends._base import FitRequest
from sktrainer.backends._keras_building import (
    Sight,
    arguments,
    building_defaults,
    building_parameters,
    check_built,
    is_instance,
)
from sktrainer.backends._keras_outputs import Outputs
from sktrainer.backends._keras_pickle import copied, packed, unpacked
from sktrainer.backends._network_rows import fixed_batches, network_input
from sktrainer.running.cloning import clone_estimator
from sktrainer.running.early_stopping import Monitor, WatchedMetric
from sktrainer.running.seeding import root_seed
from sktrainer.types import Array, Rows

__all__ = ["FALLBACK_BATCH", "KerasNet", "Trainee", "TrainingOptions"]

FALLBACK_BATCH = 128
"""Rows predicted at once where a model trains on all rows at once."""


@dataclass(frozen=True)
class TrainingOptions:
    """What an estimator says about its training.

    `batch_size` is None for Keras's own default, -1 for all rows, or "auto".
    """

    epochs: int
    batch_size: int | str | None = None
    shuffle: bool = True
    callbacks: tuple[Any, ...] = ()
    class_weight: Any = None


class Trainee:
    """What Keras estimators have in common here, of whichever library they are.

    A subclass says how its model is built and what its training is like; once trained it
    holds `model_` (the Keras model), `outputs_` and `predict_batch_`.
    """

    model: Any
    model_: Any
    outputs_: Outputs
    predict_batch_: int

    @property
    def reads_targets(self) -> bool:
        """Whether targets and predictions go through an encoder of the estimator's own."""
        return False

    def training_options(self) -> TrainingOptions:
        raise TypeError(f"{type(self).__name__} does not say how it is trained")

    def build_model(self, sight: Sight) -> Any:
        """Return a new model, compiled or not; parameters stay as they are."""
        raise TypeError(f"{type(self).__name__} does not say how its model is built")

    def compile_options(self) -> dict[str, Any]:
        """Return arguments of `compile` for a model that is not compiled; `loss` may miss."""
        return {}

    def encode_inputs(self, X: Any) -> Any:
        """Return rows as the model takes them."""
        return network_input(X)

    def encode_targets(self, y: Array) -> Array:
        """Return targets as the loss takes them."""
        return self.outputs_.targets(y)

    def raw_outputs(self, X: Any) -> Array:
        """Return the model's outputs, computed in batches of one size.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), or dict of str to array-like

        Returns
        -------
        ndarray of shape (n_samples, ...)
        """
        check_is_fitted(self, "model_")
        batches = fixed_batches(self.encode_inputs(X), self.predict_batch_)
        found = [self.model_.predict_on_batch(rows)[:n_rows] for rows, n_rows in batches]
        return np.concatenate(found)

    def predict(self, X: Any) -> Array:
        """Return labels, or numbers in the shape of the target."""
        return self.outputs_.predicted(self.raw_outputs(X))

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, shape (n_samples, n_classes)."""
        return self.outputs_.probabilities(self.raw_outputs(X))

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)

    def __sklearn_clone__(self) -> Any:
        params = self.get_params(deep=False)  # type: ignore[attr-defined]
        copies = unpacked({name: clone_estimator(v) for name, v in packed(params).items()})
        return type(self)(**copies)

    def __getstate__(self) -> dict[str, Any]:
        return packed(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(unpacked(state))


class KerasNet(Trainee, BaseEstimator):
    """A Keras model as an estimator; the task decides the rest when it is fitted.

    Parameters
    ----------
    model : keras.Model, subclass of it, or function that returns one
        `model__hidden`, and `hidden` for short, reaches the function or the constructor,
        which is also given those of `meta`, `n_outputs`, `n_classes`, `n_features` and
        `input_shape` that it has parameters for.
    optimizer : str, optimizer or its class, default=None
        None: that of a compiled model, else Adam. `optimizer__beta_1` reaches its constructor.
    learning_rate : float or None, default=None
        None: the optimizer's own.
    loss : str, keras.losses.Loss, callable or None, default=None
        None: that of a compiled model, else cross entropy or squared error.
    metrics : list or None, default=None
        Further metrics of Keras, for callbacks to see.
    epochs : int, default=200
    batch_size : int or "auto", default="auto"
        "auto": about a 32nd of the rows, a power of two from 32 to 1024; -1: all rows.
    callbacks : list of keras.callbacks.Callback or None, default=None
        Copied for each fit.
    **parameters : object
        Those with `model__` or `optimizer__` in front.
    """

    _named = (
        "batch_size",
        "callbacks",
        "epochs",
        "learning_rate",
        "loss",
        "metrics",
        "model",
        "optimizer",
    )

    def __init__(
        self,
        model: Any,
        *,
        optimizer: Any = None,
        learning_rate: float | None = None,
        loss: Any = None,
        metrics: Any = None,
        epochs: int = 200,
        batch_size: Any = "auto",
        callbacks: Any = None,
        **parameters: Any,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.loss = loss
        self.metrics = metrics
        self.epochs = epochs
        self.batch_size = batch_size
        self.callbacks = callbacks
        for name, value in parameters.items():
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep`, the defaults of the building function too."""
        params = {name: getattr(self, name) for name in self._named}
        routed = {name: value for name, value in vars(self).items() if "__" in name.strip("_")}
        if not deep:
            return params | routed
        defaults = building_defaults(self.model)
        return params | {f"model__{name}": value for name, value in defaults.items()} | routed

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a name that only the building function knows goes there."""
        inner = building_parameters(self.model)
        for name, value in params.items():
            known = name in self._named or name.startswith("optimizer__")
            if not known and name.removeprefix("model__") not in inner:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}; valid "
                    f"ones are {sorted(self.get_params())}, and optimizer__<name>"
                )
            short = not known and not name.startswith("model__")
            setattr(self, f"model__{name}" if short else name, value)
        return self

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train through all epochs, with no rows held out; a trainer does it with care.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels, or floats that are not whole: a regression.
        sample_weight : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        self
        """
        from sktrainer.backends.keras import KerasBackend

        y = np.asarray(y)
        weight = None if sample_weight is None else np.asarray(sample_weight)
        is_number = type_of_target(y).startswith("continuous")
        KerasBackend().fit(
            FitRequest(
                model=self,
                task="regression" if is_number else "classification",
                train=Rows(X, y, weight),
                monitor=Monitor(WatchedMetric()),
                seed=root_seed(None),
            )
        )
        return self

    def training_options(self) -> TrainingOptions:
        return TrainingOptions(
            int(self.epochs), self.batch_size, True, tuple(copy.deepcopy(self.callbacks or ()))
        )

    def build_model(self, sight: Sight) -> Any:
        if is_instance(self.model):
            model = copied(self.model)
        else:
            model = self.model(**arguments(self.model, sight, self._routed("model")))
        check_built(model, self.model)
        given = {"optimizer": self.optimizer, "loss": self.loss, "metrics": self.metrics}
        if model.compiled and any(value is not None for value in (*given.values(),)):
            options = {"optimizer": model.optimizer, "loss": model.loss}
            model.compile(**options | self.compile_options())
        if model.compiled and self.learning_rate is not None:
            model.optimizer.learning_rate = self.learning_rate
        return model

    def compile_options(self) -> dict[str, Any]:
        given = {"loss": self.loss, "metrics": self.metrics}
        options = {name: value for name, value in given.items() if value is not None}
        return {"optimizer": self._new_optimizer(), **options}

    def _new_optimizer(self) -> Any:
        import keras

        given = self._routed("optimizer")
        if self.learning_rate is not None:
            given["learning_rate"] = self.learning_rate
        optimizer = "adam" if self.optimizer is None else self.optimizer
        if isinstance(optimizer, type):
            return optimizer(**given)
        config = keras.optimizers.get(optimizer).get_config()
        kind = type(keras.optimizers.get(optimizer))
        return kind.from_config(config | given)

    def _routed(self, prefix: str) -> dict[str, Any]:
        start = f"{prefix}__"
        return {
            name.removeprefix(start): value
            for name, value in vars(self).items()
            if name.startswith(start)
        }

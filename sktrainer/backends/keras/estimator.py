"""Estimator around a bare Keras model."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, Self

import numpy.typing as npt
from sklearn.base import BaseEstimator

from sktrainer.backends._networks.parameters import (
    choice_problems,
    identifier_problems,
    missing_problems,
    number_problems,
    rate_problems,
    unknown_problems,
)
from sktrainer.backends._networks.target_scale import TargetScale
from sktrainer.backends.base import FitRequest
from sktrainer.backends.keras.build import (
    PROVIDED_ARGUMENTS,
    BuildContext,
    TrainingOptions,
    build_arguments,
    builder_defaults,
    builder_parameters,
    check_built,
    compile_if_needed,
    full_fit_request,
    missing_arguments,
    probe_outputs,
    zeros_like_spec,
)
from sktrainer.backends.keras.mixin import KerasEstimatorBase
from sktrainer.backends.keras.network import compile_arguments, plain_copy
from sktrainer.backends.keras.outputs import is_unbounded
from sktrainer.backends.keras.recognize import is_instance
from sktrainer.backends.keras.train import fit_network
from sktrainer.exceptions import ParameterError
from sktrainer.types import Array


class KerasEstimator(KerasEstimatorBase, BaseEstimator):
    """Estimator for a Keras model; `fit` infers from the task what is not set.

    Parameters
    ----------
    model : keras.Model, subclass of it, or function that returns one
        `model__hidden`, or `hidden` for short, is passed to the function or constructor.
        It also receives `meta`, `n_outputs`, `n_classes`, `n_features` and `input_shape`
        if it has parameters with these names.
    optimizer : str, optimizer or its class, default=None
        None: that of a compiled model, else Adam. `optimizer__beta_1` is passed to its
        constructor.
    learning_rate : float or None, default=None
        None: the optimizer's own.
    loss : str, keras.losses.Loss, callable or None, default=None
        None: that of a compiled model, else cross-entropy or squared error.
    metrics : list or None, default=None
        Additional Keras metrics, available to callbacks.
    epochs : int, default=200
    batch_size : int or "auto", default="auto"
        "auto": about 1/32 of the rows, as a power of two from 32 to 1024; -1: all rows.
    callbacks : list of keras.callbacks.Callback or None, default=None
        Copied for each fit.
    scale_target : bool or "auto", default="auto"
        Whether to standardize a regression target by the mean and standard deviation of
        the training rows; predictions are in the original units. "auto": if no loss is
        set and the last layer is linear.
    **parameters : object
        Parameters prefixed with `model__` or `optimizer__`.
    """

    wrapped_parameter = "model"

    _named = (
        "batch_size",
        "callbacks",
        "epochs",
        "learning_rate",
        "loss",
        "metrics",
        "model",
        "optimizer",
        "scale_target",
    )

    def __init__(
        self,
        model: Any,
        *,
        optimizer: object = None,
        learning_rate: float | None = None,
        loss: object = None,
        metrics: object = None,
        epochs: int = 200,
        batch_size: int | str | None = "auto",
        callbacks: Iterable[Any] | None = None,
        scale_target: bool | str = "auto",
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
        self.scale_target = scale_target
        for name, value in parameters.items():
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; `deep` adds the defaults of the model-building function."""
        params = {name: getattr(self, name) for name in self._named}
        routed = {name: value for name, value in vars(self).items() if "__" in name.strip("_")}
        if not deep:
            return params | routed
        defaults = builder_defaults(self.model)
        return params | {f"model__{name}": value for name, value in defaults.items()} | routed

    def set_params(self, **params: Any) -> Self:
        """Set parameters, including those of the model-building function by their names."""
        inner = builder_parameters(self.model)
        own = {n for n in params if n in self._named or n.startswith("optimizer__")}
        of_model = {name.removeprefix("model__") for name in set(params) - own}
        problems = unknown_problems(self.model, of_model - inner, {*self._named, *inner})
        if problems:
            raise ParameterError(problems)
        for name, value in params.items():
            short = name not in own and not name.startswith("model__")
            setattr(self, f"model__{name}" if short else name, value)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train for all epochs without held-out rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Numeric rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels, or non-integer floats for a regression.
        sample_weight : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        self
        """
        fit_network(FitRequest(**full_fit_request(self, X, y, sample_weight)))
        return self

    def problems(self) -> list[str]:
        missing = missing_arguments(self.model, self._routed("model"))
        return [
            *missing_problems(self.model, missing, ", ".join(sorted(PROVIDED_ARGUMENTS))),
            *number_problems("epochs", self.epochs),
            *number_problems("batch_size", self.batch_size, besides=("auto", -1, None)),
            *rate_problems("learning_rate", self.learning_rate, besides=(None,)),
            *choice_problems("scale_target", self.scale_target, (True, False, "auto")),
            *self._unknown_names(),
        ]

    def _unknown_names(self) -> list[str]:
        if not isinstance(self.optimizer, str) and not isinstance(self.loss, str):
            return []
        import keras

        optimizers = {kind.lower() for kind in vars(keras.optimizers) if kind[0].isupper()}
        losses = {kind for kind in vars(keras.losses) if kind[0].islower()} - {"get"}
        losses -= {"serialize", "deserialize"}
        get = keras.optimizers.get
        found = identifier_problems("optimizer", self.optimizer, get, optimizers)
        return found + identifier_problems("loss", self.loss, keras.losses.get, losses)

    def training_options(self) -> TrainingOptions:
        return TrainingOptions(
            self.epochs, self.batch_size, True, tuple(copy.deepcopy(self.callbacks or ()))
        )

    def build_model(self, context: BuildContext) -> Any:
        if is_instance(self.model):
            model = plain_copy(self.model)  # a copy: the parameter must stay untrained
        else:
            self.arguments_ = build_arguments(self.model, context, self._routed("model"))
            model = self.model(**self.arguments_)
        check_built(model, self.model)
        return self._recompiled(model)

    def target_scale(self, scale: TargetScale, model: Any, raw: Array) -> TargetScale | None:
        if self.scale_target != "auto":
            return scale if self.scale_target else None
        is_open = self.loss is None and not model.compiled and is_unbounded(model)
        return scale if is_open and not scale.matches(raw) else None

    def rebuilt(self) -> Any:
        model = self._recompiled(self.model(**self.arguments_))
        raw = probe_outputs(model, zeros_like_spec(self.input_spec_))
        compile_if_needed(model, self, raw, self.outputs_.classes)
        return model

    def _recompiled(self, model: Any) -> Any:
        """Set the parameters that differ from those that a model was compiled with."""
        if not model.compiled:
            return model
        options = self._loss_and_metrics()
        if self.optimizer is not None or self._routed("optimizer"):
            options["optimizer"] = self._new_optimizer(model.optimizer)
        if options:  # compile() resets every argument that is not passed again
            before = {**compile_arguments(model), "optimizer": model.optimizer}
            model.compile(**before | options)
        if self.learning_rate is not None:
            model.optimizer.learning_rate = self.learning_rate
        return model

    def compile_options(self) -> dict[str, Any]:
        return {"optimizer": self._new_optimizer("adam"), **self._loss_and_metrics()}

    def _loss_and_metrics(self) -> dict[str, Any]:
        given = {"loss": self.loss, "metrics": self.metrics}
        return {name: value for name, value in given.items() if value is not None}

    def _new_optimizer(self, default: object) -> Any:
        import keras

        given = self._routed("optimizer")
        if self.learning_rate is not None:
            given["learning_rate"] = self.learning_rate
        optimizer = default if self.optimizer is None else self.optimizer
        if isinstance(optimizer, type):
            return optimizer(**given)
        # A new instance from the configuration: an optimizer holds state of its variables.
        found = keras.optimizers.get(optimizer)
        return type(found).from_config(found.get_config() | given)

    def _routed(self, prefix: str) -> dict[str, Any]:
        start = f"{prefix}__"
        return {
            name.removeprefix(start): value
            for name, value in vars(self).items()
            if name.startswith(start)
        }

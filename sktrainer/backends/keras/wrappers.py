"""Adapters for the estimators of scikeras and keras.wrappers.

An adapter is a subclass of the estimator's class with the same name. The library builds the
model and defines parameters and attributes. sktrainer runs the training loop, and converts
targets and predictions.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any, SupportsIndex

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, RegressorTags

from sktrainer.backends._networks.data import network_input
from sktrainer.backends.keras.build import (
    BuildContext,
    TrainingOptions,
    compile_if_needed,
    probe_outputs,
    zeros_like_spec,
)
from sktrainer.backends.keras.mixin import KerasEstimatorBase
from sktrainer.backends.keras.network import plain_copy
from sktrainer.types import Array


class WrapperMixin(KerasEstimatorBase):
    """Base class of both adapters: tags, and pickling by the original class."""

    def __sklearn_tags__(self) -> Any:
        # The order of scikeras's base classes hides the tags of ClassifierMixin and
        # RegressorMixin from scikit-learn.
        tags = BaseEstimator.__sklearn_tags__(self)
        kind = getattr(self, "_estimator_type", None)
        names = {base.__name__ for base in type(self).__mro__}
        if kind == "classifier" or "ClassifierMixin" in names:
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags()
        elif kind == "regressor" or "RegressorMixin" in names:
            tags.estimator_type = "regressor"
            tags.regressor_tags = RegressorTags()
            tags.target_tags.multi_output = True
        tags.target_tags.required = True
        return tags

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return _revived, (type(self).__bases__[1],), self.__getstate__()


class ScikerasMixin(WrapperMixin):
    """Adapter for `KerasClassifier` and `KerasRegressor` of scikeras."""

    random_state: Any

    def training_options(self) -> TrainingOptions:
        def of_fit(name: str) -> Any:
            return getattr(self, f"fit__{name}", getattr(self, name, None))

        return TrainingOptions(
            epochs=of_fit("epochs"),
            batch_size=of_fit("batch_size"),
            shuffle=bool(of_fit("shuffle")),
            callbacks=tuple(copy.deepcopy(getattr(self, "_fit_callbacks", ()))),
            class_weight=of_fit("class_weight"),
        )

    def build_model(self, context: BuildContext) -> Any:
        # With a seed, scikeras makes TensorFlow deterministic for the rest of the process.
        seed, self.random_state = self.random_state, None
        try:
            self.initialize(context.X, context.y)  # type: ignore[attr-defined]
        finally:
            self.random_state = seed
        if self.model_ is self.model:  # do not train the user's model in place
            self.model_ = plain_copy(self.model)
        return self.model_

    def rebuilt(self) -> Any:
        model = self._build_keras_model()  # type: ignore[attr-defined]
        raw = probe_outputs(model, zeros_like_spec(self.input_spec_))
        compile_if_needed(model, self, raw, self.outputs_.classes)
        return model

    def compile_options(self) -> dict[str, Any]:
        options: dict[str, Any] = self._get_compile_kwargs()  # type: ignore[attr-defined]
        return {name: value for name, value in options.items() if value is not None}

    @property
    def has_target_encoder(self) -> bool:
        """Whether a subclass defines its own target encoder."""
        owner = next(base for base in type(self).__mro__ if "target_encoder" in vars(base))
        return not owner.__module__.startswith("scikeras.")

    def encode_inputs(self, X: Any) -> Any:
        # `set_config(transform_output=...)` is not meant for the encoders inside scikeras.
        with config_context(transform_output="default"):
            return self.feature_encoder_.transform(network_input(X))  # type: ignore[attr-defined]

    def encode_targets(self, y: Array) -> Array:
        if not self.has_target_encoder:
            return super().encode_targets(y)
        with config_context(transform_output="default"):
            return np.asarray(self.target_encoder_.transform(y))  # type: ignore[attr-defined]

    def predict(self, X: Any) -> Array:
        if not self.has_target_encoder:
            return super().predict(X)
        raw = self.raw_outputs(X)
        return np.asarray(self.target_encoder_.inverse_transform(raw))  # type: ignore[attr-defined]

    def predict_proba(self, X: Any) -> Array:
        if not self.has_target_encoder:
            return super().predict_proba(X)
        decode = self.target_encoder_.inverse_transform  # type: ignore[attr-defined]
        return np.asarray(decode(self.raw_outputs(X), return_proba=True))


class KerasWrapperMixin(WrapperMixin):
    """Adapter for `SKLearnClassifier` and `SKLearnRegressor` of keras.wrappers."""

    def training_options(self) -> TrainingOptions:
        given = self.fit_kwargs or {}  # type: ignore[attr-defined]
        return TrainingOptions(
            epochs=given.get("epochs", 1),
            batch_size=given.get("batch_size"),
            shuffle=bool(given.get("shuffle", True)),
            callbacks=tuple(copy.deepcopy(given.get("callbacks") or ())),
            class_weight=self._of_labels(given.get("class_weight")),
        )

    def _of_labels(self, class_weight: Mapping[int, float] | None) -> Any:
        """Return class weights by label; Keras's keys are the positions of the classes."""
        if class_weight is None or not hasattr(self, "classes_"):
            return class_weight
        return {self.classes_[code]: weight for code, weight in class_weight.items()}

    @property
    def decision_function(self) -> Any:
        """Not available: Keras's own returns raw outputs, two columns for two classes."""
        raise AttributeError("decision_function is not available; use predict_proba")

    def build_model(self, context: BuildContext) -> Any:
        y = self._process_target(context.y, reset=True)  # type: ignore[attr-defined]
        return self._get_model(context.X, y)  # type: ignore[attr-defined]


_MIXINS = {"scikeras": ScikerasMixin, "keras": KerasWrapperMixin}


@functools.cache
def with_mixin(wrapper_class: type) -> Any:
    """Return the adapter class for the class of a wrapper."""
    if issubclass(wrapper_class, KerasEstimatorBase):
        return wrapper_class
    roots = [base.__module__.partition(".")[0] for base in wrapper_class.__mro__]
    over = next(_MIXINS[root] for root in roots if root in _MIXINS)
    attributes = {"__module__": wrapper_class.__module__, "__doc__": wrapper_class.__doc__}
    bases: tuple[Any, ...] = (over, wrapper_class)
    return type(wrapper_class.__name__, bases, attributes)


def _revived(wrapper_class: type) -> Any:
    made = with_mixin(wrapper_class)
    return made.__new__(made)


def to_trainable(wrapper: Any) -> Any:
    """Return the adapter for a wrapper, with the same parameters."""
    if isinstance(wrapper, KerasEstimatorBase):
        return wrapper
    kind: Any = type(wrapper)
    return with_mixin(kind)(**wrapper.get_params(deep=False))

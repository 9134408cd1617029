"""Base class of the estimators that wrap a Keras model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from sktrainer.backends._networks.data import fixed_batches, network_input
from sktrainer.backends._networks.parameters import number_problems
from sktrainer.backends._networks.target_scale import TargetScale
from sktrainer.backends.base import PartialFitRequest
from sktrainer.backends.keras.build import (
    BuildContext,
    TrainableEstimator,
    TrainingOptions,
    full_fit_request,
)
from sktrainer.backends.keras.devices import silence_retracing_warnings
from sktrainer.backends.keras.network import (
    decode_networks,
    encode_networks,
    has_full_config,
    set_variables,
    variables_of,
)
from sktrainer.backends.keras.outputs import OutputSpec
from sktrainer.backends.keras.train import partial_fit_network
from sktrainer.exceptions import ParameterError
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.types import Array

VARIABLES_KEY = "variables_"


class KerasEstimatorBase:
    """Base class of the estimators that wrap a Keras model.

    A subclass defines how its model is built and trained. A fitted estimator has
    `model_` (the Keras model), `outputs_` and `predict_batch_`.
    """

    model: Any
    model_: Any
    outputs_: OutputSpec
    input_spec_: Any
    predict_batch_: int

    @property
    def has_target_encoder(self) -> bool:
        """Whether the estimator encodes targets and decodes predictions itself."""
        return False

    def partial_fit(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train for one epoch on these rows."""
        classes = None
        if self.__sklearn_is_fitted__():
            classes = self.outputs_.classes
        request = PartialFitRequest(
            **full_fit_request(self, X, y, sample_weight), classes=classes
        )
        self.__setstate__(vars(partial_fit_network(request).model))
        return self

    def problems(self) -> list[str]:
        """Return a message for each invalid training parameter."""
        options = self.training_options()
        found = number_problems("epochs", options.epochs)
        besides = ("auto", -1, None)
        return found + number_problems("batch_size", options.batch_size, besides=besides)

    def training_options(self) -> TrainingOptions:
        raise TypeError(f"{type(self).__name__} must implement training_options")

    def build_model(self, context: BuildContext) -> Any:
        """Return a new model, compiled or not, and leave the parameters unchanged."""
        raise TypeError(f"{type(self).__name__} must implement build_model")

    def compile_options(self) -> dict[str, Any]:
        """Return arguments of `compile` for an uncompiled model; `loss` is optional."""
        return {}

    def target_scale(self, scale: TargetScale, model: Any, raw: Array) -> TargetScale | None:
        """Return `scale` if the target of a regression is standardized, otherwise None.

        Called before the model is compiled. `raw` contains its outputs for a few rows.
        """
        return None

    @property
    def target_scale_(self) -> TargetScale | None:
        return self.outputs_.scale

    def encode_inputs(self, X: Any) -> Any:
        """Return rows in the format that the model expects."""
        return network_input(X)

    def encode_targets(self, y: Array) -> Array:
        """Return targets in the format that the loss expects."""
        return self.outputs_.targets(y)

    def raw_outputs(self, X: Any) -> Array:
        """Return the model's outputs, computed in batches of a fixed size."""
        check_is_fitted(self, "model_")
        batches = fixed_batches(self.encode_inputs(X), self.predict_batch_)
        with silence_retracing_warnings():
            found = [self.model_.predict_on_batch(rows)[:n_rows] for rows, n_rows in batches]
        return np.concatenate(found)

    def predict(self, X: Any) -> Array:
        """Return labels, or numbers with the shape of the target."""
        return self.outputs_.predicted(self.raw_outputs(X))

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, shape (n_samples, n_classes)."""
        return self.outputs_.probabilities(self.raw_outputs(X))

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)

    def __sklearn_clone__(self) -> Any:
        params = self.get_params(deep=False)  # type: ignore[attr-defined]
        # As plain values: copies of Keras objects would lose some of their configuration.
        copies = decode_networks(
            {name: clone_estimator(v) for name, v in encode_networks(params).items()}
        )
        return type(self)(**copies)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(vars(self))
        model = state.get("model_")
        if model is not None and not has_full_config(model):
            state[VARIABLES_KEY] = variables_of(state.pop("model_"))
        return encode_networks(state)

    def __setstate__(self, state: dict[str, Any]) -> None:
        variables = state.get(VARIABLES_KEY)
        vars(self).update(
            decode_networks({k: v for k, v in state.items() if k != VARIABLES_KEY})
        )
        if variables is not None:
            with preserve_global_state():
                self.model_ = self.rebuilt()
            set_variables(self.model_, variables)

    def rebuilt(self) -> Any:
        """Return a new model, built and compiled like the trained one."""
        raise ParameterError(
            f"the model of {type(self).__name__} cannot be copied: it has no get_config that "
            "returns its constructor arguments; implement get_config"
        )


if TYPE_CHECKING:
    _: TrainableEstimator = KerasEstimatorBase()

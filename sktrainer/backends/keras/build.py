"""Model-building functions of Keras models and the arguments that they receive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import type_of_target

from sktrainer.backends._networks.target_scale import TargetScale
from sktrainer.backends.keras.outputs import OutputSpec, default_loss, gives_logits
from sktrainer.backends.keras.recognize import is_instance
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.exceptions import ParameterError
from sktrainer.runtime.seeds import root_seed
from sktrainer.runtime.signatures import default_values, named_parameters, required_names
from sktrainer.types import Array, Rows, Task

PROVIDED_ARGUMENTS = frozenset({"meta", "n_outputs", "n_classes", "n_features", "input_shape"})


@dataclass(frozen=True)
class BuildContext:
    """Data that a model is built for: training rows, task and classes."""

    X: Any
    y: Array
    task: Task
    classes: Array | None = None

    @property
    def n_outputs(self) -> int:
        """Number of classes, or of target columns."""
        if self.classes is not None:
            return len(self.classes)
        return int((np.shape(self.y)[1:] or (1,))[0])

    @property
    def input_shape(self) -> Any:
        """Shape of one row, or of one row of each input."""
        if isinstance(self.X, dict):
            return {name: values.shape[1:] for name, values in self.X.items()}
        return self.X.shape[1:]

    def meta(self) -> dict[str, Any]:
        """Return the `meta` dict that scikeras passes to a model-building function."""
        shape = getattr(self.X, "shape", None)  # a dict has none
        found = {
            "X_dtype_": getattr(self.X, "dtype", None),
            "X_shape_": shape,
            "n_features_in_": None if shape is None else int(np.prod(shape[1:2])),
            "y_dtype_": self.y.dtype,
            "y_ndim_": self.y.ndim,
            "target_type_": self._target_type,
            "n_outputs_": 1 if self.classes is not None else self.n_outputs,
            "n_outputs_expected_": 1,
        }
        if self.classes is not None:
            found |= {"classes_": self.classes, "n_classes_": len(self.classes)}
        return found

    @property
    def _target_type(self) -> str:
        if self.classes is not None:
            return "binary" if len(self.classes) <= 2 else "multiclass"
        return "continuous" if self.n_outputs == 1 else "continuous-multioutput"

    def offered(self) -> dict[str, Any]:
        """Return the arguments that a model-building function may request."""
        shape = self.input_shape
        return {
            "meta": self.meta(),
            "n_outputs": self.n_outputs,
            "n_classes": 0 if self.classes is None else len(self.classes),
            "n_features": shape[0] if isinstance(shape, tuple) and shape else None,
            "input_shape": shape,
        }


def build_arguments(
    build: Callable[..., Any], context: BuildContext, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments to call a model-building function with.

    `context` is the source of the arguments that the user did not set, and `given` those that
    the user set. NumPy numbers, as drawn by a search, are converted to Python numbers because
    Keras layers reject them.
    """
    offered = context.offered()
    found = {name: offered[name] for name in sorted(builder_parameters(build) & set(offered))}
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in given.items()}
    return found | plain


def missing_arguments(build: Callable[..., Any], given: Mapping[str, Any]) -> set[str]:
    """Return the required arguments that neither the user nor sktrainer sets."""
    if is_instance(build):
        return set()
    return required_names(build) - set(given) - PROVIDED_ARGUMENTS


def check_built(model: Any, by: Callable[..., Any]) -> None:
    """Raise ParameterError if `model` is not a Keras model."""
    import keras

    if not isinstance(model, keras.Model):
        name = getattr(by, "__name__", repr(by))
        raise ParameterError(
            f"expected {name} to return a keras.Model, got {type(model).__name__}; a "
            "function passed as the estimator must build a Keras model"
        )


def builder_parameters(build: Callable[..., Any]) -> set[str]:
    """Return the parameter names of a model-building function; empty for an instance."""
    return set() if is_instance(build) else set(named_parameters(build))


def builder_defaults(build: Callable[..., Any]) -> dict[str, Any]:
    """Return the parameters with a default, except those in `PROVIDED_ARGUMENTS`."""
    return {} if is_instance(build) else default_values(build, but=PROVIDED_ARGUMENTS)


def input_spec(X: Any) -> Any:
    """Return the row shape and the dtype of each input.

    Examples
    --------
    >>> input_spec(np.zeros((9, 3), np.float32))
    ((3,), 'float32')
    """
    if isinstance(X, dict):
        return {name: input_spec(values) for name, values in X.items()}
    return X.shape[1:], str(X.dtype)


def zeros_like_spec(spec: Any) -> Any:
    """Return two rows of zeros that match a result of `input_spec`.

    Examples
    --------
    >>> zeros_like_spec(((3,), "float32")).shape
    (2, 3)
    """
    if isinstance(spec, dict):
        return {name: zeros_like_spec(of_input) for name, of_input in spec.items()}
    shape, dtype = spec
    return np.zeros((2, *shape), dtype)


def probe_outputs(model: Any, X: Any) -> Array:
    """Return the outputs for a few rows; this builds a model that is not built yet."""
    import keras

    try:
        found = model(X, training=False)
    except (ValueError, TypeError) as error:
        if isinstance(X, dict) or getattr(model, "input_shape", None) is None:
            raise
        raise ParameterError(
            f"{type(model).__name__} {model.name!r} expects inputs of shape "
            f"{model.input_shape}, got rows of shape {(None, *X.shape[1:])}; remove "
            "keras.Input, or add a parameter n_features or meta to the model-building "
            "function, which sktrainer fills in"
        ) from error
    if isinstance(found, (list, tuple, Mapping)):
        raise ParameterError(
            f"expected a model with one output, got {type(model).__name__} {model.name!r} "
            f"with {len(found)} outputs; pass one of them to keras.Model(inputs, output)"
        )
    return np.asarray(keras.ops.convert_to_numpy(found))


class TrainableEstimator(Protocol):
    """Estimator of a Keras model, as the training loop uses it."""

    model_: Any
    outputs_: OutputSpec
    input_spec_: Any
    predict_batch_: int

    @property
    def has_target_encoder(self) -> bool: ...

    def training_options(self) -> TrainingOptions: ...
    def build_model(self, context: BuildContext) -> Any: ...
    def compile_options(self) -> dict[str, Any]: ...
    def target_scale(
        self, scale: TargetScale, model: Any, raw: Array
    ) -> TargetScale | None: ...
    def encode_inputs(self, X: Any) -> Any: ...
    def encode_targets(self, y: Array) -> Array: ...
    def predict(self, X: Any) -> Array: ...
    def predict_proba(self, X: Any) -> Array: ...
    def __sklearn_is_fitted__(self) -> bool: ...
    def __getstate__(self) -> dict[str, Any]: ...
    def __setstate__(self, state: dict[str, Any]) -> None: ...


def compile_if_needed(
    model: Any, net: TrainableEstimator, raw: Array, classes: Array | None
) -> None:
    """Compile a model that is not compiled, with the loss that matches its outputs.

    The estimator's own arguments of `compile` take precedence. `raw` contains the outputs of
    the model for a few rows.
    """
    if model.compiled:
        return
    task: Task = "regression" if classes is None else "classification"
    logits = classes is not None and gives_logits(model, raw)
    loss = default_loss(task, raw.shape[1:], logits=logits)
    model.compile(**{"loss": loss, **net.compile_options()})


@dataclass(frozen=True)
class TrainingOptions:
    """Training parameters of an estimator.

    `epochs` is not validated yet: `KerasEstimatorBase.problems` reports invalid values.
    `batch_size` may be None for Keras's own default, -1 for all rows, or "auto".
    """

    epochs: Any
    batch_size: int | str | None = None
    shuffle: bool = True
    callbacks: tuple[Any, ...] = ()
    class_weight: Any = None


def full_fit_request(
    net: TrainableEstimator, X: Any, y: Any, sample_weight: npt.ArrayLike | None
) -> dict[str, Any]:
    """Return the arguments of a fit request without held-out rows."""
    y = np.asarray(y)
    weight = None if sample_weight is None else np.asarray(sample_weight)
    return {
        "model": net,
        "task": "regression"
        if type_of_target(y).startswith("continuous")
        else "classification",
        "train": Rows(X, y, weight),
        "monitor": Monitor(EvalMetric()),
        "seed": root_seed(None),
    }

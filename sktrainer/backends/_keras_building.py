"""Functions that build a Keras model: what they are told, and what they may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktrainer.backends._keras_outputs import default_loss, gives_logits
from sktrainer.backends._signatures import default_values, named_parameters, required_names
from sktrainer.exceptions import ParameterError
from sktrainer.types import Array, Task

__all__ = [
    "FILLED_IN",
    "Sight",
    "arguments",
    "building_defaults",
    "building_parameters",
    "check_built",
    "compile_open",
    "first_outputs",
    "is_instance",
    "like",
    "missing_arguments",
    "spec_of",
]

FILLED_IN = frozenset({"meta", "n_outputs", "n_classes", "n_features", "input_shape"})


@dataclass(frozen=True)
class Sight:
    """What a model is built for: the training rows, the task and the classes."""

    X: Any
    y: Array
    task: Task
    classes: Array | None = None

    @property
    def n_outputs(self) -> int:
        """Classes, or columns of the target."""
        if self.classes is not None:
            return len(self.classes)
        return int((np.shape(self.y)[1:] or (1,))[0])

    @property
    def input_shape(self) -> Any:
        """Shape of one row, or of each of its inputs."""
        if isinstance(self.X, dict):
            return {name: values.shape[1:] for name, values in self.X.items()}
        return self.X.shape[1:]

    def meta(self) -> dict[str, Any]:
        """Return what scikeras calls `meta`, under its names."""
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
        """Return the arguments that a function which builds a model may ask for."""
        shape = self.input_shape
        return {
            "meta": self.meta(),
            "n_outputs": self.n_outputs,
            "n_classes": 0 if self.classes is None else len(self.classes),
            "n_features": shape[0] if isinstance(shape, tuple) and shape else None,
            "input_shape": shape,
        }


def arguments(build: Any, sight: Sight, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a function that builds a model.

    Parameters
    ----------
    build : callable
    sight : Sight
        Offers those that the caller left open.
    given : mapping of str to object
        The caller's; numbers of NumPy, as a search draws them, become Python's, since
        layers take no others.
    """
    offered = sight.offered()
    found = {name: offered[name] for name in sorted(building_parameters(build) & set(offered))}
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in given.items()}
    return found | plain


def missing_arguments(build: Any, given: Mapping[str, Any]) -> set[str]:
    """Return the names that are neither given nor filled in, and have no default."""
    if is_instance(build):
        return set()
    return required_names(build) - set(given) - FILLED_IN


def is_instance(model: Any) -> bool:
    return not isinstance(model, type) and hasattr(model, "train_on_batch")


def check_built(model: Any, by: Any) -> None:
    import keras

    if not isinstance(model, keras.Model):
        name = getattr(by, "__name__", repr(by))
        raise ParameterError(
            f"expected {name} to return a keras.Model, got {type(model).__name__}; an "
            "estimator that is a function is taken for one that builds a Keras model"
        )


def building_parameters(build: Any) -> set[str]:
    """Return the names that a function which builds a model takes; none of an instance."""
    return set() if is_instance(build) else set(named_parameters(build))


def building_defaults(build: Any) -> dict[str, Any]:
    """Return the parameters with a default, but those that are filled in unless set."""
    return {} if is_instance(build) else default_values(build, but=FILLED_IN)


def spec_of(X: Any) -> Any:
    """Return what tells rows of one kind: the shape of one and the type, of each input.

    Examples
    --------
    >>> spec_of(np.zeros((9, 3), np.float32))
    ((3,), 'float32')
    """
    if isinstance(X, dict):
        return {name: spec_of(values) for name, values in X.items()}
    return X.shape[1:], str(X.dtype)


def like(spec: Any) -> Any:
    """Return two rows of zeros of the kind that `spec_of` told.

    Examples
    --------
    >>> like(((3,), "float32")).shape
    (2, 3)
    """
    if isinstance(spec, dict):
        return {name: like(of_input) for name, of_input in spec.items()}
    shape, dtype = spec
    return np.zeros((2, *shape), dtype)


def first_outputs(model: Any, X: Any) -> Array:
    """Return the outputs for a few rows; a model that is not built yet is built by them."""
    import keras

    try:
        found = model(X, training=False)
    except (ValueError, TypeError) as error:
        if isinstance(X, dict) or getattr(model, "input_shape", None) is None:
            raise
        raise ParameterError(
            f"{type(model).__name__} {model.name!r} takes inputs of shape {model.input_shape}, "
            f"and the rows that reach it have the shape {(None, *X.shape[1:])}; leave out "
            "keras.Input, or let the function that builds the model take n_features or meta, "
            "which are filled in"
        ) from error
    if isinstance(found, (list, tuple, Mapping)):
        raise ParameterError(
            f"expected a model with one output, got {type(model).__name__} {model.name!r} "
            f"with {len(found)}; give one of them to keras.Model(inputs, output)"
        )
    return np.asarray(keras.ops.convert_to_numpy(found))


def compile_open(model: Any, net: Any, raw: Array, classes: Array | None) -> None:
    """Compile a model that is not compiled, with the loss that its outputs ask for.

    Parameters
    ----------
    model : keras.Model
    net : Trainee
        For its own arguments of `compile`.
    raw : ndarray of shape (n_rows, ...)
        What the model gives for a few rows.
    classes : ndarray or None
    """
    if model.compiled:
        return
    task: Task = "regression" if classes is None else "classification"
    logits = classes is not None and gives_logits(model, raw)
    loss = default_loss(task, raw.shape[1:], logits=logits)
    model.compile(**{"loss": loss, **net.compile_options()})

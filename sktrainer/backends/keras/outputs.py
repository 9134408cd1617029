"""Outputs of a Keras model: default loss, format of targets, conversion to predictions.

Keras does not record whether a classifier has one output or one per class, and whether it
returns probabilities or logits. This module infers it from the last layer and the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import expit, softmax

from sktrainer.backends._networks.data import describe_target_columns
from sktrainer.backends._networks.target_scale import TargetScale
from sktrainer.exceptions import ParameterError
from sktrainer.types import Array, Task


@dataclass(frozen=True)
class OutputSpec:
    """Format of a model's targets and outputs.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,) or None
        Sorted training labels; None for a regression.
    shape : tuple of int
        Shape of one row's output.
    form : {"codes", "onehot", "column", "numbers"}
        Format of targets that the loss expects.
    logits : bool
        Whether class outputs are logits, not probabilities.
    scale : TargetScale or None
        Scale by which the targets of a regression are standardized.
    """

    classes: Array | None
    shape: tuple[int, ...]
    form: Literal["codes", "onehot", "column", "numbers"]
    logits: bool = False
    scale: TargetScale | None = None

    def targets(self, y: Array) -> Array:
        """Return targets with the dtype and shape that the loss expects."""
        if self.classes is None:
            values = (
                np.asarray(y, np.float32) if self.scale is None else self.scale.transform(y)
            )
            return values.reshape(len(y), *self.shape)
        codes = np.searchsorted(self.classes, y)
        if self.form == "codes":
            return codes.astype(np.int64)
        if self.form == "column":
            return codes.astype(np.float32).reshape(len(y), *self.shape)
        return np.eye(self.shape[-1], dtype=np.float32)[codes]

    def probabilities(self, raw: Array) -> Array:
        """Return the probability of each class, shape (n_samples, n_classes)."""
        assert self.classes is not None
        if self.form == "column":
            column = raw.reshape(len(raw))
            positive = expit(column) if self.logits else column
            found: Array = np.column_stack([1 - positive, positive])
            return found[:, : len(self.classes)]
        known = raw[:, : len(self.classes)]
        if self.logits:
            return np.asarray(softmax(known, axis=1))
        # Rows of several sigmoids do not sum to 1, nor do those of a model with outputs for
        # classes that the training rows lack.
        total = known.sum(axis=1, keepdims=True)
        more = raw.shape[1] > len(self.classes)
        off = (more | (np.abs(total - 1) > 1e-3)) & (total > 0)
        return np.where(off, known / np.where(off, total, 1), known)

    def predicted(self, raw: Array) -> Array:
        """Return labels, or numbers with the shape of the target."""
        if self.classes is not None:
            return np.asarray(self.classes[np.argmax(self.probabilities(raw), axis=1)])
        values = raw if self.scale is None else self.scale.inverse_transform(raw)
        return values.reshape(len(raw)) if self.shape in ((), (1,)) else values


def default_loss(task: Task, shape: tuple[int, ...], *, logits: bool) -> Any:
    """Return squared error, or the cross-entropy for outputs of this shape."""
    import keras

    if task == "regression":
        return "mean_squared_error"
    if shape in ((), (1,)):
        return keras.losses.BinaryCrossentropy(from_logits=logits)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=logits)


def gives_logits(model: Any, raw: Array) -> bool:
    """Infer from the last layer or from sample outputs whether outputs are logits."""
    import keras

    layer = _last_layer(model)
    activation = getattr(layer, "activation", None)
    if activation in (keras.activations.softmax, keras.activations.sigmoid):
        return False
    if isinstance(layer, keras.layers.Softmax):
        return False
    sums_to_one = raw.ndim == 2 and raw.shape[1] > 1 and np.allclose(raw.sum(axis=1), 1)
    return not (sums_to_one and (raw >= 0).all())


def is_unbounded(model: Any) -> bool:
    """Return whether the last layer is linear, so that outputs can be any number."""
    import keras

    activation = getattr(_last_layer(model), "activation", None)
    return activation is keras.activations.linear


def _last_layer(model: Any) -> Any:
    """Return the last layer that does not only rearrange values."""
    import keras

    arranging = (keras.layers.Flatten, keras.layers.Permute, keras.layers.Reshape)
    while layers := [
        part for part in getattr(model, "layers", ()) if type(part) not in arranging
    ]:
        model = layers[-1]
    return model


def read_outputs(
    model: Any, raw: Array, task: Task, classes: Array | None, y_shape: tuple[int, ...]
) -> OutputSpec:
    """Return the format of a compiled model's targets and outputs.

    The model is compiled with a loss. `raw` contains its outputs for a few rows, and `y_shape`
    is the shape of one row's target.

    Raises
    ------
    ParameterError
        If the outputs do not match the target.
    """
    shape = raw.shape[1:]
    _check_width(model, shape, classes, y_shape)
    if classes is None:
        return OutputSpec(None, shape, "numbers")
    name, from_logits = _describe_loss(model.loss)
    logits = gives_logits(model, raw) if from_logits is None else from_logits
    if shape in ((), (1,)):
        return OutputSpec(classes, shape, "column", logits)
    return OutputSpec(classes, shape, "codes" if "sparse" in name else "onehot", logits)


def _describe_loss(loss: object) -> tuple[str, bool | None]:
    """Return a loss's name, and whether it expects logits (None: not stated)."""
    import keras

    found = keras.losses.get(loss) if isinstance(loss, (str, dict)) else loss
    name = str(getattr(found, "name", None) or getattr(found, "__name__", found)).lower()
    if "crossentropy" not in name:
        return name, None
    return name, bool(getattr(found, "from_logits", False))


def _check_width(
    model: Any, shape: tuple[int, ...], classes: Array | None, y_shape: tuple[int, ...]
) -> None:
    """Raise ParameterError if the output shape does not match the target."""
    if classes is None:
        n_columns = y_shape[0] if y_shape else 1
        wanted = f"outputs of shape (n_samples, {n_columns})"
        fits = shape == (y_shape or (1,)) or (shape == () and y_shape in ((), (1,)))
        what = describe_target_columns(n_columns)
    else:
        n_classes = len(classes)
        wanted = f"at least {n_classes} outputs, one for each class"
        wanted += ", or a single output" if n_classes <= 2 else ""
        one = n_classes <= 2 and shape in ((), (1,))
        fits = one or (len(shape) == 1 and shape[0] >= n_classes)
        what = f"{n_classes} classes"
    if not fits:
        got = ", ".join(map(str, ("n_samples", *shape)))
        raise ParameterError(
            f"expected {wanted}, got {type(model).__name__} {model.name!r} with outputs of "
            f"shape ({got}) for {what}; change its last layer, or pass a model-building "
            "function with a parameter n_outputs or meta, which sktrainer fills in"
        )

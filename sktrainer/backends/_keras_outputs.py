"""What comes out of a Keras model: which loss it asks for, and how it is read.

Keras ships no names for these: that a model tells classes by one column or by many, by
probabilities or by logits, stands in its last layer and in its loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import expit, softmax

from sktrainer.backends._networks import target_columns
from sktrainer.backends._target_scale import TargetScale
from sktrainer.exceptions import ParameterError
from sktrainer.types import Array, Task

__all__ = ["Outputs", "default_loss", "gives_logits", "is_unbounded", "read_outputs"]


@dataclass(frozen=True)
class Outputs:
    """How the outputs of one model are learned and read.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,) or None
        The labels that were trained on, sorted; None for a regression.
    shape : tuple of int
        Of one row's output.
    form : {"codes", "onehot", "column", "numbers"}
        What the loss takes as targets.
    logits : bool
        Classes come as logits, not as probabilities.
    scale : TargetScale or None
        By which the targets of a regression are learned standardised.
    """

    classes: Array | None
    shape: tuple[int, ...]
    form: Literal["codes", "onehot", "column", "numbers"]
    logits: bool = False
    scale: TargetScale | None = None

    def targets(self, y: Array) -> Array:
        """Return targets in the type and the shape that the loss takes."""
        if self.classes is None:
            values = np.asarray(y, np.float32) if self.scale is None else self.scale.scaled(y)
            return values.reshape(len(y), *self.shape)
        codes = np.searchsorted(self.classes, y)
        if self.form == "codes":
            return codes.astype(np.int64)
        if self.form == "column":
            return codes.astype(np.float32).reshape(len(y), *self.shape)
        return np.eye(self.shape[-1], dtype=np.float32)[codes]

    def probabilities(self, raw: Array) -> Array:
        """Return a column for each of `classes`, shape (n_samples, n_classes)."""
        assert self.classes is not None
        if self.form == "column":
            column = raw.reshape(len(raw))
            positive = expit(column) if self.logits else column
            found: Array = np.column_stack([1 - positive, positive])
            return found[:, : len(self.classes)]
        known = raw[:, : len(self.classes)]
        if self.logits:
            return np.asarray(softmax(known, axis=1))
        # Sigmoids of several columns, or columns of classes that no training row had.
        total = known.sum(axis=1, keepdims=True)
        more = raw.shape[1] > len(self.classes)
        off = (more | (np.abs(total - 1) > 1e-3)) & (total > 0)
        return np.where(off, known / np.where(off, total, 1), known)

    def predicted(self, raw: Array) -> Array:
        """Return labels, or numbers in the shape of the target."""
        if self.classes is not None:
            return np.asarray(self.classes[np.argmax(self.probabilities(raw), axis=1)])
        values = raw if self.scale is None else self.scale.undone(raw)
        return values.reshape(len(raw)) if self.shape in ((), (1,)) else values


def default_loss(task: Task, shape: tuple[int, ...], *, logits: bool) -> Any:
    """Return squared error, or the cross entropy that outputs of this shape ask for."""
    import keras

    if task == "regression":
        return "mean_squared_error"
    if shape in ((), (1,)):
        return keras.losses.BinaryCrossentropy(from_logits=logits)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=logits)


def gives_logits(model: Any, raw: Array) -> bool:
    """Tell from the last layer, or from some outputs, whether classes come as logits."""
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
    """Tell from the last layer whether outputs can be any number: not so after a softplus."""
    import keras

    activation = getattr(_last_layer(model), "activation", None)
    return activation is keras.activations.linear


def _last_layer(model: Any) -> Any:
    """Return the last layer that computes, and does not only arrange numbers."""
    import keras

    arranging = (keras.layers.Flatten, keras.layers.Permute, keras.layers.Reshape)
    while layers := [
        part for part in getattr(model, "layers", ()) if type(part) not in arranging
    ]:
        model = layers[-1]
    return model


def read_outputs(
    model: Any, raw: Array, task: Task, classes: Array | None, y_shape: tuple[int, ...]
) -> Outputs:
    """Say how the outputs of a compiled model are learned and read.

    Parameters
    ----------
    model : keras.Model
        Compiled with a loss.
    raw : ndarray of shape (n_rows, ...)
        What it gives for a few rows.
    task : {"classification", "regression"}
    classes : ndarray or None
    y_shape : tuple of int
        Of one row's target.

    Raises
    ------
    ParameterError
        Its outputs do not fit the target.
    """
    shape = raw.shape[1:]
    _check_width(model, shape, classes, y_shape)
    if classes is None:
        return Outputs(None, shape, "numbers")
    name, from_logits = _describe_loss(model.loss)
    logits = gives_logits(model, raw) if from_logits is None else from_logits
    if shape in ((), (1,)):
        return Outputs(classes, shape, "column", logits)
    return Outputs(classes, shape, "codes" if "sparse" in name else "onehot", logits)


def _describe_loss(loss: Any) -> tuple[str, bool | None]:
    """Return a loss's name, and whether it takes logits where it says so."""
    import keras

    found = keras.losses.get(loss) if isinstance(loss, (str, dict)) else loss
    name = str(getattr(found, "name", None) or getattr(found, "__name__", found)).lower()
    if "crossentropy" not in name:
        return name, None
    return name, bool(getattr(found, "from_logits", False))


def _check_width(
    model: Any, shape: tuple[int, ...], classes: Array | None, y_shape: tuple[int, ...]
) -> None:
    """Refuse a model whose outputs are fewer than, or other than, the targets."""
    if classes is None:
        n_columns = y_shape[0] if y_shape else 1
        wanted = f"outputs of shape (n_samples, {n_columns})"
        fits = shape == (y_shape or (1,)) or (shape == () and y_shape in ((), (1,)))
        what = target_columns(n_columns)
    else:
        n_classes = len(classes)
        wanted = f"at least {n_classes} outputs, one for each class"
        wanted += ", or a single one" if n_classes <= 2 else ""
        one = n_classes <= 2 and shape in ((), (1,))
        fits = one or (len(shape) == 1 and shape[0] >= n_classes)
        what = f"{n_classes} classes"
    if not fits:
        got = ", ".join(map(str, ("n_samples", *shape)))
        raise ParameterError(
            f"expected {wanted}, got {type(model).__name__} {model.name!r} with outputs of "
            f"shape ({got}) for {what}; change its last layer, or pass a function that builds "
            "it and takes n_outputs or meta, which are filled in"
        )

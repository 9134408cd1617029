"""State of a Keras model after an epoch, written to and read from checkpoint files.

Arrays use NumPy's own format, read without pickle; everything else is JSON. Random generators
need not be saved: each epoch seeds them anew, and the states of dropout layers are variables
of the model. Of a callback's attributes, only plain ones are saved: numbers, strings, arrays,
and containers of these.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sktrainer.types import Array

__all__ = ["load_state_dict", "state_dict"]


_ARRAYS, _PLAIN = "arrays.npz", "state.json"


_ARRAY, _TUPLE = "=array", "=tuple"


_SKIPPED_ATTRIBUTES = frozenset(
    {"_model", "model", "params"}
)  # Keras sets them on every callback


class _NotEncodableError(Exception):
    """Raised for a value that is neither JSON-serializable nor a numeric array."""


def state_dict(
    model: Any, callbacks: Iterable[Any], best: list[Array] | None, *, ended: bool
) -> dict[str, bytes]:
    """Return the training state of a model between two epochs.

    Parameters
    ----------
    model : keras.Model
        During training.
    callbacks : iterable of keras.callbacks.Callback
    best : list of ndarray or None
        Weights of the best epoch.
    ended : bool
        Whether a callback has ended the training.
    """
    arrays: list[Array] = []
    plain = {
        "variables": [_encode(np.asarray(v), arrays) for v in _variables(model)],
        "best": None if best is None else [_encode(np.asarray(w), arrays) for w in best],
        "callbacks": [_attributes(callback, arrays) for callback in callbacks],
        "ended": ended,
    }
    buffer = io.BytesIO()
    named: dict[str, Any] = {f"a{number}": array for number, array in enumerate(arrays)}
    np.savez(buffer, **named)
    return {_ARRAYS: buffer.getvalue(), _PLAIN: json.dumps(plain).encode()}


def load_state_dict(
    model: Any, callbacks: Iterable[Any], state: Mapping[str, bytes]
) -> tuple[list[Array] | None, bool]:
    """Restore the training state of a model and its callbacks.

    Returns
    -------
    best : list of ndarray or None
        Weights of the best epoch.
    ended : bool
        Whether a callback had ended the training.
    """
    plain = json.loads(state[_PLAIN])
    with np.load(io.BytesIO(state[_ARRAYS]), allow_pickle=False) as file:
        arrays = [file[f"a{number}"] for number in range(len(file.files))]
    for variable, value in zip(_variables(model), plain["variables"], strict=True):
        variable.assign(_decode(value, arrays))
    for callback, attributes in zip(callbacks, plain["callbacks"], strict=True):
        for name, value in attributes.items():
            setattr(callback, name, _decode(value, arrays))
    best = plain["best"]
    return None if best is None else _decode(best, arrays), bool(plain["ended"])


def _variables(model: Any) -> list[Any]:
    if not model.optimizer.built:  # it has no variables before the first step
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _attributes(callback: Any, arrays: list[Array]) -> dict[str, Any]:
    found = {}
    for name, value in vars(callback).items():
        if name in _SKIPPED_ATTRIBUTES:
            continue
        n_arrays = len(arrays)
        try:
            found[name] = _encode(value, arrays)
        except _NotEncodableError:
            del arrays[n_arrays:]  # those that precede the value that cannot be saved
    return found


def _encode(value: Any, arrays: list[Array]) -> Any:
    """Return a JSON-serializable value, with its arrays appended to `arrays`."""
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise _NotEncodableError
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if type(value) is tuple:
        return {_TUPLE: [_encode(item, arrays) for item in value]}
    if type(value) is list:
        return [_encode(item, arrays) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _encode(item, arrays) for key, item in value.items()}
    raise _NotEncodableError


def _decode(value: Any, arrays: list[Array]) -> Any:
    if isinstance(value, list):
        return [_decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_ARRAY}:
        found = arrays[value[_ARRAY]]
        return found if found.ndim else found[()]  # [()] gives a NumPy scalar
    if set(value) == {_TUPLE}:
        return tuple(_decode(value[_TUPLE], arrays))
    return {key: _decode(item, arrays) for key, item in value.items()}

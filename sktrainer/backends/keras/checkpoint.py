"""State of a Keras model after an epoch, written to and read from checkpoint files.

Arrays use NumPy's own format, read without pickle; everything else is JSON. Random generators
need not be saved: each epoch seeds them anew, and the states of dropout layers are variables
of the model. Of a callback's attributes, only plain ones are saved: numbers, strings, arrays,
and containers of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sktrainer.backends._networks.documents import ArrayStore, encodable_attributes
from sktrainer.files.json_codec import decode_json, encode_json
from sktrainer.types import Array

_ARRAYS, _STATE = "arrays.npz", "state.json"

# Keras sets these on every callback.
_SKIPPED_ATTRIBUTES = frozenset({"_model", "model", "params"})


def state_dict(
    model: Any, callbacks: Iterable[Any], best: list[Array] | None, *, ended: bool
) -> dict[str, bytes]:
    """Return the training state of a model between two epochs.

    `best` holds the weights of the best epoch, and `ended` states whether a callback has ended
    the training.
    """
    extension = ArrayStore().encode
    state = {
        "variables": [np.asarray(v) for v in _variables(model)],
        "best": best,
        "callbacks": [
            encodable_attributes(callback, extension, _SKIPPED_ATTRIBUTES)
            for callback in callbacks
        ],
        "ended": ended,
    }
    store = ArrayStore()
    document = encode_json(state, store.encode, indent=None)
    return {_STATE: document, _ARRAYS: store.to_bytes()}


def load_state_dict(
    model: Any, callbacks: Iterable[Any], members: Mapping[str, bytes]
) -> tuple[list[Array] | None, bool]:
    """Restore the training state of a model and its callbacks.

    Return the weights of the best epoch, and whether a callback had ended the training.
    """
    state = decode_json(members[_STATE], ArrayStore.from_bytes(members[_ARRAYS]).readers)
    for variable, value in zip(_variables(model), state["variables"], strict=True):
        variable.assign(value)
    for callback, attributes in zip(callbacks, state["callbacks"], strict=True):
        for name, value in attributes.items():
            setattr(callback, name, value)
    return state["best"], bool(state["ended"])


def _variables(model: Any) -> list[Any]:
    if not model.optimizer.built:  # it has no variables before the first step
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]

"""What stands in a saved state for a thing that is saved in another way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["StoredModule", "StoredNet"]


@dataclass
class StoredModule:
    """A torch Module, a Keras model, or another object of theirs, in files of its own.

    Attributes
    ----------
    number : int
        Which of those in the files.
    """

    number: int


@dataclass
class StoredNet:
    """A skorch net or an estimator of Keras: its class and what its attributes hold.

    Neither is ever made from a state by itself: skorch's own way of doing so unpickles one
    of the state's values, and that of Keras's estimators here takes Lambda layers.

    Attributes
    ----------
    kind : type
    state : dict
    fitted : bool
    """

    kind: Any
    state: dict[str, Any] = field(default_factory=dict)
    fitted: bool = False

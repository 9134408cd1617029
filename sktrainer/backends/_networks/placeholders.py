"""Placeholders in a saved state for objects that are saved in another way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["EstimatorPlaceholder", "NetworkPlaceholder"]


@dataclass
class NetworkPlaceholder:
    """Placeholder for a torch Module, a tensor or a Keras object that is in separate files.

    Attributes
    ----------
    number : int
        Position of the object in these files.
    """

    number: int


@dataclass
class EstimatorPlaceholder:
    """Class and attributes of a skorch net or a Keras estimator.

    `__setstate__` of these classes is not used for loading: skorch's unpickles one of the
    values, and that of sktrainer's Keras estimators accepts Lambda layers.

    Attributes
    ----------
    kind : type
    state : dict
    fitted : bool
        Whether sktrainer's mixin or adapter is added to `kind`.
    """

    kind: Any
    state: dict[str, Any] = field(default_factory=dict)
    fitted: bool = False

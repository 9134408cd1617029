"""What stands in a saved state for a thing that is saved in another way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["StoredModule", "StoredNet"]


@dataclass
class StoredModule:
    """A torch Module's instance: its layers, with their weights in a file of their own.

    Attributes
    ----------
    number : int
        Which of the modules of the bundle.
    """

    number: int


@dataclass
class StoredNet:
    """A skorch net: its class and what its attributes hold.

    A net is never made from a state by itself: its own way of doing so unpickles one of
    the state's values.

    Attributes
    ----------
    kind : type
    state : dict
    fitted : bool
    """

    kind: Any
    state: dict[str, Any] = field(default_factory=dict)
    fitted: bool = False

"""Placeholders in a saved state for networks, which are stored in separate files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class NetworkPlaceholder:
    """Placeholder for a torch Module, a tensor or a Keras object that is in separate files.

    `number` is the position of the object in these files.
    """

    number: int


@dataclass
class EstimatorPlaceholder:
    """Class and attributes of a skorch net or a Keras estimator.

    `__setstate__` of these classes is not used for loading: skorch's unpickles one of the
    values, and that of sktrainer's Keras estimators accepts Lambda layers. `fitted` states
    whether sktrainer's mixin or adapter is added to `kind`.
    """

    kind: Any
    state: dict[str, Any] = field(default_factory=dict)
    fitted: bool = False


def replace_networks(value: object, holds: Callable[[Any], bool], networks: list[Any]) -> Any:
    """Return a value with placeholders for its networks, which are added to a list.

    Examples
    --------
    >>> found = []
    >>> replace_networks({"a": [1, "net"]}, lambda item: item == "net", found), found
    ({'a': [1, NetworkPlaceholder(number=0)]}, ['net'])
    """
    if holds(value):
        networks.append(value)
        return NetworkPlaceholder(len(networks) - 1)
    return map_items(value, lambda item: replace_networks(item, holds, networks))


def insert_networks(value: object, networks: Sequence[Any]) -> Any:
    """Return a value with the networks that `replace_networks` took out of it."""
    if isinstance(value, NetworkPlaceholder):
        return networks[value.number]
    return map_items(value, lambda item: insert_networks(item, networks))


def map_items(value: Any, change: Callable[[Any], Any]) -> Any:
    """Apply a function to the items of a list, tuple or dict; return others unchanged."""
    if type(value) in (list, tuple):
        return type(value)(change(item) for item in value)
    if type(value) is dict:
        return {key: change(item) for key, item in value.items()}
    return value

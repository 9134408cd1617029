"""Trees that lead nowhere: found before a prediction reads memory that is not theirs.

scikit-learn follows the numbers in a tree's nodes without asking whether they are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sktrainer.exceptions import FileFormatError
from sktrainer.types import Array

__all__ = ["check_sound"]

LEAF = -1


def check_sound(value: Any) -> None:
    """Look through everything that was made from a file.

    Parameters
    ----------
    value : object
        Estimators, and lists, tuples and dicts of them.

    Raises
    ------
    FileFormatError
        A node of a tree has a child or a feature that is not there, or trees go in circles.
    """
    for holder in _objects(value):
        width = getattr(holder, "n_features_in_", None)
        name = type(holder).__name__
        if hasattr(holder, "_predictors"):
            for predictor in _flat(holder._predictors):
                _check_predictor(predictor, width)
        elif type(holder).__module__.startswith("sklearn.ensemble._"):
            for tree in _trees_of(holder):
                _check_tree(tree, width)
        elif hasattr(holder, "tree_") and type(holder).__module__ == "sklearn.tree._classes":
            _check_tree(holder.tree_, width)
        elif name in ("KDTree", "BallTree"):
            _check_index(holder)


def _objects(value: Any) -> Iterator[Any]:
    """Yield every object with attributes that can be reached, each once."""
    stack, seen = [value], set()
    while stack:
        item = stack.pop()
        if isinstance(item, (str, bytes, int, float, type(None))) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            if item.dtype == object:
                stack.extend(item.ravel().tolist())
        elif isinstance(item, Mapping):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple, set, frozenset)):
            stack.extend(item)
        elif not isinstance(item, type) and not _is_network(item):
            yield item
            stack.extend(getattr(item, "__dict__", {}).values())


def _is_network(item: Any) -> bool:
    roots = {base.__module__.partition(".")[0] for base in type(item).__mro__}
    return bool(roots & {"keras", "tensorflow", "torch"})


def _trees_of(ensemble: Any) -> Iterator[Any]:
    """Yield trees that are given rows which only the ensemble has looked at."""
    if getattr(ensemble, "estimators_features_", None) is not None:
        return
    members = getattr(ensemble, "estimators_", ())
    for member in np.asarray(members, dtype=object).ravel().tolist():
        if hasattr(member, "tree_"):
            yield member.tree_


def _check_tree(tree: Any, width: int | None) -> None:
    if not 0 < tree.node_count <= tree.capacity:  # before any array of nodes is asked for
        raise FileFormatError("a tree in it counts other nodes than it has")
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner = left != LEAF
    _check_children(left[inner], right[inner], np.flatnonzero(inner), len(left))
    _check_features(feature[inner], tree.n_features if width is None else width)


def _flat(rounds: Any) -> Iterator[Any]:
    return (predictor for one_round in rounds for predictor in one_round)


def _check_predictor(predictor: Any, width: int | None) -> None:
    nodes = predictor.nodes
    inner = nodes["is_leaf"] == 0
    _check_features(nodes["feature_idx"][inner], width)
    by_category = inner & (nodes["is_categorical"] != 0)
    if (nodes["bitset_idx"][by_category] >= len(predictor.raw_left_cat_bitsets)).any():
        raise FileFormatError("a tree in it asks for categories that are not there")
    _check_children(
        nodes["left"][inner].astype(np.int64),
        nodes["right"][inner].astype(np.int64),
        np.flatnonzero(inner),
        len(nodes),
    )


def _check_children(left: Array, right: Array, at: Array, n_nodes: int) -> None:
    """Let each child come after its parent: then every way down ends."""
    for children in (left, right):
        if ((children <= at) | (children >= n_nodes)).any():
            raise FileFormatError("a tree in it has nodes that lead nowhere or in circles")


def _check_features(features: Array, width: int | None) -> None:
    if width is None or ((features < 0) | (features >= width)).any():
        raise FileFormatError("a tree in it asks for columns that are not there")


def _check_index(tree: Any) -> None:
    data, order, nodes, _ = tree.get_arrays()
    n_rows = len(data)
    ends = np.concatenate([nodes["idx_start"], nodes["idx_end"]])
    if len(order) != n_rows or ((order < 0) | (order >= n_rows)).any():
        raise FileFormatError("a neighbours' tree in it points to rows that are not there")
    if ((ends < 0) | (ends > n_rows)).any():
        raise FileFormatError("a neighbours' tree in it points to rows that are not there")

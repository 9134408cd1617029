"""Validation of tree structures in loaded models.

scikit-learn does not check the child and feature indices of tree nodes at prediction, so
invalid ones would read memory out of bounds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from sktrainer.exceptions import FileFormatError
from sktrainer.types import Array

LEAF = -1


def validate_trees(value: object, network_packages: Collection[str] = ()) -> None:
    """Check all trees in the objects that were constructed from a file.

    Networks, whose root packages are `network_packages`, contain no trees and are skipped.

    Raises
    ------
    FileFormatError
        If a tree has a child, feature or row index out of range, or contains a cycle.
    """
    for holder in _objects(value, network_packages):
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


def _objects(value: object, network_packages: Collection[str]) -> Iterator[Any]:
    """Yield every reachable object that is not a container or plain value, each once."""
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
        elif not isinstance(item, type) and not _is_network(item, network_packages):
            yield item
            stack.extend(getattr(item, "__dict__", {}).values())


def _is_network(item: object, packages: Collection[str]) -> bool:
    """Return whether an object is of these packages and no estimator, which may hold trees."""
    roots = {base.__module__.partition(".")[0] for base in type(item).__mro__}
    return not roots.isdisjoint(packages) and not hasattr(item, "get_params")


def _trees_of(ensemble: object) -> Iterator[Any]:
    """Yield the trees of an ensemble that passes its own, already validated X to them.

    Trees of a bagging ensemble with feature subsets have another width than the ensemble;
    they are checked as separate objects.
    """
    if getattr(ensemble, "estimators_features_", None) is not None:
        return
    members = getattr(ensemble, "estimators_", ())
    for member in np.asarray(members, dtype=object).ravel().tolist():
        if hasattr(member, "tree_"):
            yield member.tree_


def _check_tree(tree: Any, width: int | None) -> None:
    # First, because the node arrays below are views of `node_count` entries.
    if not 0 < tree.node_count <= tree.capacity:
        raise FileFormatError("a tree has an invalid number of nodes")
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner = left != LEAF
    _check_children(left[inner], right[inner], np.flatnonzero(inner), len(left))
    _check_features(feature[inner], tree.n_features if width is None else width)


def _flat(rounds: Iterable[Iterable[Any]]) -> Iterator[Any]:
    return (predictor for one_round in rounds for predictor in one_round)


def _check_predictor(predictor: Any, width: int | None) -> None:
    nodes = predictor.nodes
    inner = nodes["is_leaf"] == 0
    _check_features(nodes["feature_idx"][inner], width)
    by_category = inner & (nodes["is_categorical"] != 0)
    if (nodes["bitset_idx"][by_category] >= len(predictor.raw_left_cat_bitsets)).any():
        raise FileFormatError("a tree has categories out of range")
    _check_children(
        nodes["left"][inner].astype(np.int64),
        nodes["right"][inner].astype(np.int64),
        np.flatnonzero(inner),
        len(nodes),
    )


def _check_children(left: Array, right: Array, at: Array, n_nodes: int) -> None:
    """Check that each child has a higher index than its parent, which excludes cycles."""
    for children in (left, right):
        if ((children <= at) | (children >= n_nodes)).any():
            raise FileFormatError("a tree has child nodes out of range, or a cycle")


def _check_features(features: Array, width: int | None) -> None:
    if width is None or ((features < 0) | (features >= width)).any():
        raise FileFormatError("a tree has feature indices out of range")


def _check_index(tree: Any) -> None:
    data, order, nodes, _ = tree.get_arrays()
    n_rows = len(data)
    ends = np.concatenate([nodes["idx_start"], nodes["idx_end"]])
    if len(order) != n_rows or ((order < 0) | (order >= n_rows)).any():
        raise FileFormatError("a nearest-neighbors tree has row indices out of range")
    if ((ends < 0) | (ends > n_rows)).any():
        raise FileFormatError("a nearest-neighbors tree has row indices out of range")

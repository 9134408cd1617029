"""Trees of scikit-learn's ensembles as two arrays, instead of one object per tree.

A forest of 100 trees has hundreds of small arrays and objects, which take most of the time and
memory when a `.skt` file is written. All of its trees have the same parameters, so that one of
them, the seeds, and the joined nodes and values describe the forest.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from sktrainer.exceptions import FileFormatError
from sktrainer.files.arrays import new_npy, read_npy

NODES, VALUES = "model.nodes.npy", "model.values.npy"
TREES = "estimators_"
SEED = "random_state"
FIELDS = frozenset({"member", "seeds", "shape", "n_nodes", "max_depths", "tree"})


def stack_trees(model: Any) -> tuple[dict[str, Any], dict[str, bytes]] | None:
    """Return the description of the trees of an ensemble, and their arrays as files.

    None if the model is not an ensemble of scikit-learn, or if its trees differ in more than
    seeds and nodes.
    """
    members = getattr(model, TREES, None)
    if not _is_ensemble(model) or not isinstance(members, (list, np.ndarray)):
        return None
    trees = list(members) if isinstance(members, list) else members.ravel().tolist()
    if not trees or not all(_is_tree(tree) and _are_alike(trees[0], tree) for tree in trees):
        return None
    seeds = [getattr(tree, SEED) for tree in trees]
    if all(seed is seeds[0] for seed in seeds):  # the trees share one generator, or None
        seeds = []
    elif not all(type(seed) is int for seed in seeds):
        return None
    shape = None if isinstance(members, list) else list(members.shape)
    description = {
        "member": _without(trees[0], "tree_"),
        "seeds": seeds,
        "shape": shape,
        "n_nodes": np.array([tree.tree_.node_count for tree in trees], dtype=np.int64),
        "max_depths": np.array([tree.tree_.max_depth for tree in trees], dtype=np.int64),
        "tree": _arguments(trees[0].tree_),
    }
    states = [tree.tree_.__getstate__() for tree in trees]  # views, not copies
    n_nodes, first = int(description["n_nodes"].sum()), states[0]
    nodes_file, nodes = new_npy((n_nodes,), first["nodes"].dtype)
    values_file, values = new_npy((n_nodes, *first["values"].shape[1:]), first["values"].dtype)
    start = 0
    for state in states:
        end = start + len(state["nodes"])
        # Field by field, because the padding between the fields is undefined.
        for name in nodes.dtype.names or ():
            nodes[name][start:end] = state["nodes"][name]
        values[start:end] = state["values"]
        start = end
    # No copies as bytes: a large forest would take its memory once more.
    return description, cast("dict[str, bytes]", {NODES: nodes_file, VALUES: values_file})


def unstack_trees(model: Any, description: object, files: Mapping[str, bytes]) -> None:
    """Set the trees of an ensemble from the result of `stack_trees`.

    Raises
    ------
    FileFormatError
        If the description and the arrays do not belong together. The child and feature indices
        are checked by `validate_trees`.
    """
    from sklearn.tree._tree import Tree

    found = _checked_description(model, description)
    if not {NODES, VALUES} <= set(files):
        raise FileFormatError(f"{NODES} or {VALUES} is missing")
    nodes, values = (read_npy(name, files[name]) for name in (NODES, VALUES))
    arguments, counts = found["tree"], found["n_nodes"]
    expected = (int(counts.sum()), arguments[2], int(arguments[1].max()))
    if nodes.shape != expected[:1] or values.shape != expected or values.dtype != np.float64:
        raise FileFormatError(
            f"the trees have {nodes.shape} nodes and {values.shape} values, expected "
            f"{expected[:1]} and {expected}"
        )
    trees, ends = [], np.cumsum(counts)
    for i, end in enumerate(ends.tolist()):
        start = end - int(counts[i])
        tree = Tree(*arguments)
        tree.__setstate__(
            {
                "max_depth": int(found["max_depths"][i]),
                "node_count": end - start,
                "nodes": nodes[start:end],
                "values": values[start:end],
            }
        )
        member = copy.copy(found["member"])
        if found["seeds"]:
            setattr(member, SEED, found["seeds"][i])
        member.tree_ = tree
        trees.append(member)
    members: Any = trees
    if found["shape"] is not None:
        members = np.empty(len(trees), dtype=object)
        members[:] = trees
        members = members.reshape(found["shape"])
    setattr(model, TREES, members)


def _arguments(tree: Any) -> list[Any]:
    """Return the arguments with which a tree is created."""
    return [int(tree.n_features), np.array(tree.n_classes, dtype=np.int64), int(tree.n_outputs)]


def without_trees(model: Any) -> Any:
    """Return a copy of an ensemble without its trees."""
    return _without(model, TREES)


def _without(estimator: Any, name: str) -> Any:
    copied = copy.copy(estimator)
    delattr(copied, name)
    return copied


def _is_ensemble(model: Any) -> bool:
    return type(model).__module__.startswith("sklearn.ensemble._")


def _is_tree(member: Any) -> bool:
    return type(member).__module__ == "sklearn.tree._classes" and hasattr(member, "tree_")


def _are_alike(first: Any, other: Any) -> bool:
    """Return whether two trees differ in seeds, nodes and values only."""
    if type(first) is not type(other) or vars(first).keys() != vars(other).keys():
        return False
    one, two = first.tree_, other.tree_
    if (one.n_features, one.n_outputs) != (two.n_features, two.n_outputs):
        return False
    return np.array_equal(one.n_classes, two.n_classes) and all(
        _are_equal(value, vars(other)[name])
        for name, value in vars(first).items()
        if name not in ("tree_", SEED)
    )


def _are_equal(one: object, two: object) -> bool:
    if one is two:
        return True
    if type(one) is not type(two):
        return False
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        return one.dtype == two.dtype and one.dtype != object and np.array_equal(one, two)
    if isinstance(one, (list, tuple)) and isinstance(two, (list, tuple)):
        return len(one) == len(two) and all(map(_are_equal, one, two))
    return isinstance(one, (str, int, float, np.generic)) and bool(one == two)


def _checked_description(model: Any, description: object) -> dict[str, Any]:
    """Return a description whose values have valid types and sizes."""
    if not _is_ensemble(model) or not isinstance(description, dict):
        raise FileFormatError("it has trees of a model that is not an ensemble")
    if set(description) != FIELDS:
        raise FileFormatError(f"its trees have the fields {sorted(map(str, description))}")
    counts, depths, shape = (description[k] for k in ("n_nodes", "max_depths", "shape"))
    n_trees = len(counts) if _are_counts(counts) else 0
    valid = n_trees > 0 and counts.min() > 0 and _are_counts(depths) and len(depths) == n_trees
    valid = valid and len(description["seeds"]) in (0, n_trees)
    valid = valid and (shape is None or int(np.prod(shape)) == n_trees)
    member, arguments = description["member"], description["tree"]
    valid = valid and type(member).__module__ == "sklearn.tree._classes"
    # `Tree` reads as many class counts as there are outputs, without a bounds check.
    valid = valid and isinstance(arguments, list) and len(arguments) == 3
    if valid:
        n_features, n_classes, n_outputs = arguments
        valid = type(n_features) is type(n_outputs) is int and n_features > 0 and n_outputs > 0
        valid = valid and _are_counts(n_classes) and len(n_classes) == n_outputs
        valid = valid and n_classes.min() > 0
    if not valid:
        raise FileFormatError("its trees have invalid sizes, seeds or parameters")
    return description


def _are_counts(values: object) -> bool:
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype != np.int64:
        return False
    return len(values) > 0 and int(values.min()) >= 0

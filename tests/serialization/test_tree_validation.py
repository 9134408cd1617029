"""Tests that trees with invalid indices, which could read other memory, are not loaded."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sktrainer.backends.sklearn.stacked_trees import NODES
from tests.serialization.bundles import (
    X,
    fitted,
    json_state,
    members_of,
    npy,
    resealed,
    saved,
    states_in,
    with_state,
    zipped,
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return saved(fitted(DecisionTreeClassifier()), tmp_path_factory.mktemp("tree"))


def with_node(bundle, field, value):
    """Return a file in which a field of the first node has another value."""
    members = members_of(bundle)
    if NODES in members:
        parts, name = members, NODES
    else:
        parts = members_of(members["model.skops"])
        state = next(states_in(json.loads(parts["schema.json"]), "TreeNode"))
        name = state["content"]["content"]["nodes"]["file"]
    nodes = np.load(io.BytesIO(parts[name]))
    nodes[field][0] = value
    parts[name] = npy(nodes)
    if parts is not members:
        members["model.skops"] = zipped(parts, compressed=False)
    return resealed(members)


@pytest.mark.parametrize("model", ["tree", "forest"])
@pytest.mark.parametrize("field", ["left_child", "right_child", "feature"])
def test_tree_with_indices_out_of_range_raises(request, load_error, model, field):
    changed = with_node(request.getfixturevalue(model), field, 10_000_000)
    assert "out of range" in load_error(changed, trusted=True)


@pytest.mark.parametrize("field", ["left", "feature_idx", "bitset_idx"])
def test_hist_boosting_tree_with_indices_out_of_range_raises(load_error, tmp_path, field):
    trainer = fitted(HistGradientBoostingClassifier(max_iter=2))
    members = members_of(saved(trainer, tmp_path))
    parts = members_of(members["model.skops"])
    state = json.loads(parts["schema.json"])
    predictor = next(
        s for s in states_in(state, "ObjectNode") if s["__class__"] == "TreePredictor"
    )
    name = predictor["content"]["content"]["nodes"]["file"]
    nodes = np.load(io.BytesIO(parts[name]))
    nodes[field][0], nodes["is_categorical"][0] = 60_000, 1
    parts[name] = npy(nodes)
    members["model.skops"] = zipped(parts, compressed=False)
    assert "out of range" in load_error(resealed(members), trusted=True)


@pytest.mark.parametrize("model", ["tree", "forest"])
def test_tree_with_a_cycle_raises(request, load_error, model):
    changed = with_node(request.getfixturevalue(model), "left_child", 0)
    assert "a cycle" in load_error(changed, trusted=True)


def test_tree_with_an_invalid_node_count_raises(tree, load_error):
    def change(state):
        found = next(states_in(state, "TreeNode"))
        found["content"]["content"]["node_count"] = json_state(-5)

    assert "an invalid number of nodes" in load_error(with_state(tree, "model.skops", change))


def test_neighbors_tree_with_rows_out_of_range_raises(load_error, tmp_path):
    trainer = fitted(KNeighborsClassifier(algorithm="kd_tree"))
    members = members_of(saved(trainer, tmp_path))
    parts = members_of(members["model.skops"])
    order = np.arange(len(X))
    found = [
        name
        for name, data in parts.items()
        if name.endswith(".npy")
        and (a := np.load(io.BytesIO(data))).shape == order.shape
        and sorted(a.tolist()) == order.tolist()
    ]
    for name in found:
        parts[name] = npy(order + 10**9)
    members["model.skops"] = zipped(parts, compressed=False)
    assert found
    assert "row indices out of range" in load_error(resealed(members), trusted=True)

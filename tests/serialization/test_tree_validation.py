"""Tests that trees with invalid indices, which could read other memory, are not loaded."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier

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


@pytest.mark.parametrize("field", ["left_child", "right_child", "feature"])
def test_tree_with_indices_out_of_range_raises(forest, load_error, field):
    members = members_of(forest)
    parts = members_of(members["model.skops"])
    state = json.loads(parts["schema.json"])
    tree = next(states_in(state, "TreeNode"))
    name = tree["content"]["content"]["nodes"]["file"]
    nodes = np.load(io.BytesIO(parts[name]))
    nodes[field][0] = 10_000_000
    parts[name] = npy(nodes)
    members["model.skops"] = zipped(parts, compressed=False)
    assert "out of range" in load_error(resealed(members), trusted=True)


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


def test_tree_with_a_cycle_raises(forest, load_error):
    members = members_of(forest)
    parts = members_of(members["model.skops"])
    tree = next(states_in(json.loads(parts["schema.json"]), "TreeNode"))
    name = tree["content"]["content"]["nodes"]["file"]
    nodes = np.load(io.BytesIO(parts[name]))
    nodes["left_child"][0] = 0
    parts[name] = npy(nodes)
    members["model.skops"] = zipped(parts, compressed=False)
    assert "a cycle" in load_error(resealed(members), trusted=True)


def test_tree_with_an_invalid_node_count_raises(forest, load_error):
    def change(state):
        tree = next(states_in(state, "TreeNode"))
        tree["content"]["content"]["node_count"] = json_state(-5)

    assert "an invalid number of nodes" in load_error(with_state(forest, "model.skops", change))


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

"""Conversion of HistGradientBoosting to ONNX; skl2onnx does not support categorical splits.

The trees become one TreeEnsembleRegressor of raw scores. A categorical split becomes a chain
of equality tests with a common true branch, which onnxruntime recognizes as a set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from sktrainer.data.numbers import round_down_float32
from sktrainer.exceptions import InputError
from sktrainer.serialization.onnx.graph_builder import ML_DOMAIN, GraphBuilder
from sktrainer.serialization.onnx.inputs import GraphValue, cast_value
from sktrainer.types import Array


def is_hist_boosting(model: Any) -> bool:
    """Return whether a model is a HistGradientBoosting classifier or regressor."""
    return isinstance(model, HistGradientBoostingClassifier | HistGradientBoostingRegressor)


def add_hist_boosting(
    graph: GraphBuilder, model: Any, table: GraphValue, *, exact: bool
) -> tuple[str | None, int, str | None]:
    """Add the trees and the link function of a model.

    `exact` means that the values are bit-identical to the input of the trainer's model. If so,
    thresholds are rounded down to float32, which keeps every split. Otherwise, they are rounded
    to the nearest float32, as the values are. Return the numeric prediction (None for a
    classifier, which predicts the most probable class), its kind, and the probabilities.

    Raises
    ------
    InputError
        If the link function of the loss is not supported.
    """
    from onnx import TensorProto

    kind = TensorProto.FLOAT
    raw = _raw_scores(graph, model, _preprocessed(graph, model, table), exact)
    if isinstance(model, HistGradientBoostingRegressor):
        link = type(model._loss.link).__name__
        if link not in ("IdentityLink", "LogLink"):
            raise InputError(f"to_onnx does not support the link function of {model.loss!r}")
        return (graph.add("Exp", raw) if link == "LogLink" else raw), kind, None
    if model.n_trees_per_iteration_ == 1:  # binary: one raw score, that of the second class
        positive = graph.add("Sigmoid", raw)
        one = graph.constant(np.ones((1, 1), dtype=np.float32))
        both = graph.add("Concat", graph.add("Sub", one, positive), positive, axis=1)
        return None, kind, both
    return None, kind, graph.add("Softmax", raw, axis=1)


def _preprocessed(graph: GraphBuilder, model: Any, table: GraphValue) -> GraphValue:
    """Encode categorical columns as codes and move them first, as the model does."""
    if getattr(model, "_preprocessor", None) is None:
        return table
    encoder = model._preprocessor.named_transformers_["encoder"]
    chosen = np.asarray(model.is_categorical_, dtype=bool)
    parts = []
    for at, known in zip(np.flatnonzero(chosen), encoder.categories_, strict=True):
        column = cast_value(graph, _columns(graph, table, [at]), "float")
        parts.append(
            cast_value(graph, GraphValue(_coded(graph, column, known), "float", 1), "double")
        )
    others = np.flatnonzero(~chosen)
    if len(others):
        parts.append(cast_value(graph, _columns(graph, table, others), "double"))
    name = graph.add("Concat", *(part.name for part in parts), axis=1)
    kind: Any = table.kind
    return cast_value(graph, GraphValue(name, "double", table.width), kind)


def _columns(
    graph: GraphBuilder, table: GraphValue, at: Sequence[np.integer] | Array
) -> GraphValue:
    positions = graph.constant(np.asarray(at, dtype=np.int64))
    return GraphValue(graph.add("Gather", table.name, positions, axis=1), table.kind, len(at))


def _coded(graph: GraphBuilder, column: GraphValue, categories: Array) -> str:
    known = [float(value) for value in categories if value == value]  # without NaN
    return graph.add(
        "LabelEncoder",
        column.name,
        domain=ML_DOMAIN,
        keys_floats=known,
        values_floats=[float(code) for code in range(len(known))],
        default_float=float("nan"),
    )


def _raw_scores(graph: GraphBuilder, model: Any, table: GraphValue, exact: bool) -> str:
    from onnx import numpy_helper

    attributes: dict[str, list[Any]] = defaultdict(list)
    border = round_down_float32 if exact and table.kind == "float" else float
    tree_id = 0
    for trees in model._predictors:
        for target, tree in enumerate(trees):
            _add_tree(attributes, tree, tree_id, target, border)
            tree_id += 1
    attributes["base_values"] = np.ravel(model._baseline_prediction).tolist()
    # ONNX has separate attributes for doubles; a node must not have both.
    if table.kind == "double":
        for key in ("nodes_values", "target_weights", "base_values"):
            tensor: Any = numpy_helper.from_array(np.array(attributes.pop(key)), key)
            attributes[f"{key}_as_tensor"] = tensor
    n_targets = int(model.n_trees_per_iteration_)
    name = "TreeEnsembleRegressor"
    return graph.add(name, table.name, domain=ML_DOMAIN, n_targets=n_targets, **attributes)


def _add_tree(
    to: dict[str, list[Any]],
    tree: Any,
    tree_id: int,
    target: int,
    border: Callable[[float], float],
) -> None:
    """Add the nodes of one tree. Additional nodes of categorical splits are numbered last."""
    nodes, n_ids = tree.nodes, len(tree.nodes)
    for node_id, node in enumerate(nodes):
        left, right = int(node["left"]), int(node["right"])
        to_left, feature = int(node["missing_go_to_left"]), int(node["feature_idx"])
        if node["is_leaf"]:
            _add_node(to, tree_id, node_id, "LEAF", 0, 0.0, 0, 0, 0)
            to["target_treeids"].append(tree_id)
            to["target_nodeids"].append(node_id)
            to["target_ids"].append(target)
            to["target_weights"].append(float(node["value"]))
        elif not node["is_categorical"]:
            value = border(float(node["num_threshold"]))
            _add_node(to, tree_id, node_id, "BRANCH_LEQ", feature, value, left, right, to_left)
        else:
            found = _members(tree.raw_left_cat_bitsets[int(node["bitset_idx"])])
            members = found or [-1]  # matches nothing: only missing values go left
            ids = [node_id, *range(n_ids, n_ids + len(members) - 1)]
            n_ids += len(members) - 1
            for own, code, other in zip(ids, members, [*ids[1:], right], strict=True):
                _add_node(
                    to, tree_id, own, "BRANCH_EQ", feature, float(code), left, other, to_left
                )


def _add_node(
    to: dict[str, list[Any]],
    tree_id: int,
    node_id: int,
    mode: str,
    feature: int,
    value: float,
    true: int,
    false: int,
    missing: int,
) -> None:
    row = {
        "treeids": tree_id,
        "nodeids": node_id,
        "modes": mode,
        "featureids": feature,
        "values": value,
        "truenodeids": true,
        "falsenodeids": false,
        "missing_value_tracks_true": missing,
    }
    for key, entry in row.items():
        to[f"nodes_{key}"].append(entry)


def _members(bitset: Array) -> list[int]:
    """Return the codes in a set of 256 bits, which is stored as eight 32-bit words."""
    return [code for code in range(256) if int(bitset[code // 32]) >> (code % 32) & 1]

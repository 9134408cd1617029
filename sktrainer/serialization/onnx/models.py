"""Conversion of steps and models to ONNX with the converter of each library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble._forest import BaseForest
from sklearn.impute import SimpleImputer
from sklearn.tree import BaseDecisionTree

from sktrainer._optional import require
from sktrainer.backends.estimators import model_name
from sktrainer.backends.registry import find_backend
from sktrainer.exceptions import InputError
from sktrainer.serialization.onnx.graph_builder import OPSETS, GraphBuilder
from sktrainer.serialization.onnx.hist_boosting import add_hist_boosting, is_hist_boosting
from sktrainer.serialization.onnx.inputs import GraphValue, cast_value, concatenate

_EXTRA = "onnx"


@dataclass(frozen=True)
class ModelOutputs:
    """Outputs of a converted model.

    `predicted` are labels (those of the model) or numbers, one per row, in any shape, and
    `kind` is their element type. `probabilities` are floats of shape (n_rows, n_known_classes).
    """

    predicted: str | None
    kind: int
    probabilities: str | None = None


def model_problems(model: Any) -> list[str]:
    """Return the reasons, known without converting it, why a model cannot be exported."""
    converter = find_backend(model).onnx
    return [] if converter is None else converter.problems(model)


def add_step(
    graph: GraphBuilder, name: str, step: object, values: dict[str, GraphValue], *, wide: bool
) -> GraphValue:
    """Add a fitted scikit-learn transformer; `values` maps its input names to values.

    The width of the returned value is 0, since it is not known yet. If `wide` is True,
    doubles are not converted to floats. Not all operators support that.

    Raises
    ------
    InputError
        If skl2onnx has no converter for the step, or the converter fails.
    """
    try:
        outputs = _added_step(graph, step, values, wide)
    except Exception as error:
        raise _refusal(f"step {name!r} ({type(step).__name__})", error) from error
    return outputs[-1]  # clustering returns labels, then distances (its `transform`)


def _added_step(
    graph: GraphBuilder, step: object, values: dict[str, GraphValue], wide: bool
) -> list[GraphValue]:
    from onnx import TensorProto

    if wide and _fills_numbers(step):
        return [_filled(graph, step, list(values.values()))]
    if not wide:
        values = {
            key: value if value.kind == "text" else cast_value(graph, value, "float")
            for key, value in values.items()
        }
    converted = _convert_with_skl2onnx(step, values)
    outputs = graph.embed(converted, [value.name for value in values.values()])
    kinds: dict[int, Any] = {TensorProto.STRING: "text", TensorProto.DOUBLE: "double"}
    return [
        GraphValue(out, kinds[kind], 0)
        if kind in kinds
        else GraphValue(graph.cast(out, TensorProto.FLOAT), "float", 0)
        for out, kind in outputs
    ]


def _fills_numbers(step: Any) -> bool:
    """Return whether a step only imputes NaN. The Imputer of ONNX does not support doubles."""
    return (
        type(step) is SimpleImputer
        and not step.add_indicator
        and isinstance(step.missing_values, float)
        and np.isnan(step.missing_values)
        and step.statistics_.dtype.kind == "f"
        and not np.isnan(step.statistics_).any()
    )


def _filled(graph: GraphBuilder, step: Any, values: list[GraphValue]) -> GraphValue:
    table = cast_value(graph, concatenate(graph, values), "double")
    fill = graph.constant(step.statistics_[np.newaxis].astype(np.float64))
    missing = graph.add("IsNaN", table.name)
    return GraphValue(graph.add("Where", missing, fill, table.name), "double", table.width)


def add_model(
    graph: GraphBuilder, model: Any, values: list[GraphValue], *, classifier: bool, exact: bool
) -> ModelOutputs:
    """Add a fitted model that takes the concatenated values.

    `exact` means that the values are bit-identical to the input of the trainer's model.

    Raises
    ------
    InputError
        If there is no converter for the model, or the converter fails.
    """
    table = concatenate(graph, values)
    try:
        if is_hist_boosting(model):
            return ModelOutputs(*add_hist_boosting(graph, model, table, exact=exact))
        exact = exact and table.kind == "float"
        table = cast_value(graph, table, "float")
        converter = find_backend(model).onnx
        if converter is None:
            converted = _convert_with_skl2onnx(model, {"X": table})
            _set_missing_direction(model, converted)
        else:
            converted = converter.convert(model, table.width, exact=exact, opsets=OPSETS)
        outputs = graph.embed(converted, [table.name])
    except Exception as error:
        raise _refusal(f"the model ({model_name(model)})", error) from error
    predicted, kind = outputs[0]
    probabilities = outputs[1][0] if classifier and len(outputs) > 1 else None
    return ModelOutputs(predicted, kind, probabilities)


def _convert_with_skl2onnx(estimator: Any, feeds: dict[str, GraphValue]) -> Any:
    skl2onnx = require("skl2onnx", _EXTRA)
    types = require("skl2onnx.common.data_types", _EXTRA)
    kinds = {
        "text": types.StringTensorType,
        "float": types.FloatTensorType,
        "double": types.DoubleTensorType,
    }
    initial = [(key, kinds[value.kind]([None, value.width])) for key, value in feeds.items()]
    options = None
    if hasattr(estimator, "classes_") and hasattr(estimator, "predict_proba"):
        options = {id(estimator): {"zipmap": False}}
    return skl2onnx.convert_sklearn(
        estimator, initial_types=initial, target_opset=dict(OPSETS), options=options
    )


def _set_missing_direction(model: Any, converted: Any) -> None:
    """Set the direction of missing values in the trees of a forest, which skl2onnx omits."""
    if not isinstance(model, BaseForest | BaseDecisionTree):
        return
    trees = [model] if isinstance(model, BaseDecisionTree) else model.estimators_
    for node in converted.graph.node:
        if not node.op_type.startswith("TreeEnsemble"):
            continue
        lists = {attribute.name: attribute.ints for attribute in node.attribute}
        pairs = zip(lists["nodes_treeids"], lists["nodes_nodeids"], strict=True)
        to_left = [int(trees[tree].tree_.missing_go_to_left[at]) for tree, at in pairs]
        lists["nodes_missing_value_tracks_true"][:] = to_left


def _refusal(what: str, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    words = " ".join(str(error).split())
    said = words if len(words) <= 300 else f"{words[:300]} ..."
    return InputError(
        f"{what} cannot be converted to ONNX: {type(error).__name__}: {said}; nothing was "
        'written. Remove or replace it, or save the trainer as a ".skt" file'
    )

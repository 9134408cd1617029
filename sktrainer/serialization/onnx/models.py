"""Conversion of steps and models to ONNX with the converter of each library."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass
from pathlib import Path
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
from sktrainer.serialization.onnx.hist_boosting import (
    add_hist_boosting,
    is_hist_boosting,
    round_down_float32,
)
from sktrainer.serialization.onnx.inputs import GraphValue, cast_value, concatenate

__all__ = ["ModelOutputs", "add_model", "add_step", "model_problems"]


_EXTRA = "onnx"


@dataclass(frozen=True)
class ModelOutputs:
    """Outputs of a converted model.

    Attributes
    ----------
    predicted : str or None
        Labels (those of the model) or numbers, one per row, in any shape.
    kind : int
        Element type of `predicted`.
    probabilities : str or None
        Float values of shape (n_rows, n_known_classes).
    """

    predicted: str | None
    kind: int
    probabilities: str | None = None


def model_problems(model: Any) -> list[str]:
    """Return the reasons, known without converting it, why a model cannot be exported."""
    family, name = _family(model), model_name(model)
    if family in ("torch", "keras"):
        call = (
            'trainer.model_.model_.export(path, format="onnx")'
            if family == "keras"
            else "torch.onnx.export(trainer.model_.module_, ...)"
        )
        scaled = getattr(model, "target_scale_", None) is not None
        units = ". Its outputs are standardised: see target_scale in report_" if scaled else ""
        alone = f"export the network alone with {call}{units}"
        return [f"{name} is a network, which to_onnx does not support; {alone}"]
    return _catboost_problems(model, name) if family == "catboost" else []


def _catboost_problems(model: Any, name: str) -> list[str]:
    problems = []
    if model.get_cat_feature_indices():
        problems.append(
            f"{name} has native categorical columns, which CatBoost cannot export to ONNX; "
            'fit with categorical_encoding="onehot", "ordinal" or "target"'
        )
    labels = np.asarray(getattr(model, "classes_", ()))  # empty for a regressor
    if len(labels) and labels.dtype.kind in "bf":
        problems.append(
            f"{name} cannot export boolean or float labels to ONNX; fit on y.astype(str)"
        )
    return problems


def _family(model: Any) -> str:
    return find_backend(model).spec.name


def add_step(
    canvas: GraphBuilder, name: str, step: Any, values: dict[str, GraphValue], *, wide: bool
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
        outputs = _added_step(canvas, step, values, wide)
    except Exception as error:
        raise _refusal(f"step {name!r} ({type(step).__name__})", error) from error
    return outputs[-1]  # clustering returns labels, then distances (its `transform`)


def _added_step(
    canvas: GraphBuilder, step: Any, values: dict[str, GraphValue], wide: bool
) -> list[GraphValue]:
    from onnx import TensorProto

    if wide and _fills_numbers(step):
        return [_filled(canvas, step, list(values.values()))]
    if not wide:
        values = {key: _narrow(canvas, value) for key, value in values.items()}
    converted = _convert_with_skl2onnx(step, values)
    outputs = canvas.embed(converted, [value.name for value in values.values()])
    kinds: dict[int, Any] = {TensorProto.STRING: "text", TensorProto.DOUBLE: "double"}
    return [
        GraphValue(out, kinds[kind], 0)
        if kind in kinds
        else GraphValue(canvas.cast(out, TensorProto.FLOAT), "float", 0)
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


def _filled(canvas: GraphBuilder, step: Any, values: list[GraphValue]) -> GraphValue:
    table = cast_value(canvas, concatenate(canvas, values), "double")
    fill = canvas.constant(step.statistics_[np.newaxis].astype(np.float64))
    missing = canvas.add("IsNaN", table.name)
    return GraphValue(canvas.add("Where", missing, fill, table.name), "double", table.width)


def add_model(
    canvas: GraphBuilder, model: Any, values: list[GraphValue], *, classifier: bool, exact: bool
) -> ModelOutputs:
    """Add a fitted model that takes the concatenated values.

    `exact` means that the values are bit-identical to the input of the trainer's model.

    Raises
    ------
    InputError
        If there is no converter for the model, or the converter fails.
    """
    table = concatenate(canvas, values)
    try:
        if is_hist_boosting(model):
            return ModelOutputs(*add_hist_boosting(canvas, model, table, exact=exact))
        if exact and table.kind == "float" and _family(model) == "lightgbm":
            model = _with_float_borders(model)
        table = cast_value(canvas, table, "float")
        converted = _converted(model, table)
        outputs = canvas.embed(converted, [table.name])
    except Exception as error:
        raise _refusal(f"the model ({model_name(model)})", error) from error
    predicted, kind = outputs[0]
    probabilities = outputs[1][0] if classifier and len(outputs) > 1 else None
    return ModelOutputs(predicted, kind, probabilities)


def _converted(model: Any, table: GraphValue) -> Any:
    ways = {"xgboost": _by_onnxmltools, "lightgbm": _by_onnxmltools, "catboost": _by_catboost}
    way = ways.get(_family(model))
    if way is not None:
        return way(model, table)
    converted = _convert_with_skl2onnx(model, {"X": table})
    _set_missing_direction(model, converted)
    return converted


def _narrow(canvas: GraphBuilder, value: GraphValue) -> GraphValue:
    return value if value.kind == "text" else cast_value(canvas, value, "float")


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


def _by_onnxmltools(model: Any, table: GraphValue) -> Any:
    onnxmltools = require("onnxmltools", _EXTRA)
    types = require("onnxmltools.convert.common.data_types", _EXTRA)
    initial = [("X", types.FloatTensorType([None, table.width]))]
    if _family(model) == "xgboost":
        return onnxmltools.convert_xgboost(
            _nameless(model), initial_types=initial, target_opset=OPSETS[""]
        )
    return onnxmltools.convert_lightgbm(
        _plainly_labelled(model), initial_types=initial, target_opset=OPSETS[""], zipmap=False
    )


def _nameless(model: Any) -> Any:
    """Return an XGBoost model without feature names, which its converter does not support."""
    renamed = copy.copy(model)
    renamed._Booster = model.get_booster().copy()
    renamed._Booster.feature_names = None
    return renamed


def _plainly_labelled(model: Any) -> Any:
    """Return a LightGBM model with labels that its converter supports.

    `add_class_outputs` restores the original labels.
    """
    if getattr(model, "classes_", np.arange(2)).dtype.kind not in "bf":
        return model
    relabelled = copy.copy(model)
    relabelled._classes = np.arange(len(model.classes_))
    return relabelled


def _with_float_borders(model: Any) -> Any:
    """Return a LightGBM model with float32 thresholds that split float32 values identically.

    The converter would round thresholds to the nearest float32, which may be a higher one.
    """
    import lightgbm

    lines = model.booster_.model_to_string().split("\n")
    for at, line in enumerate(lines):
        key, _, values = line.partition("=")
        if key == "threshold":
            borders = (repr(round_down_float32(float(value))) for value in values.split())
            lines[at] = f"threshold={' '.join(borders)}"
    # The sizes of the trees in bytes have changed. LightGBM reads a file without them.
    kept = [line for line in lines if not line.startswith("tree_sizes=")]
    narrowed = copy.copy(model)
    narrowed._Booster = lightgbm.Booster(model_str="\n".join(kept))
    return narrowed


def _by_catboost(model: Any, table: GraphValue) -> Any:
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model.save_model(str(path), format="onnx")
        converted = onnx.load(path)
    graph = converted.graph
    for node in [node for node in graph.node if node.op_type == "ZipMap"]:
        # ZipMap turns the probabilities into a list of dicts: return its input instead.
        graph.node.remove(node)
        for out in [out for out in graph.output if out.name == node.output[0]]:
            graph.output.remove(out)
        graph.output.append(
            onnx.helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, None)
        )
    return converted


def _refusal(what: str, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    words = " ".join(str(error).split())
    said = words if len(words) <= 300 else f"{words[:300]} ..."
    return InputError(
        f"{what} cannot be converted to ONNX: {type(error).__name__}: {said}; nothing was "
        'written. Remove or replace it, or save the trainer as a ".skt" file'
    )

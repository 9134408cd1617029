"""Conversion of CatBoost models to ONNX by CatBoost itself."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer.backends.estimators import model_name

if TYPE_CHECKING:
    from onnx import ModelProto


class CatBoostOnnxConverter:
    """ONNX converter of CatBoost models."""

    def problems(self, model: Any) -> list[str]:
        name, found = model_name(model), []
        if model.get_cat_feature_indices():
            found.append(
                f"{name} has native categorical columns, which CatBoost cannot export to ONNX; "
                'fit with categorical_encoding="onehot", "ordinal" or "target"'
            )
        labels = np.asarray(getattr(model, "classes_", ()))  # empty for a regressor
        if len(labels) and labels.dtype.kind in "bf":
            found.append(
                f"{name} cannot export boolean or float labels to ONNX; fit on y.astype(str)"
            )
        return found

    def convert(
        self, model: Any, n_columns: int, *, exact: bool, opsets: Mapping[str, int]
    ) -> ModelProto:
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

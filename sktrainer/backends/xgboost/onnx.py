"""Conversion of XGBoost models to ONNX by onnxmltools."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sktrainer._optional import require

if TYPE_CHECKING:
    import onnx


class XGBoostOnnxConverter:
    """ONNX converter of XGBoost models."""

    def problems(self, model: Any) -> list[str]:
        return []

    def convert(
        self, model: Any, n_columns: int, *, exact: bool, opsets: Mapping[str, int]
    ) -> onnx.ModelProto:
        onnxmltools = require("onnxmltools", "onnx")
        types = require("onnxmltools.convert.common.data_types", "onnx")
        unnamed = copy.copy(model)  # the converter does not support feature names
        unnamed._Booster = model.get_booster().copy()
        unnamed._Booster.feature_names = None
        return onnxmltools.convert_xgboost(
            unnamed,
            initial_types=[("X", types.FloatTensorType([None, n_columns]))],
            target_opset=opsets[""],
        )

"""Conversion of LightGBM models to ONNX by onnxmltools."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer._optional import require
from sktrainer.data.numbers import round_down_float32

if TYPE_CHECKING:
    import lightgbm
    import onnx


class LightGBMOnnxConverter:
    """ONNX converter of LightGBM models."""

    def problems(self, model: Any) -> list[str]:
        return []

    def convert(
        self, model: Any, n_columns: int, *, exact: bool, opsets: Mapping[str, int]
    ) -> onnx.ModelProto:
        onnxmltools = require("onnxmltools", "onnx")
        types = require("onnxmltools.convert.common.data_types", "onnx")
        converted = copy.copy(model)
        if exact:
            converted._Booster = _with_float32_thresholds(model.booster_)
        if getattr(model, "classes_", np.arange(2)).dtype.kind in "bf":
            # The converter does not support such labels. The exported file has the original
            # labels in any case.
            converted._classes = np.arange(len(model.classes_))
        return onnxmltools.convert_lightgbm(
            converted,
            initial_types=[("X", types.FloatTensorType([None, n_columns]))],
            target_opset=opsets[""],
            zipmap=False,
        )


def _with_float32_thresholds(booster: lightgbm.Booster) -> Any:
    """Return a booster with float32 thresholds that split float32 values identically.

    The converter would round thresholds to the nearest float32, which may be a higher one.
    """
    from lightgbm import Booster

    lines = booster.model_to_string().split("\n")
    for at, line in enumerate(lines):
        key, _, values = line.partition("=")
        if key == "threshold":
            thresholds = (repr(round_down_float32(float(value))) for value in values.split())
            lines[at] = f"threshold={' '.join(thresholds)}"
    # The sizes of the trees in bytes have changed. LightGBM reads a file without them.
    kept = [line for line in lines if not line.startswith("tree_sizes=")]
    return Booster(model_str="\n".join(kept))

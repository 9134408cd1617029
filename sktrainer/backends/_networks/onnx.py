"""ONNX export of networks, which their own library has to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sktrainer.backends.estimators import model_name
from sktrainer.exceptions import InputError

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class NetworkOnnxConverter:
    """Converter that refuses every model and shows how to export its network.

    `export_call` is code that exports the network of a fitted `trainer`.
    """

    export_call: str

    def problems(self, model: Any) -> list[str]:
        scaled = getattr(model, "target_scale_", None) is not None
        units = ". Its outputs are standardized: see target_scale in report_" if scaled else ""
        problem = f"{model_name(model)} is a network, which to_onnx does not support"
        return [f"{problem}; export the network alone with {self.export_call}{units}"]

    def convert(
        self, model: Any, n_columns: int, *, exact: bool, opsets: Mapping[str, int]
    ) -> onnx.ModelProto:
        raise InputError(self.problems(model))

"""Builder of an ONNX graph, which can embed the graphs returned by converters."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from sktrainer.exceptions import InputError
from sktrainer.types import Array

#: Operator domain of encoders and tree ensembles.
ML_DOMAIN = "ai.onnx.ml"

#: Operator set versions, the latest that onnxmltools supports.
OPSETS = {"": 15, ML_DOMAIN: 3}
_IR_VERSION = 8


class GraphBuilder:
    """Builder that collects the nodes, constants, inputs and outputs of an ONNX model.

    A method that adds a value returns its name, which other methods take as input. These
    names start with "/", to avoid conflicts with column names.
    """

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._n_names = 0

    def input(self, name: str, kind: int, width: int) -> str:
        """Declare an input of shape (n_rows, width)."""
        from onnx import helper

        self._inputs.append(helper.make_tensor_value_info(name, kind, ["N", width]))
        return name

    def output(self, name: str, value: str, kind: int, shape: list[Any]) -> None:
        """Declare an output. If an input has the same name, underscores are appended."""
        from onnx import helper

        while any(name == given.name for given in self._inputs):
            name += "_"
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output."""
        from onnx import helper

        name = self._name(op)
        node = helper.make_node(op, inputs, [name], name=name, domain=domain, **attributes)
        self._nodes.append(node)
        return name

    def constant(self, values: npt.ArrayLike) -> str:
        """Add a constant with the dtype of `values`; object arrays contain strings."""
        from onnx import numpy_helper

        name = self._name("constant")
        self._constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def cast(self, value: str, kind: int) -> str:
        """Cast a value to another element type."""
        return self.add("Cast", value, to=kind)

    def flat(self, value: str) -> str:
        """Reshape a column to one dimension."""
        return self.add("Reshape", value, self.constant(np.array([-1], dtype=np.int64)))

    def embed(self, model: Any, feeds: list[str]) -> list[tuple[str, int]]:
        """Embed a ModelProto, with the values named in `feeds` as its inputs.

        Return the name and element type of each output.
        """
        from onnx import compose, helper

        prefix = self._name("part") + "/"  # converters use the same node names in each model
        inner = compose.add_prefix(model, prefix)
        for given, value in zip(inner.graph.input, feeds, strict=True):
            self._nodes.append(helper.make_node("Identity", [value], [given.name]))
        self._nodes.extend(inner.graph.node)
        self._constants.extend(inner.graph.initializer)
        return [(out.name, out.type.tensor_type.elem_type) for out in inner.graph.output]

    def model(self, facts: dict[str, str]) -> Any:
        """Return the ModelProto, with `facts` as its metadata.

        Raises
        ------
        InputError
            If the model does not pass the ONNX checker.
        """
        import onnx

        graph = onnx.helper.make_graph(
            self._nodes, "sktrainer", self._inputs, self._outputs, self._constants
        )
        opsets = [onnx.helper.make_opsetid(*item) for item in OPSETS.items()]
        model = onnx.helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=_IR_VERSION,
            producer_name="sktrainer",
            producer_version=version("sktrainer"),
        )
        onnx.helper.set_model_props(model, facts)
        try:
            onnx.checker.check_model(model)
        except onnx.checker.ValidationError as error:
            raise InputError(
                f"a converter returned an invalid ONNX model: {error}; nothing was written. "
                'Save the trainer as a ".skt" file instead'
            ) from error
        return model

    def _name(self, op: str) -> str:
        self._n_names += 1
        name = f"/{self._n_names}/{op}"
        return self._name(op) if any(name == given.name for given in self._inputs) else name


def string_array(values: Array) -> Array:
    """Return an object array of Python strings, as ONNX requires."""
    found = np.empty(len(values), dtype=object)
    found[:] = [str(value) for value in values]
    return found

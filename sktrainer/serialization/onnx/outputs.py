"""Outputs of the ONNX file, which match `predict` and `predict_proba` of the trainer."""

from __future__ import annotations

import json

import numpy as np

from sktrainer.exceptions import InputError
from sktrainer.scoring.decoded_model import DecodedModel
from sktrainer.scoring.predictor import Predictor
from sktrainer.serialization.onnx.graph_builder import GraphBuilder, string_array
from sktrainer.serialization.onnx.models import ModelOutputs
from sktrainer.types import Array


def onnx_labels(classes: Array | None) -> Array:
    """Return the original labels in an ONNX type: int64, bool, double or string.

    Raises
    ------
    InputError
        If the labels have another type, or y has several outputs.
    """
    if classes is None:
        raise InputError("to_onnx does not support classifiers with several outputs")
    if all(isinstance(label, str) for label in classes):
        return string_array(classes)
    kinds = {"i": np.int64, "u": np.int64, "b": np.bool_, "f": np.float64}
    if classes.dtype.kind not in kinds:
        raise InputError(
            f"labels in an ONNX file must be strings, integers, booleans or floats, got "
            f"{classes.dtype} such as {classes[0]!r}; fit on y.astype(str)"
        )
    return classes.astype(kinds[classes.dtype.kind])


def model_metadata(fitted: Predictor) -> dict[str, str]:
    """Return the metadata of the file: the task, and the classes as JSON."""
    facts: dict[str, str] = {"task": fitted.task}
    if fitted.classes is not None:
        labels = onnx_labels(fitted.classes)
        facts["classes"] = json.dumps(labels.tolist(), ensure_ascii=False)
    return facts


def add_regression_outputs(
    graph: GraphBuilder, outputs: ModelOutputs, n_outputs: int | None
) -> None:
    """Add the output "prediction": one number per row, or `n_outputs` numbers."""
    from onnx import TensorProto

    assert outputs.predicted is not None
    value = graph.flat(outputs.predicted)
    shape: list[str | int] = ["N"]
    if n_outputs is not None:
        wanted = graph.constant(np.array([-1, n_outputs], dtype=np.int64))
        value, shape = graph.add("Reshape", value, wanted), ["N", n_outputs]
    graph.output("prediction", graph.cast(value, TensorProto.FLOAT), TensorProto.FLOAT, shape)


def add_class_outputs(
    graph: GraphBuilder, outputs: ModelOutputs, decoded: DecodedModel, *, probabilities: bool
) -> None:
    """Add the output "label", with the original labels, and optionally "probabilities".

    Raises
    ------
    InputError
        If `probabilities` is True and the converted model does not return any.
    """
    from onnx import TensorProto

    labels = onnx_labels(decoded.classes)
    kind = _kind_of(labels)
    found = outputs.probabilities
    if probabilities and found is None:
        raise InputError(
            "the converter of this model does not support probabilities; nothing was written. "
            'Save the trainer as a ".skt" file instead'
        )
    graph.output("label", _label(graph, outputs, decoded, labels), kind, ["N"])
    if probabilities and found is not None:
        value = _corrected(graph, _expanded(graph, found, decoded), decoded)
        graph.output("probabilities", value, TensorProto.FLOAT, ["N", len(labels)])


def _kind_of(labels: Array) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(labels.dtype))


def _label(
    graph: GraphBuilder, outputs: ModelOutputs, decoded: DecodedModel, labels: Array
) -> str:
    from onnx import TensorProto

    if outputs.predicted is None or (
        decoded.predict_is_argmax and outputs.probabilities is not None
    ):
        assert outputs.probabilities is not None
        codes = graph.add("ArgMax", outputs.probabilities, axis=1, keepdims=0)
        return graph.add("Gather", graph.constant(labels[decoded.class_codes]), codes)
    own = graph.flat(outputs.predicted)
    if not decoded.reads_labels:
        known = graph.constant(labels[np.sort(decoded.class_codes)])
        return graph.add("Gather", known, graph.cast(own, TensorProto.INT64))
    kind = _kind_of(labels)
    return own if outputs.kind == kind else graph.cast(own, kind)


def _expanded(graph: GraphBuilder, value: str, decoded: DecodedModel) -> str:
    codes, n_classes = decoded.class_codes, len(decoded.classes)
    if decoded.is_complete:
        return value
    # Classes that the model does not know get probability 0, and the others are reordered.
    places = np.zeros((len(codes), n_classes), dtype=np.float32)
    places[np.arange(len(codes)), codes] = 1
    return graph.add("MatMul", value, graph.constant(places))


def _corrected(graph: GraphBuilder, value: str, decoded: DecodedModel) -> str:
    """Undo the prior shift, as `correct_priors` does."""
    if decoded.prior_shift is None:
        return value
    shift = np.asarray(decoded.prior_shift, dtype=float)
    factors = np.divide(1.0, shift, out=np.zeros_like(shift), where=shift > 0)
    # A row of zeros cannot be normalized, and keeps the uncorrected probabilities.
    weighed = graph.add("Mul", value, graph.constant(factors.astype(np.float32)[np.newaxis]))
    axes = graph.constant(np.array([1], dtype=np.int64))
    total = graph.add("ReduceSum", weighed, axes, keepdims=1)
    nothing = graph.add("Equal", total, graph.constant(np.zeros((1, 1), dtype=np.float32)))
    return graph.add("Where", nothing, value, graph.add("Div", weighed, total))

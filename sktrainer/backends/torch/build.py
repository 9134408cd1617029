"""Fill in what a torch net leaves open: loss, optimizer and output size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import skorch
from torch import nn

from sktrainer.backends._networks.data import auto_batch_size, describe_target_columns
from sktrainer.backends._networks.embeddings import check_embedding_inputs
from sktrainer.backends._networks.target_scale import TargetScale
from sktrainer.backends.base import FitRequest, PartialFitRequest
from sktrainer.backends.torch.data import record_embedding_inputs
from sktrainer.backends.torch.estimator import ModuleNet
from sktrainer.backends.torch.mixin import with_mixin
from sktrainer.backends.torch.outputs import is_unbounded, last_autograd_op, untrained_outputs
from sktrainer.backends.torch.recognize import constructor_names
from sktrainer.data.indexing import count_rows, take_rows
from sktrainer.exceptions import ParameterError
from sktrainer.types import Array

PROBE_ROWS = 2


def complete_net(request: FitRequest) -> Any:
    """Return the net to fit: a managed one with the same parameters.

    For the net of a bare Module, the class of the net, loss, batch size and number of outputs
    are set according to the task and the table.
    """
    net, X = request.model, request.train.X
    sample = take_rows(X, np.arange(min(PROBE_ROWS, count_rows(X))))
    kind: Any = type(net)
    attributes: dict[str, Any] = {"sample_": sample}
    if kind is ModuleNet:
        net.set_params(**_sizes(net, request))
        kind, inferred = infer_net_and_loss(net, _n_classes(request), sample)
        attributes["mixed_"] = net.precision == "bfloat16"
        attributes["target_scale_"] = _target_scale(net, request, sample)
        parameters = net.get_params(deep=False) | inferred
        parameters = {k: v for k, v in parameters.items() if k not in ModuleNet.OWN_PARAMS}
    else:
        parameters = net.get_params(deep=False)
    net = with_mixin(kind)(**parameters)
    vars(net).update(attributes)
    net.weighted_ = request.train.sample_weight is not None
    net.n_classes_ = _n_classes(request)
    # A schedule refers to its optimizer. If the two were copied or pickled separately, the
    # schedule would update another optimizer.
    if "callbacks" not in net.cuda_dependent_attributes_:
        net.cuda_dependent_attributes_ = [*net.cuda_dependent_attributes_, "callbacks"]
    return net


def _n_classes(request: FitRequest) -> int:
    if request.task != "classification":
        return 0
    if isinstance(request, PartialFitRequest) and request.classes is not None:
        return len(request.classes)
    return int(np.max(request.train.y)) + 1


def _sizes(net: ModuleNet, request: FitRequest) -> dict[str, Any]:
    """Return the batch size and the number of outputs if they are not set."""
    sizes: dict[str, Any] = {}
    if net.batch_size == "auto":
        sizes["batch_size"] = auto_batch_size(len(request.train))
    if "n_outputs" in constructor_names(net.module) and not hasattr(net, "module__n_outputs"):
        columns = np.shape(request.train.y)[1:] or (1,)
        sizes["module__n_outputs"] = _n_classes(request) or columns[0]
    return sizes


def _target_scale(net: ModuleNet, request: FitRequest, sample: Any) -> TargetScale | None:
    """Return the scale of a regression's target, or None if it is not standardized.

    With scale_target="auto", it is not standardized if there is a user-defined loss, which
    may depend on the units; if outputs are bounded; or if they already have this scale.
    """
    if request.task != "regression":
        return None
    scale = TargetScale.fit(request.train.y, request.train.sample_weight)
    if net.scale_target != "auto":
        return scale if net.scale_target else None
    if net.criterion is not None:
        return None
    outputs = untrained_outputs(net, sample)
    is_met = scale.matches(outputs.detach().float().numpy())
    return scale if is_unbounded(outputs) and not is_met else None


def network_targets(net: skorch.NeuralNet, request: FitRequest, y: Array) -> Array:
    """Return targets with the dtype and shape that the loss expects."""
    if isinstance(net, skorch.NeuralNetBinaryClassifier):
        return np.asarray(y, dtype=np.float32)
    if request.task == "classification":
        return np.asarray(y, dtype=np.int64)
    scale = net.target_scale_
    values = np.array(y, dtype=np.float32) if scale is None else scale.transform(y)
    return values.reshape(len(values), *net.output_shape_)


def check_outputs(net: skorch.NeuralNet, request: FitRequest) -> None:
    """Record the shape of the outputs, and raise if it does not match the target.

    Raise an error as well if an embedding cannot look up some of the rows.
    """
    with record_embedding_inputs(net.module_, net.sample_) as embeddings:
        found = net.output_shape_ = tuple(net.outputs(net.sample_).shape[1:])
    check_embedding_inputs(
        embeddings, (rows.X for rows in (request.train, request.validation) if rows)
    )
    y_shape = np.shape(request.train.y)[1:] or (1,)
    net.flat_output_ = request.task == "regression" and y_shape == (1,)
    n_classes = net.n_classes_
    if isinstance(net, skorch.NeuralNetBinaryClassifier):
        fits, wanted = n_classes <= 2, "at most 2 classes for one output"
    elif n_classes:
        fits = len(found) > 0 and found[0] >= n_classes
        wanted = f"at least {n_classes} outputs, one for each class"
    else:
        fits = found == y_shape or (found == () and y_shape == (1,))
        wanted = f"outputs of shape (n_samples, {y_shape[0]})"
    if not fits:
        got = ", ".join(map(str, ("n_samples", *found)))
        kind = type(net.module_).__name__
        what = f"{n_classes} classes" if n_classes else describe_target_columns(y_shape[0])
        raise ParameterError(
            f"expected {wanted}, got {kind} with outputs of shape ({got}) for {what}; change "
            "its last layer, or pass a Module class whose constructor has a parameter "
            "n_outputs, which sktrainer fills in"
        )


SINGLE_OUTPUT_LOSSES = (nn.BCEWithLogitsLoss, nn.BCELoss)


def infer_net_and_loss(
    net: ModuleNet, n_classes: int, sample: Any
) -> tuple[Any, dict[str, Any]]:
    """Return the class of the skorch net, and the parameters that depend on it.

    If the criterion is not set, the loss follows from the module's outputs for the rows
    `sample`: logits, or probabilities after a sigmoid or a softmax. `n_classes` is 0 for a
    regression.
    """
    given = net.criterion
    if not n_classes:
        return skorch.NeuralNetRegressor, {"criterion": given or nn.MSELoss}
    if given is not None and given is not nn.NLLLoss:
        binary = isinstance(given, SINGLE_OUTPUT_LOSSES) or given in SINGLE_OUTPUT_LOSSES
        return _binary(given) if binary else _of_many(given)
    outputs = untrained_outputs(net, sample)
    last = last_autograd_op(outputs)
    if given is None and n_classes <= 2 and (outputs.ndim == 1 or outputs.shape[-1] == 1):
        return _binary(nn.BCELoss if last == "Sigmoid" else nn.BCEWithLogitsLoss)
    # skorch itself takes the logarithm of the outputs for NLLLoss. Outputs of a log-softmax
    # would become NaN; with cross-entropy they have the same loss.
    of_probabilities = last == "Softmax" if given is None else last != "LogSoftmax"
    return _of_many(nn.NLLLoss if of_probabilities else nn.CrossEntropyLoss)


def _binary(criterion: Callable[..., Any]) -> tuple[Any, dict[str, Any]]:
    return skorch.NeuralNetBinaryClassifier, {"criterion": criterion, "threshold": 0.5}


def _of_many(criterion: Callable[..., Any]) -> tuple[Any, dict[str, Any]]:
    return skorch.NeuralNetClassifier, {"criterion": criterion, "classes": None}

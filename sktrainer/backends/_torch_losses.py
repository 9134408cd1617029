"""Class of the net and loss for a bare Module, inferred from its outputs."""

from __future__ import annotations

from typing import Any

import skorch  # so this module may only be imported in functions
from torch import nn

from sktrainer.backends._torch_looks import last_autograd_op, untrained_outputs

__all__ = ["infer_net_and_loss"]

SINGLE_OUTPUT_LOSSES = (nn.BCEWithLogitsLoss, nn.BCELoss)


def infer_net_and_loss(net: Any, n_classes: int, sample: Any) -> tuple[Any, dict[str, Any]]:
    """Return the class of the skorch net, and the parameters that depend on it.

    Parameters
    ----------
    net : ModuleNet
        If its criterion is not set, the loss follows from the module's outputs: logits, or
        probabilities after a sigmoid or a softmax.
    n_classes : int
        0 for a regression.
    sample : array of shape (n_rows, ...), or dict of such
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


def _binary(criterion: Any) -> tuple[Any, dict[str, Any]]:
    return skorch.NeuralNetBinaryClassifier, {"criterion": criterion, "threshold": 0.5}


def _of_many(criterion: Any) -> tuple[Any, dict[str, Any]]:
    return skorch.NeuralNetClassifier, {"criterion": criterion, "classes": None}

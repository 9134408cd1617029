"""Which kind of net, and which loss, a bare Module's outputs ask for.

This module names skorch and torch at its top and is therefore imported only inside
functions.
"""

from __future__ import annotations

from typing import Any

import skorch
from torch import nn

from sktrainer.backends._torch_looks import last_step, untrained_outputs

__all__ = ["kind_and_loss"]

OF_ONE_OUTPUT = (nn.BCEWithLogitsLoss, nn.BCELoss)


def kind_and_loss(net: Any, n_classes: int, sample: Any) -> tuple[Any, dict[str, Any]]:
    """Return the class of skorch's net, and the parameters that it decides.

    Parameters
    ----------
    net : ModuleNet
        The caller's criterion stands; where it is open, the loss is the one of what the
        module gives: logits, or probabilities after a sigmoid or a softmax.
    n_classes : int
        0 for a regression.
    sample : array of shape (n_rows, ...), or dict of such
    """
    given = net.criterion
    if not n_classes:
        return skorch.NeuralNetRegressor, {"criterion": given or nn.MSELoss}
    if given is not None and given is not nn.NLLLoss:
        binary = isinstance(given, OF_ONE_OUTPUT) or given in OF_ONE_OUTPUT
        return _binary(given) if binary else _of_many(given)
    outputs = untrained_outputs(net, sample)
    last = last_step(outputs)
    if given is None and n_classes <= 2 and (outputs.ndim == 1 or outputs.shape[-1] == 1):
        return _binary(nn.BCELoss if last == "Sigmoid" else nn.BCEWithLogitsLoss)
    # skorch takes the logarithm for this loss itself: of logarithms it would be NaN.
    of_probabilities = last == "Softmax" if given is None else last != "LogSoftmax"
    return _of_many(nn.NLLLoss if of_probabilities else nn.CrossEntropyLoss)


def _binary(criterion: Any) -> tuple[Any, dict[str, Any]]:
    return skorch.NeuralNetBinaryClassifier, {"criterion": criterion, "threshold": 0.5}


def _of_many(criterion: Any) -> tuple[Any, dict[str, Any]]:
    return skorch.NeuralNetClassifier, {"criterion": criterion, "classes": None}

"""Output shape, loss and link function of a torch network."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from skorch import NeuralNet
from torch import nn
from torch.autograd.graph import Node

from sktrainer.backends.torch.data import to_tensors, torch_input
from sktrainer.exceptions import ParameterError

Tensors: TypeAlias = torch.Tensor | dict[str, torch.Tensor]


def probe_module(
    module: nn.Module, X: Any, call: Callable[[Any], Any] | None = None
) -> torch.Tensor:
    """Return a module's first output for a few rows, without training.

    `call` passes the rows through the module; None calls the module on the CPU.

    Raises
    ------
    ParameterError
        If the module fails on these rows.
    """
    rows = to_tensors(torch_input(X))
    try:
        with torch.no_grad():
            if call is not None:
                found = call(rows)
            else:
                found = module(**rows) if isinstance(rows, dict) else module(rows)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise ParameterError(_shape_error(module, rows, error)) from error
    return found[0] if isinstance(found, tuple) else found


def _shape_error(module: nn.Module, rows: Tensors, error: Exception) -> str:
    """Return an error message with the module's input and the probable fix."""
    named = rows if isinstance(rows, dict) else {"X": rows}
    got = ", ".join(
        f"{name} of {str(values.dtype).removeprefix('torch.')} and shape {tuple(values.shape)}"
        for name, values in named.items()
    )
    advice = _shape_hint(module, rows, error)
    return f"{type(module).__name__} failed on the first rows, {got}: {error}; {advice}"


def _shape_hint(module: nn.Module, rows: Tensors, error: Exception) -> str:
    if isinstance(rows, dict) and isinstance(error, TypeError):
        names = ", ".join(inspect.signature(module.forward).parameters)
        return f"the keys of X are passed to forward as keyword arguments; it accepts {names}"
    named = rows.values() if isinstance(rows, dict) else (rows,)
    has_integers = any(values.dtype == torch.int64 for values in named)
    embeds = any(isinstance(m, (nn.Embedding, nn.EmbeddingBag)) for m in module.modules())
    if embeds and not has_integers:
        return (
            "an Embedding needs integers: pass an integer array and preprocessor=None, "
            "because preprocessor='auto' scales numbers"
        )
    if embeds and isinstance(error, IndexError):
        return "num_embeddings of an Embedding must be greater than the largest index"
    if has_integers:
        return (
            "integers are passed to the network unchanged, as an Embedding needs them: pass "
            "X.astype('float32') if they are quantities"
        )
    return "change its forward to accept this input"


# Operations by their names in autograd: those that only rearrange values; those whose results
# are unbounded if their inputs are; and those whose results are unbounded.
_RESHAPE_OPS = frozenset(
    "Alias Expand Permute Reshape ReshapeAlias Select Slice Split Squeeze T ToCopy Transpose "
    "Unbind UnsafeView Unsqueeze View".split()
)

_PASS_THROUGH_OPS = _RESHAPE_OPS | frozenset("Add Cat Div Mean Mul Neg Stack Sub Sum".split())
_LINEAR_OPS = frozenset("Addmm Addmv Baddbmm Bmm Convolution Linear Mm Mv".split())


def untrained_outputs(net: NeuralNet, sample: Any) -> torch.Tensor:
    """Return the outputs of a net's module for a few rows, with their autograd graph.

    The module is created for this call only, and the random state stays unchanged.
    """
    with torch.random.fork_rng(devices=[]):
        made = net.initialized_instance(net.module, net.get_params_for("module"))
        module = copy.deepcopy(made).cpu().eval()

        def followed(rows: Tensors) -> Any:
            with torch.enable_grad():
                return module(**rows) if isinstance(rows, dict) else module(rows)

        return probe_module(module, sample, followed)


def is_unbounded(outputs: torch.Tensor) -> bool:
    """Return whether outputs can be any number, as after a linear last layer.

    The outputs of a softplus, a sigmoid or an exponential are bounded.

    Examples
    --------
    >>> layer = torch.nn.Linear(2, 1)
    >>> is_unbounded(layer(torch.ones(3, 2))[:, 0])
    True
    >>> is_unbounded(layer(torch.ones(3, 2)).exp())
    False
    """
    waiting, seen = [outputs.grad_fn], set()
    while waiting:
        step = waiting.pop()
        if step is None or step in seen:
            continue
        seen.add(step)
        name = _name(step)
        if name in _LINEAR_OPS:
            return True
        if name in _PASS_THROUGH_OPS:
            waiting += _previous_ops(step)
    return False


def last_autograd_op(outputs: torch.Tensor) -> str:
    """Return autograd's name of the last computation, or "" if there is none.

    Examples
    --------
    >>> last_autograd_op(torch.nn.Linear(2, 3)(torch.ones(4, 2)).softmax(dim=1)[:, :2])
    'Softmax'
    """
    step = outputs.grad_fn
    while step is not None and _name(step) in _RESHAPE_OPS:
        step = next(iter(_previous_ops(step)), None)
    return "" if step is None else _name(step)


def _name(step: Node) -> str:
    """Return the name of an autograd node, such as "Addmm" for AddmmBackward0."""
    return str(step.name()).rstrip("0123456789").removesuffix("Backward")


def _previous_ops(step: Node) -> list[Any]:
    return [before for before, _ in step.next_functions if before is not None]

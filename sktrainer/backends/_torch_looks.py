"""Inspection of a module's outputs before training."""

from __future__ import annotations

import copy
from typing import Any

import torch  # so this module may only be imported in functions

from sktrainer.backends._torch_batches import probe_module

__all__ = ["is_unbounded", "last_autograd_op", "untrained_outputs"]

# Operations by their names in autograd: those that only rearrange values; those whose results
# are unbounded if their inputs are; and those whose results are unbounded.
_RESHAPE_OPS = frozenset(
    "Alias Expand Permute Reshape ReshapeAlias Select Slice Split Squeeze T ToCopy Transpose "
    "Unbind UnsafeView Unsqueeze View".split()
)
_PASS_THROUGH_OPS = _RESHAPE_OPS | frozenset("Add Cat Div Mean Mul Neg Stack Sub Sum".split())
_LINEAR_OPS = frozenset("Addmm Addmv Baddbmm Bmm Convolution Linear Mm Mv".split())


def untrained_outputs(net: Any, sample: Any) -> torch.Tensor:
    """Return the outputs of a net's module for a few rows, with their autograd graph.

    The module is created for this call only, and the random state stays unchanged.
    """
    with torch.random.fork_rng(devices=[]):
        made = net.initialized_instance(net.module, net.get_params_for("module"))
        module = copy.deepcopy(made).cpu().eval()

        def followed(rows: Any) -> Any:
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
    >>> last_step(torch.nn.Linear(2, 3)(torch.ones(4, 2)).softmax(dim=1)[:, :2])
    'Softmax'
    """
    step = outputs.grad_fn
    while step is not None and _name(step) in _RESHAPE_OPS:
        step = next(iter(_previous_ops(step)), None)
    return "" if step is None else _name(step)


def _name(step: Any) -> str:
    """Return the name of an autograd node, such as "Addmm" for AddmmBackward0."""
    return str(step.name()).rstrip("0123456789").removesuffix("Backward")


def _previous_ops(step: Any) -> list[Any]:
    return [before for before, _ in step.next_functions if before is not None]

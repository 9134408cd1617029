"""Looks at what comes out of a module before anything is trained.

This module names torch at its top and is therefore imported only inside functions.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from sktrainer.backends._torch_batches import tried

__all__ = ["is_unbounded", "last_step", "untrained_outputs"]

# Steps, by autograd's names: those that only arrange numbers; those that besides leave any
# number possible where one before them did; and those that make any number possible.
_ARRANGING = frozenset(
    "Alias Expand Permute Reshape ReshapeAlias Select Slice Split Squeeze T ToCopy Transpose "
    "Unbind UnsafeView Unsqueeze View".split()
)
_PASSING = _ARRANGING | frozenset("Add Cat Div Mean Mul Neg Stack Sub Sum".split())
_PRODUCTS = frozenset("Addmm Addmv Baddbmm Bmm Convolution Linear Mm Mv".split())


def untrained_outputs(net: Any, sample: Any) -> torch.Tensor:
    """Return what a net's module gives for a few rows, with the way there for gradients.

    The module is made for this look alone: a fit starts from its seed as if it had not been.
    """
    with torch.random.fork_rng(devices=[]):
        made = net.initialized_instance(net.module, net.get_params_for("module"))
        module = copy.deepcopy(made).cpu().eval()

        def followed(rows: Any) -> Any:
            with torch.enable_grad():
                return module(**rows) if isinstance(rows, dict) else module(rows)

        return tried(module, sample, followed)


def is_unbounded(outputs: torch.Tensor) -> bool:
    """Tell whether outputs can be any number, as after a last layer that is linear.

    After a softplus, a sigmoid or an exponential they cannot.

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
        if name in _PRODUCTS:
            return True
        if name in _PASSING:
            waiting += _before(step)
    return False


def last_step(outputs: torch.Tensor) -> str:
    """Name the last that was computed, by autograd's name; empty where nothing was.

    Examples
    --------
    >>> last_step(torch.nn.Linear(2, 3)(torch.ones(4, 2)).softmax(dim=1)[:, :2])
    'Softmax'
    """
    step = outputs.grad_fn
    while step is not None and _name(step) in _ARRANGING:
        step = next(iter(_before(step)), None)
    return "" if step is None else _name(step)


def _name(step: Any) -> str:
    return str(step.name()).rstrip("0123456789").removesuffix("Backward")


def _before(step: Any) -> list[Any]:
    return [before for before, _ in step.next_functions if before is not None]

"""Looks at what comes out of a module before anything is trained.

This module names torch at its top and is therefore imported only inside functions.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from sktrainer.backends._torch_batches import tried

__all__ = ["is_unbounded", "untrained_outputs"]

_PRODUCTS = frozenset("Addmm Addmv Baddbmm Bmm Convolution Linear Mm Mv".split())
_PASSING = frozenset(
    "Add Alias Cat Div Expand Mean Mul Neg Permute Reshape ReshapeAlias Select Slice Split "
    "Squeeze Stack Sub Sum T ToCopy Transpose Unbind UnsafeView Unsqueeze View".split()
)
"""Steps, by autograd's names, that leave any number possible where one before them did."""


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
        name = step.name().rstrip("0123456789").removesuffix("Backward")
        if name in _PRODUCTS:
            return True
        if name in _PASSING:
            waiting += [before for before, _ in step.next_functions]
    return False

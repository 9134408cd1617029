"""A bare torch Module, class or instance: recognised without torch, wrapped as a net."""

from __future__ import annotations

import inspect
from typing import Any

from sktrainer._optional import require

__all__ = [
    "as_net",
    "constructor_defaults",
    "constructor_names",
    "is_module",
    "model_name",
    "was_trained",
]


def is_module(estimator: Any) -> bool:
    """Tell whether this is a torch Module, its class or an instance.

    Examples
    --------
    >>> is_module(dict)
    False
    """
    mro = estimator.__mro__ if isinstance(estimator, type) else type(estimator).__mro__
    return any(
        c.__name__ == "Module" and c.__module__ == "torch.nn.modules.module" for c in mro
    )


def model_name(model: Any) -> str:
    """Return the name that a model goes by: its class's, or that of what it stands for.

    A net of ours around a bare Module says by `stands_for` which parameter holds that.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> model_name(Ridge()), model_name(Ridge)
    ('Ridge', 'Ridge')
    """
    inner = getattr(type(model), "stands_for", None)
    if isinstance(inner, str):
        return model_name(getattr(model, inner))
    return str(getattr(model, "__name__", type(model).__name__))


def as_net(module: Any) -> Any:
    """Return the skorch net that trains this module.

    Raises
    ------
    ImportError
        skorch is not installed.
    """
    require("skorch", "torch")
    from sktrainer.backends._torch_module_net import ModuleNet

    return ModuleNet(module)


def constructor_names(module: Any) -> set[str]:
    """Return the names that the constructor of a Module class takes; none of an instance."""
    if not isinstance(module, type):
        return set()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(module).parameters.values()
    return {parameter.name for parameter in parameters if parameter.kind in named}


def constructor_defaults(module: Any) -> dict[str, Any]:
    """Return the arguments of a Module class's constructor that have a default.

    Without `n_outputs`: it follows from the target unless it is set.
    """
    names = constructor_names(module)
    if not names:
        return {}
    parameters = inspect.signature(module).parameters
    return {
        name: parameters[name].default
        for name in sorted(names - {"n_outputs"})
        if parameters[name].default is not inspect.Parameter.empty
    }


def was_trained(model: Any) -> bool:
    """Tell whether a Module instance, or the one in a net, bears traces of training.

    Gradients, or batches that a normalising layer has counted: weights alone do not tell.
    """
    module: Any = getattr(model, "module", None)
    if isinstance(module, type) or not is_module(module):
        return False
    counted = (b for name, b in module.named_buffers() if name.endswith("num_batches_tracked"))
    return any(p.grad is not None for p in module.parameters()) or any(map(bool, counted))

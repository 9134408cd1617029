"""Recognition of torch Modules without importing torch, and their conversion to nets."""

from __future__ import annotations

from typing import Any

from sktrainer.runtime.signatures import default_values, named_parameters


def is_torch_module(estimator: Any) -> bool:
    """Return whether this is a torch Module, either a class or an instance.

    Examples
    --------
    >>> is_torch_module(dict)
    False
    """
    mro = estimator.__mro__ if isinstance(estimator, type) else type(estimator).__mro__
    return any(
        c.__name__ == "Module" and c.__module__ == "torch.nn.modules.module" for c in mro
    )


def is_torch_network(estimator: Any) -> bool:
    """Return whether this is a torch Module or a skorch net."""
    mro = type(estimator).__mro__
    return is_torch_module(estimator) or any(c.__module__.startswith("skorch.") for c in mro)


def constructor_names(module: object) -> set[str]:
    """Return the constructor's parameter names of a Module class; empty for an instance."""
    return set(named_parameters(module)) if isinstance(module, type) else set()


def constructor_defaults(module: object) -> dict[str, Any]:
    """Return the default arguments of a Module class's constructor.

    `n_outputs` is left out because it depends on the target unless it is set.
    """
    return default_values(module, but={"n_outputs"}) if isinstance(module, type) else {}

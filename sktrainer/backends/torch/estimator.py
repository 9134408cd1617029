"""skorch net for a bare torch Module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from skorch import NeuralNet
from torch import nn

from sktrainer.backends._networks.parameters import (
    choice_problems,
    missing_problems,
    number_problems,
    rate_problems,
    unknown_problems,
)
from sktrainer.backends.torch.recognize import constructor_defaults, constructor_names
from sktrainer.exceptions import ParameterError
from sktrainer.runtime.signatures import accepts_any_keyword, required_names


class ModuleNet(NeuralNet):
    """Estimator for a torch Module; `fit` infers from the task what is not set.

    Parameters
    ----------
    module : torch.nn.Module class or instance
        `module__hidden`, or `hidden` for short, is passed to the constructor of a class.
    criterion : loss class or None, default=None
        None: cross-entropy (binary for a module with one output) or squared error.
    optimizer : optimizer class, default=torch.optim.Adam
    lr : float, default=0.001
    max_epochs : int, default=200
    batch_size : int or "auto", default="auto"
        "auto": about 1/32 of the rows, as a power of two from 32 to 1024.
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16": run the module under `torch.autocast` in mixed precision; weights,
        outputs and loss stay float32.
    scale_target : bool or "auto", default="auto"
        Whether to standardize a regression target by the mean and standard deviation of
        the training rows; predictions are in the original units. "auto": if `criterion` is
        None and the module ends in a linear layer.
    **parameters : object
        Parameters of `skorch.NeuralNet`.
    """

    wrapped_parameter = "module"

    OWN_PARAMS = ("precision", "scale_target")
    """Parameters that skorch's own nets do not have."""

    def __init__(
        self,
        module: nn.Module | Callable[..., nn.Module],
        *,
        criterion: Callable[..., Any] | None = None,
        optimizer: Callable[..., Any] = torch.optim.Adam,
        lr: float = 0.001,
        max_epochs: int = 200,
        batch_size: int | str = "auto",
        precision: str = "float32",
        scale_target: bool | str = "auto",
        train_split: Callable[..., Any] | None = None,
        verbose: int = 0,
        iterator_train__shuffle: bool = True,
        **parameters: Any,
    ) -> None:
        super().__init__(
            module,
            criterion=criterion,
            optimizer=optimizer,
            lr=lr,
            max_epochs=max_epochs,
            batch_size=batch_size,
            train_split=train_split,
            verbose=verbose,
            iterator_train__shuffle=iterator_train__shuffle,
            **parameters,
        )
        self.precision = precision
        self.scale_target = scale_target

    def get_params(self, deep: bool = True, **options: Any) -> dict[str, Any]:
        """Return the parameters; `deep` adds the defaults of the module's class."""
        params: dict[str, Any] = super().get_params(deep=deep, **options)
        if not deep:
            return params
        defaults = constructor_defaults(self.module)
        return {f"module__{name}": value for name, value in defaults.items()} | params

    def set_params(self, **params: Any) -> ModuleNet:
        """Set parameters, including those of the module's constructor by their names."""
        own, inner = self.get_params(deep=False), constructor_names(self.module)
        named = {
            f"module__{name}" if name in inner and name not in own else name: value
            for name, value in params.items()
        }
        prefixes = {*own, *self.prefixes_}
        unknown = {name for name in named if name.partition("__")[0] not in prefixes}
        problems = unknown_problems(self.module, unknown, {*own, *inner})
        if problems:
            raise ParameterError(problems)
        super().set_params(**named)
        return self

    def problems(self) -> list[str]:
        """Return a message for each parameter that the module cannot be trained with."""
        routed = (name for name in vars(self) if name.startswith("module__"))
        given = {name.removeprefix("module__") for name in routed}
        missing, unknown = set(), set()
        names = constructor_names(self.module)
        if names:
            missing = required_names(self.module) - given - {"n_outputs"}
            unknown = set() if accepts_any_keyword(self.module) else given - names
        precise = "float16 needs gradient scaling, for which you can pass your own skorch net"
        return [
            *missing_problems(self.module, missing, "n_outputs"),
            *unknown_problems(self.module, unknown, names),
            *_class_problems("optimizer", self.optimizer, "torch.optim.Adam"),
            *_class_problems("criterion", self.criterion, "torch.nn.MSELoss"),
            *rate_problems("lr", self.lr),
            *number_problems("max_epochs", self.max_epochs),
            *number_problems("batch_size", self.batch_size, besides=("auto", -1)),
            *choice_problems(
                "precision", self.precision, ("float32", "bfloat16"), hint=precise
            ),
            *choice_problems("scale_target", self.scale_target, (True, False, "auto")),
        ]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = "n_outputs" in constructor_names(self.module)
        return tags


def _class_problems(name: str, value: object, example: str) -> list[str]:
    if value is None or callable(value):
        return []
    return [f"{name} must be a class, such as {example}, got {value!r}"]

"""Arguments of a function that a configuration can set."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def accepts_config(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function take the arguments that are not passed from a configuration."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        given = dict(signature.bind_partial(*args, **kwargs).arguments)
        given |= given.pop("trainer_params", {})
        config = given.pop("config", None)
        if config is None:
            return function(*args, **kwargs)
        from sktrainer.config.reader import load_config
        from sktrainer.config.run import run_arguments

        run = load_config(config)
        any_arguments: Callable[..., R] = function
        return any_arguments(**run_arguments(run, given), config=run)

    return call

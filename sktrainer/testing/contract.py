"""List of all contract checks."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from sktrainer.testing.cases import Case

__all__ = ["contract_checks"]


def contract_checks() -> list[Callable[[Case], None]]:
    """Return all contract checks.

    Returns
    -------
    list of callable
        Each takes a `Case` and raises AssertionError if the check fails.

    Examples
    --------
    >>> all(check.__name__.startswith("check_") for check in contract_checks())
    True
    """
    from sktrainer.testing import isolation_checks, partial_fit_checks, resume_checks

    return [
        value
        for module in (
            globals(),
            vars(isolation_checks),
            vars(partial_fit_checks),
            vars(resume_checks),
        )
        for name, value in module.items()
        if name.startswith("check_") and inspect.isfunction(value)
    ]

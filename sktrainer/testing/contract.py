"""List of all contract checks."""

from __future__ import annotations

from collections.abc import Callable

import sktrainer.testing.callback_checks as callbacks
import sktrainer.testing.edge_checks as edge
import sktrainer.testing.fit_checks as fit
import sktrainer.testing.input_checks as inputs
import sktrainer.testing.isolation_checks as isolation
import sktrainer.testing.partial_fit_checks as partial_fit
import sktrainer.testing.resume_checks as resume
import sktrainer.testing.score_checks as scores
import sktrainer.testing.weight_checks as weights
from sktrainer.testing.cases import Case

_MODULES = (fit, edge, scores, weights, inputs, isolation, partial_fit, resume, callbacks)


def contract_checks() -> list[Callable[[Case], None]]:
    """Return all contract checks: the functions `check_...` of the modules of this package.

    Returns
    -------
    list of callable
        Each takes a `Case`. It raises AssertionError if the check fails and
        `CheckNotApplicable`, which test runners report as a skip, if the check does not apply.

    Examples
    --------
    >>> all(check.__name__.startswith("check_") for check in contract_checks())
    True
    """
    named = (item for module in _MODULES for item in vars(module).items())
    return [check for name, check in named if name.startswith("check_")]

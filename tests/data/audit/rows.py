"""Tables and the audit of one split for the tests of the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge

from sktrainer.data.audit.table import AuditTable
from sktrainer.data.inputs import FitInputs, validate_inputs
from sktrainer.types import Finding

N_ROWS, N_TRAIN = 400, 300


def numbers(seed: int = 0) -> pd.DataFrame:
    """Return three columns of noise."""
    return pd.DataFrame(
        np.random.default_rng(seed).normal(size=(N_ROWS, 3)), columns=["a", "b", "c"]
    )


def classes(X: pd.DataFrame) -> np.ndarray:
    """Return labels that depend on column "a" and on noise."""
    noise = np.random.default_rng(1).normal(size=len(X))
    return np.where(X["a"] + noise > 0, "yes", "no")


def audited(
    X: Any, y: Any, *, kind: str = "random", order: Any = None, **given: Any
) -> AuditTable:
    """Return the table of a split, whose training rows are the first 300 in `order`."""
    model = Ridge() if np.asarray(y).dtype.kind == "f" else LogisticRegression()
    data = validate_inputs(FitInputs(X, y, **given), "auto", model)
    rows = np.arange(data.n_samples) if order is None else np.asarray(order)
    train, test = rows[:N_TRAIN], rows[N_TRAIN:]
    if data.validation is not None:
        return AuditTable(data, rows, np.arange(len(data.validation)), "validation", kind)
    return AuditTable(data, train, test, "test", kind)


def found(
    find: Callable[[AuditTable], Iterator[Finding]], X: Any, y: Any, **given: Any
) -> Finding | None:
    """Return the finding of a check, or None."""
    findings = list(find(audited(X, y, **given)))
    assert len(findings) <= 1
    return findings[0] if findings else None

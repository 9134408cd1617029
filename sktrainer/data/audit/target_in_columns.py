"""SKT101: the target, or a one-to-one recoding of it, is a column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd

from sktrainer.data.audit.table import FEW_ROWS, MIN_TIED, AuditTable, describe_columns
from sktrainer.types import Array, Finding, Severity

MIN_PRESENT = 0.5
MIN_ROWS_FOR_ERROR = 50  # a column of a smaller table may separate the classes by its nature
PERFECT = 1.0 - 1e-9  # up to the rounding of a sum
ROUNDING = 0.9  # float32 columns merge a few targets


def find(table: AuditTable) -> Iterator[Finding]:
    """Find columns with one value for each target, in the same rows."""
    if not table.names or not table.decides:
        return
    # Equal values of such a column have equal targets, or the column sorts the targets.
    candidates = (table.tied_skills >= PERFECT) | (table.skills >= 0.9)
    candidates &= (table.n_present >= MIN_PRESENT * len(table.y)) & (table.n_levels > 1)
    found: dict[Severity, list[str]] = {"error": [], "warning": []}
    for position in np.flatnonzero(candidates).tolist():
        severity = _severity(table, position)
        if severity is not None:
            found[severity].append(table.names[position])
    severity = "error" if found["error"] else "warning"
    columns = found[severity]
    if columns:
        yield Finding(
            severity,
            tuple(columns),
            f"{describe_columns(columns)} contain{'s' * (len(columns) == 1)} the target, or a "
            "one-to-one recoding of it",
            "The model would read the answer from X, so its scores mean nothing",
            f"Drop it with X.drop(columns={columns[:10]!r}), or, if it is known before the "
            "target is, pass audit={'ignore': ['SKT101']}",
        )


def _severity(table: AuditTable, position: int) -> Severity | None:
    """Return the severity of a recoding that all training rows confirm, None for no recoding.

    Columns that leave a doubt are warned about: few rows, labels that are missing in some rows,
    and functions of a number other than itself, as in exercises with a known formula.
    """
    kind = _recoding(table, position)
    if kind is None:
        return None
    is_certain = kind == "same" and len(table.train) >= MIN_ROWS_FOR_ERROR
    return "error" if is_certain else "warning"


def _recoding(table: AuditTable, position: int) -> Literal["same", "similar"] | None:
    values, y = table.numbers(position)[table.train], table.data.y[table.train]
    present = ~np.isnan(values)
    values, y = values[present], y[present]
    targets = y if y.ndim == 2 else y[:, np.newaxis]
    if table.data.task == "classification":
        has_all = len(np.unique(y)) == table.data.n_classes
        if not (has_all and _is_one_to_one(values, y)):
            return None
        return "same" if present.all() else "similar"
    is_number = table.columns[position].kind in ("numeric", "duration")
    is_number &= not table.is_time(position)
    if is_number and any(_is_monotone(values, target) for target in targets.T):
        is_same = any(np.allclose(values, target, rtol=1e-6, atol=0) for target in targets.T)
        return "same" if is_same else "similar"
    # All columns of a patient determine a target that is measured once per patient.
    if table.constant_columns(position).any():
        return None
    return "same" if any(_is_one_to_one(values, target) for target in targets.T) else None


def _is_one_to_one(values: Array, y: Array) -> bool:
    """Return whether equal values have equal targets and the reverse, in repeated values."""
    codes, levels = pd.factorize(values)
    targets, distinct = pd.factorize(y)
    if len(levels) != len(distinct) or len(y) - len(distinct) < MIN_TIED:
        return False
    first = np.zeros(len(levels), dtype=np.intp)
    first[codes] = targets
    return bool((first[codes] == targets).all())


def _is_monotone(values: Array, y: Array) -> bool:
    """Return whether the values sort the targets, apart from rounding."""
    if len(y) < FEW_ROWS or len(np.unique(y)) < FEW_ROWS:
        return False
    order = np.argsort(values, kind="stable")
    n_levels = [len(np.unique(v)) for v in (values, y)]
    if min(n_levels) < ROUNDING * max(n_levels):
        return False
    apart = np.diff(values[order]) > 0
    steps = np.diff(y[order])[apart]
    return bool((steps >= 0).all() or (steps <= 0).all())

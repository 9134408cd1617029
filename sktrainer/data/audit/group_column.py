"""SKT104: rows of one group, such as a patient, are in training and held-out rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from sktrainer.data.audit.table import AuditTable, describe_columns
from sktrainer.types import Array, Finding

MIN_GROUPS = 10
MIN_SHARED = 0.05  # share of the held-out rows whose group has training rows
MAX_GROUP = 0.2  # share of all rows
MIN_SKILL, MIN_Z = 0.1, 4.0
MIN_PAIRS = 50
MAX_CANDIDATES = 20

_ID_NAME = re.compile(
    r"(^|[^a-z])(ids?|uuid|guid|subjects?|patients?|users?|customers?|clients?|members?|"
    r"persons?|households?|famil(y|ies)|animals?|sessions?|accounts?|participants?|donors?|"
    r"drivers?|students?|employees?|devices?|machines?|groups?)([^a-z]|$)",
    re.IGNORECASE,
)
_CAMEL_CASE_ID = re.compile(r"[a-z](Id|ID)$")


def find(table: AuditTable) -> Iterator[Finding]:
    """Find repeated identifiers on both sides of the split whose rows have similar targets."""
    if not table.held_name or not table.names or table.has_own_validation:
        return
    columns = tuple(table.names[i] for i in _candidates(table) if _is_shared_group(table, i))
    if columns:
        yield Finding(
            "warning",
            columns,
            f"{describe_columns(columns)} identif{'ies' if len(columns) == 1 else 'y'} groups "
            f"of rows with similar targets, and many groups have training and "
            f"{table.held_name} rows",
            "The model can recognize the group of a row, so the scores are too good for new "
            "groups",
            f"If new rows belong to new groups, pass groups=X[{columns[0]!r}] to fit and drop "
            "the column",
        )


def _candidates(table: AuditTable) -> list[int]:
    """Return columns with an identifier's name, or whose value determines other columns."""
    possible = np.isin(table.kinds, ("category", "numeric")) & (table.n_levels >= MIN_GROUPS)
    values = table.values
    possible &= (np.isnan(values) | (values == np.floor(values))).all(axis=1)
    named = [i for i in np.flatnonzero(possible).tolist() if is_identifier_name(table.names[i])]
    possible[named] = False
    skills = np.where(possible, table.tied_skills, 0.0)
    best = np.argsort(-skills, kind="stable")[:MAX_CANDIDATES].tolist()
    return named + [i for i in best if skills[i] >= MIN_SKILL and _determines_others(table, i)]


def is_identifier_name(name: str) -> bool:
    """Return whether a column name usually names an identifier.

    Examples
    --------
    >>> [is_identifier_name(name) for name in ("patient_id", "MouseID", "age", "width")]
    [True, True, False, False]
    """
    return bool(_ID_NAME.search(name) or _CAMEL_CASE_ID.search(name))


def _determines_others(table: AuditTable, position: int) -> bool:
    """Return whether rows with the same value are equal in another column of numbers.

    The other column must not be a smooth function of this one, such as its square.
    """
    tied, order = table.tied[position], table.sort_order[position]
    if tied.sum() < MIN_PAIRS:
        return False
    constant = table.constant_columns(position)
    constant &= (table.n_levels >= MIN_GROUPS) & (table.n_levels <= table.n_levels[position])
    constant &= table.kinds == "numeric"
    for other in np.flatnonzero(constant).tolist():
        ranks = pd.Series(table.values[other][order]).rank().to_numpy()
        steps = np.diff(ranks)[~tied]
        smooth = 1.0 - np.nanmean(steps**2) / max(2.0 * np.nanvar(ranks), 1e-12)
        if table.kinds[position] == "category" or smooth < 0.5:
            return True
    return False


def _is_shared_group(table: AuditTable, position: int) -> bool:
    codes, levels = pd.factorize(table.numbers(position))
    train, held = codes[table.train], codes[table.held]
    counts = np.bincount(train[train >= 0], minlength=len(levels))
    if counts.max(initial=0) > MAX_GROUP * len(train) or (counts > 0).sum() < MIN_GROUPS:
        return False
    if (np.append(counts, 0)[held] > 0).mean() < MIN_SHARED:
        return False
    skill, n_pairs = _group_skill(table, codes)
    return n_pairs >= MIN_PAIRS and skill >= MIN_SKILL and skill * np.sqrt(n_pairs) >= MIN_Z


def _group_skill(table: AuditTable, codes: Array) -> tuple[float, int]:
    """Return the share of the target's variance explained by groups, and the pairs compared."""
    rows = table.train[codes[table.train] >= 0]
    rows = rows[np.argsort(codes[rows], kind="stable")]
    y = table.comparable(table.data.y[rows])
    same = np.diff(codes[rows]) == 0
    if not same.any():
        return 0.0, 0
    difference = float(table.differences(y)[same].mean())
    return 1.0 - difference / max(table.spread(y), 1e-12), int(same.sum())

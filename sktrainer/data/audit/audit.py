"""Run all checks on the rows of one fit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sktrainer.data.audit import (
    constant_column,
    dates_at_random,
    duplicate_rows,
    feature_drift,
    group_column,
    identifier_column,
    labels_are_quantities,
    missing_values,
    near_perfect_column,
    quantities_are_labels,
    target_drift,
    target_in_columns,
    time_overlap,
    unparsed_numbers,
    unseen_values,
)
from sktrainer.data.audit.table import AuditTable
from sktrainer.exceptions import describe_value, suggest_name
from sktrainer.types import Finding


@dataclass(frozen=True)
class Check:
    """One check.

    `find` yields the findings. `explained_by` has codes of more specific checks: columns that
    they found are left out of this one.
    """

    name: str
    find: Callable[[AuditTable], Iterator[Finding]]
    explained_by: tuple[str, ...] = ()


CHECKS: dict[str, Check] = {
    "SKT101": Check("target-in-columns", target_in_columns.find),
    "SKT103": Check("duplicate-rows", duplicate_rows.find),
    "SKT104": Check("group-column", group_column.find),
    "SKT105": Check("dates-at-random", dates_at_random.find),
    "SKT106": Check("time-overlap", time_overlap.find),
    "SKT107": Check("missing-values", missing_values.find, ("SKT101",)),
    "SKT102": Check(
        "near-perfect-column", near_perfect_column.find, ("SKT101", "SKT104", "SKT107")
    ),
    "SKT201": Check("identifier-column", identifier_column.find),
    "SKT202": Check("constant-column", constant_column.find),
    "SKT203": Check("unseen-values", unseen_values.find),
    "SKT204": Check("feature-drift", feature_drift.find, ("SKT203",)),
    "SKT205": Check("target-drift", target_drift.find),
    "SKT206": Check("labels-are-quantities", labels_are_quantities.find),
    "SKT207": Check("quantities-are-labels", quantities_are_labels.find),
    "SKT208": Check("unparsed-numbers", unparsed_numbers.find),
}

SEVERITIES = ("error", "warning", "note")


def audit_rows(table: AuditTable, ignore: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return the findings of all checks, the most serious first.

    `ignore` has the codes of checks to leave out.
    """
    found: list[Finding] = []
    for code, check in CHECKS.items():
        if code in ignore:
            continue
        explained = {c for f in found if f.code in check.explained_by for c in f.columns}
        found += [
            replace(finding, code=code, name=check.name)
            for finding in check.find(table)
            if not finding.columns or not explained.issuperset(finding.columns)
        ]
    return tuple(sorted(found, key=lambda f: (SEVERITIES.index(f.severity), f.code)))


def ignored_checks(audit: bool | Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the codes of the checks to leave out for a valid value of `audit`.

    Examples
    --------
    >>> ignored_checks(True), ignored_checks({"ignore": ["SKT103"]})
    ((), ('SKT103',))
    """
    if isinstance(audit, Mapping):
        return tuple(audit["ignore"])
    return () if audit else tuple(CHECKS)


def audit_problems(audit: object) -> list[str]:
    """Return the problems of a value of the parameter `audit`."""
    if isinstance(audit, bool | np.bool_):
        return []
    ignored = None
    if isinstance(audit, Mapping) and list(audit) == ["ignore"]:
        ignored = audit["ignore"]
    if isinstance(ignored, str) or not isinstance(ignored, Iterable):
        expected = "True, False or {'ignore': [...]} with a list of codes such as 'SKT101'"
        return [f"audit must be {expected}, got {describe_value(audit)}"]
    return [
        f"audit['ignore'] must have codes of checks ({', '.join(sorted(CHECKS))}), got "
        f"{code!r}{suggest_name(code, CHECKS)}"
        for code in ignored
        if code not in CHECKS
    ]

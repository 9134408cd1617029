"""Audit of the data of one fit: run the checks, warn, and stop on errors."""

from __future__ import annotations

import sys
from types import FrameType

import numpy as np

from sktrainer.data.audit.audit import CHECKS, audit_rows
from sktrainer.data.audit.table import AuditTable
from sktrainer.exceptions import INTERNAL_PACKAGES, DataWarning, InputError, LeakageWarning
from sktrainer.training.log import FitLog
from sktrainer.training.plan import FitPlan
from sktrainer.types import Array, Finding, FitData, Split


def audit_fit(
    plan: FitPlan,
    data: FitData,
    split: Split,
    folds: list[tuple[Array, Array]] | None,
    log: FitLog,
) -> tuple[Finding, ...]:
    """Return the findings of the data checks, and warn about the serious ones.

    Training rows are compared with the test rows, or else with the validation rows, or else
    with the test rows of the first fold.

    Raises
    ------
    InputError
        If a finding is an error.
    """
    if plan.ignored_checks == tuple(CHECKS):
        return ()
    findings = audit_rows(_audit_table(data, split, folds), plan.ignored_checks)
    errors = [finding.message for finding in findings if finding.severity == "error"]
    if errors:
        raise InputError(errors)
    for finding in findings:
        if finding.severity == "warning" and not _was_shown_for_fold(finding.message):
            is_leak = finding.code.startswith("SKT1")
            log.progress.warn(finding.message, LeakageWarning if is_leak else DataWarning)
    return findings


# Messages of fits for the folds of scikit-learn, with the line that started them.
_shown_for_folds: set[tuple[str, str, int]] = set()


def _was_shown_for_fold(message: str) -> bool:
    """Return whether this fit is for a fold of a search that has already shown the message.

    scikit-learn fits a clone for each fold and candidate. Python does not recognize the
    repeated warning, because a fit restores the warning filters
    (https://github.com/python/cpython/issues/73858).
    """
    frame = sys._getframe(1)
    is_fold = False
    while frame.f_back is not None and _package(frame) in INTERNAL_PACKAGES:
        is_fold |= frame.f_code.co_name == "_fit_and_score" and _package(frame) == "sklearn"
        frame = frame.f_back
    shown = message, frame.f_code.co_filename, frame.f_lineno
    if not is_fold or shown not in _shown_for_folds:
        _shown_for_folds.add(shown)
        return False
    return True


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]


def _audit_table(
    data: FitData, split: Split, folds: list[tuple[Array, Array]] | None
) -> AuditTable:
    if len(split.test):
        return AuditTable(data, split.train, split.test, "test", split.kind)
    own = data.validation
    held = split.validation if own is None else np.arange(len(own))
    if len(held):
        return AuditTable(data, split.train, held, "validation", split.kind)
    if folds:
        train, held = folds[0]
        return AuditTable(data, train, held, "fold", split.kind)
    return AuditTable(data, split.train, split.test, "", split.kind)

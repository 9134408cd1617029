"""What a fit leaves: the values that become fitted attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sktrainer.backends.estimators import EstimatorParts
from sktrainer.data.fingerprint.fingerprint import Fingerprint
from sktrainer.reporting.report import TrainingReport
from sktrainer.runtime.stopwatch import Stopwatch
from sktrainer.training.cross_validation import CrossValidationResult
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.plan import FitPlan
from sktrainer.types import FitData, Split

__all__ = ["Facts", "FitState"]


@dataclass(frozen=True)
class Facts:
    """Everything that the report of a fit is built from."""

    parameters: Mapping[str, Any]
    parts: EstimatorParts
    plan: FitPlan
    data: FitData
    split: Split
    run: FitResult
    cv: CrossValidationResult | None
    notes: tuple[str, ...]
    watch: Stopwatch
    fingerprint: str | None = None


@dataclass(frozen=True)
class FitState:
    """Result of one `fit`."""

    parts: EstimatorParts
    plan: FitPlan
    data: FitData
    split: Split
    run: FitResult
    cv: CrossValidationResult | None
    report: TrainingReport
    fingerprint: Fingerprint | None

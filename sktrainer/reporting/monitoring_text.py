"""Sentences on alerts, warnings, and the time and memory of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan, nan

import pandas as pd

from sktrainer.reporting.content import Alert, FittingSection, LibraryWarning, ReportContent
from sktrainer.reporting.formats import format_bytes, format_seconds

MOST_STAGES = 4


def describe_resources(fitting: FittingSection) -> str:
    """Describe the threads of the fit and of the folds, and the device.

    A CPU is only mentioned if a GPU was considered.

    Examples
    --------
    >>> describe_resources({"n_threads": 4, "n_fold_workers": 2, "n_fold_threads": 1})
    'up to 4 threads; 2 folds in parallel, 1 thread each'
    >>> describe_resources({"n_threads": 1, "device": "cpu", "device_reason": "no GPU"})
    '1 thread; device cpu: no GPU'
    """
    parts = []
    if fitting.get("n_threads"):
        parts.append(_threads(fitting["n_threads"]))
    if fitting.get("n_fold_workers"):
        workers, each = fitting["n_fold_workers"], _threads(fitting["n_fold_threads"])
        folds = f"{workers} folds in parallel, {each} each"
        parts.append(folds if workers > 1 else f"one fold at a time, {each}")
    device, reason = fitting.get("device"), fitting.get("device_reason")
    if reason:
        parts.append(f"device {device}: {reason}")
    elif device not in (None, "cpu"):
        parts.append(f"device {device}")
    return "; ".join(parts)


def _threads(n: int) -> str:
    return "1 thread" if n == 1 else f"up to {n:,} threads"


def describe_usage(fitting: FittingSection) -> str:
    """Describe the memory of the whole fit.

    Examples
    --------
    >>> describe_usage({"memory_increase_mb": 412.3, "gpu_memory_mb": 96.0})
    'memory: 412 MB more than before the fit; GPU memory: up to 96 MB'
    """
    parts = []
    if "memory_increase_mb" in fitting:
        more = format_bytes(fitting["memory_increase_mb"])
        parts.append(f"memory: {more} more than before the fit")
    if "gpu_memory_mb" in fitting:
        parts.append(f"GPU memory: up to {format_bytes(fitting['gpu_memory_mb'])}")
    return "; ".join(parts)


def describe_stages(stages: pd.DataFrame) -> str:
    """Describe the stages that took at least 1 % of the time, and the total time.

    Examples
    --------
    >>> stages = pd.DataFrame({"stage": ["split", "fit"], "seconds": [0.001, 2.0]})
    >>> describe_stages(stages)
    '2.0 s in total: fit 2.0 s'
    """
    total = float(stages["seconds"].sum())
    named = [
        f"{stage['stage']} {describe_stage(stage)}"  # type: ignore[arg-type]
        for stage in stages.to_dict("records")
        if stage["seconds"] >= 0.01 * total
    ]
    return f"{format_seconds(total)} in total: {'; '.join(named)}"


def describe_stage(stage: Mapping[str, object]) -> str:
    """Describe wall time, CPU time and memory of one row of `stages`.

    Examples
    --------
    >>> describe_stage({"seconds": 2.0, "cpu_seconds": 3.9, "memory_increase_mb": 120.0})
    '2.0 s (CPU 3.9 s, +120 MB)'
    """
    numbers = {name: float(str(v)) for name, v in stage.items() if name != "stage"}
    parts = []
    cpu, memory = numbers.get("cpu_seconds", nan), numbers.get("memory_increase_mb", nan)
    if not isnan(cpu):
        parts.append(f"CPU {format_seconds(cpu)}")
    if memory >= 1:
        parts.append(f"+{format_bytes(memory)}")
    if not isnan(numbers.get("gpu_memory_mb", nan)):
        parts.append(f"GPU {format_bytes(numbers['gpu_memory_mb'])}")
    more = f" ({', '.join(parts)})" if parts else ""
    return f"{format_seconds(numbers['seconds'])}{more}"


def describe_warning(warning: LibraryWarning) -> str:
    """Return a warning of a library with its stages and its number.

    Examples
    --------
    >>> describe_warning(
    ...     {
    ...         "category": "ConvergenceWarning",
    ...         "message": "did not converge",
    ...         "stages": ("fold 1: fit", "fold 2: fit", "fit"),
    ...         "count": 3,
    ...     }
    ... )
    'ConvergenceWarning (fold 1: fit; fold 2: fit; fit; 3 times): did not converge'
    """
    stages = list(warning["stages"])
    if len(stages) > MOST_STAGES:
        stages[MOST_STAGES - 1 :] = [f"{len(stages) - MOST_STAGES + 1} more"]
    times = f"{warning['count']:,} times" if warning["count"] > 1 else ""
    where = "; ".join(filter(None, [*stages, times]))
    return f"{warning['category']}{f' ({where})' if where else ''}: {warning['message']}"


def other_notes(report: ReportContent) -> list[str]:
    """Return the notes that are not shown as alerts."""
    alerts = set(map(describe_alert, report.alerts))
    return [note for note in report.notes if note not in alerts]


def describe_alert(alert: Alert) -> str:
    """Return an alert as one sentence or two.

    Examples
    --------
    >>> describe_alert(Alert(name="memory", found="Memory is short", fix="use fewer rows"))
    'Memory is short. To fix this, use fewer rows'
    """
    return f"{alert['found']}. To fix this, {alert['fix']}"

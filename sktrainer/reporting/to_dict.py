"""Conversion of a report to JSON-compatible Python types."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.reporting.content import ReportContent

_BY_INDEX = frozenset({"scores", "cv_summary", "intervals", "permutation_importances"})


def to_plain(report: ReportContent) -> dict[str, Any]:
    """Convert a report to dicts, lists, str, int, float, bool and None.

    Tables that are indexed by name, such as `scores` and `cv_summary`, become
    ``{row: {column: value}}``, `confusion` becomes ``{"labels": [...], "counts": [[...]]}``,
    and any other table becomes a list with one dict per row. NaN and infinity become None.
    """
    result = {}
    for item in dataclasses.fields(report):
        value = getattr(report, item.name)
        if item.name in _BY_INDEX and isinstance(value, pd.DataFrame):
            result[item.name] = _by_index(value)
        elif item.name == "confusion" and isinstance(value, pd.DataFrame):
            counts = plain_value(value.to_numpy())
            result[item.name] = {"labels": plain_value(list(value.columns)), "counts": counts}
        else:
            result[item.name] = plain_value(value)
    return result


def _by_index(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        str(label): {str(name): plain_value(entry) for name, entry in row.items()}
        for label, row in frame.to_dict(orient="index").items()
    }


def plain_value(value: object) -> Any:
    """Return a value of a report as JSON-compatible Python types."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, pd.DataFrame):
        return [plain_value(row) for row in value.to_dict(orient="records")]
    if isinstance(value, (pd.Series, Mapping)):
        return {str(key): plain_value(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return [plain_value(entry) for entry in value]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_value(entry) for entry in value]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> str | float | bool | None:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is pd.NA or value is pd.NaT:
        return None
    return value if isinstance(value, (bool, int)) else str(value)

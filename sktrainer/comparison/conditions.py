"""What differs between runs besides the model: parameters, data and split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from sktrainer.data.fingerprint.differences import fingerprint_differences
from sktrainer.training.verify import IGNORED_PARAMS


class Run(Protocol):
    """A fitted trainer with the name under which it is shown."""

    @property
    def name(self) -> str: ...

    @property
    def trainer(self) -> Any: ...


def scores_of(model: Run) -> tuple[str, dict[str, float]]:
    """Return which rows the scores are of, and the scores by the shown name of the metric."""
    report = model.trainer.report_
    if "test" in report.scores.index:
        return "test rows", {
            report.shown(name): float(value)
            for name, value in report.scores.loc["test"].items()
        }
    if report.cv_summary is not None:
        mean = report.cv_summary["mean"]
        return "mean of folds", {report.shown(n): float(v) for n, v in mean.items()}
    for name in ("validation", "train"):
        if name in report.scores.index:
            row = report.scores.loc[name]
            return f"{name} rows", {report.shown(n): float(v) for n, v in row.items()}
    return "no rows", {}


def different_parameters(models: Sequence[Run]) -> dict[str, list[str | None]]:
    """Return the parameters whose values differ, with one value per model.

    A parameter that only one kind of estimator has is left out, and one that all models leave
    at the defaults of their libraries.
    """
    reports = [model.trainer.report_ for model in models]
    tables = [report.parameters for report in reports]
    changed = {name for report in reports for name in report.changed_parameters}
    values = {
        name: [table.get(name) for table in tables]
        for name in dict.fromkeys(name for table in tables for name in table)
        if name in changed and name not in IGNORED_PARAMS
    }
    seeds = [model.trainer.report_.seeds.get("random_state") for model in models]
    values["random_state"] = [None if seed is None else str(seed) for seed in seeds]
    return {name: row for name, row in values.items() if len({*row} - {None}) > 1}


def reasons_not_comparable(models: Sequence[Run]) -> list[str]:
    """Return why the scores of the models are not comparable."""
    first, *others = models
    found = []
    for other in others:
        pair = f"{first.name} and {other.name}"
        reason = _data_difference(first.trainer, other.trainer)
        if reason:
            text = f"{pair} were trained on different data ({reason})"
        elif not _same_split(first.trainer, other.trainer):
            text = f"{pair} were scored on different rows"
        elif scores_of(first)[0] != scores_of(other)[0]:
            text = f"the scores of {pair} are of different sets"
        else:
            continue
        found.append(f"{text}, so their scores are not comparable")
    return found


def _data_difference(a: Any, b: Any) -> str:
    prints = [getattr(trainer, "fingerprint_", None) for trainer in (a, b)]
    if prints[0] is None or prints[1] is None:
        return "at least one has no fingerprint"
    return "; ".join(fingerprint_differences(prints[0], prints[1])[:3])


def _same_split(a: Any, b: Any) -> bool:
    """Return whether the scores are of the same rows."""
    if len(a.split_.test) or len(b.split_.test):
        return np.array_equal(np.sort(a.split_.test), np.sort(b.split_.test))
    folds = [trainer.report_.folds for trainer in (a, b)]
    if folds[0] is None or folds[1] is None:
        return np.array_equal(np.sort(a.split_.train), np.sort(b.split_.train))
    plans = [(t.report_.split.get("kind"), t.report_.seeds.get("random_state")) for t in (a, b)]
    return plans[0] == plans[1] and len(folds[0]) == len(folds[1])

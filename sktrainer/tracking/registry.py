"""Names of trackers, and the check of the parameter `trackers`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TypeAlias

from sktrainer._optional import missing_package
from sktrainer.exceptions import describe_value, suggest_name
from sktrainer.tracking.base import is_tracker
from sktrainer.tracking.jsonl import JsonlTracker
from sktrainer.tracking.mlflow import MlflowTracker
from sktrainer.tracking.wandb import WandbTracker

BuiltIn: TypeAlias = JsonlTracker | MlflowTracker | WandbTracker

CLASSES: Mapping[str, type[BuiltIn]] = {
    "jsonl": JsonlTracker,
    "mlflow": MlflowTracker,
    "wandb": WandbTracker,
}


def tracker_problems(trackers: object) -> list[str]:
    """Return the problems of the parameter `trackers`.

    Examples
    --------
    >>> tracker_problems(["mlfow"])
    ["trackers[0] must be 'jsonl', 'mlflow', 'wandb' or an object with the methods of \
sktrainer.tracking.Tracker, got 'mlfow'. Did you mean 'mlflow'?"]
    """
    names = ", ".join(map(repr, CLASSES))
    expected = f"{names} or an object with the methods of sktrainer.tracking.Tracker"
    if not isinstance(trackers, (list, tuple)):
        hint = f". Write [{trackers!r}]" if trackers in (*CLASSES,) else ""
        return [f"trackers must be a list of {expected}, got {describe_value(trackers)}{hint}"]
    problems = [
        f"trackers[{position}] must be {expected}, got {describe_value(value)}"
        f"{suggest_name(value, CLASSES)}"
        for position, value in enumerate(trackers)
        if not (value in (*CLASSES,) if isinstance(value, str) else _is_valid(value))
    ]
    kinds = [_kind(value) for value in trackers]
    problems += [
        f"trackers has {name!r} twice. Remove one"
        for name in CLASSES
        if kinds.count(name) > 1 and not problems
    ]
    return problems


def _is_valid(value: object) -> bool:
    return isinstance(value, (*CLASSES.values(),)) or is_tracker(value)


def _kind(value: object) -> object:
    return value if isinstance(value, str) else getattr(value, "name", None)


def tracker_instances(trackers: object) -> list[object]:
    """Return the trackers of a valid parameter, with the settings of this process.

    Raises
    ------
    ImportError
        If the package of a tracker is not installed.
    """
    assert isinstance(trackers, (list, tuple))
    found: list[object] = []
    for tracker in (CLASSES[each]() if isinstance(each, str) else each for each in trackers):
        if isinstance(tracker, MlflowTracker | WandbTracker):
            if find_spec(tracker.module) is None:  # without importing it, which takes seconds
                raise missing_package(tracker.module, tracker.extra)
            tracker = tracker.resolved()
        found.append(tracker)
    return found

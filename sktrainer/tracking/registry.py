"""Names of trackers, and the check of the parameter `trackers`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import TypeAlias

from sktrainer._optional import missing_package
from sktrainer.exceptions import describe_value, suggest_name
from sktrainer.tracking.base import Tracker, is_tracker, without_password
from sktrainer.tracking.jsonl import JsonlTracker
from sktrainer.tracking.mlflow import MlflowTracker
from sktrainer.tracking.wandb import WandbTracker

Settings: TypeAlias = JsonlTracker | MlflowTracker | WandbTracker

CLASSES: Mapping[str, type[Settings]] = {
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
    for position, value in enumerate(trackers):
        problems += [f"{text} of trackers[{position}]" for text in _setting_problems(value)]
    kinds = [_kind(value) for value in trackers]
    problems += [
        f"trackers has {name!r} twice. Remove one"
        for name in CLASSES
        if kinds.count(name) > 1 and not problems
    ]
    return problems


_STRING_OR_NONE = "a string or None", lambda value: value is None or isinstance(value, str)
_BOOL = "True or False", lambda value: isinstance(value, bool)
_STRING = "a string", lambda value: isinstance(value, str) and value != ""
_RULES: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "folder": ("a path", lambda value: isinstance(value, (str, os.PathLike)) and value != ""),
    "artifacts": _BOOL,
    "log_model": _BOOL,
    "tracking_uri": _STRING_OR_NONE,
    "experiment": _STRING_OR_NONE,
    "project": _STRING,
    "module": ("'wandb' or 'trackio'", lambda value: value in ("wandb", "trackio")),
    "timeout": (
        "a number of at least 0",
        lambda value: (
            isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        ),
    ),
}


def _setting_problems(tracker: object) -> Iterator[str]:
    if isinstance(tracker, (*CLASSES.values(),)):
        for name, value in vars(tracker).items():
            expected, accepts = _RULES[name]
            if name == "tracking_uri" and without_password(str(value)) != str(value):
                yield (
                    "tracking_uri must not contain a password, which reports and files would "
                    "show (set the environment variable MLFLOW_TRACKING_URI instead), in the "
                    "settings"
                )
            elif not accepts(value):
                yield f"{name} must be {expected}, got {describe_value(value)}, in the settings"


def _is_valid(value: object) -> bool:
    return isinstance(value, (*CLASSES.values(),)) or is_tracker(value)


def _kind(value: object) -> object:
    return value if isinstance(value, str) else getattr(value, "name", None)


def tracker_instances(trackers: object) -> list[Settings | Tracker]:
    """Return the trackers of a valid parameter, with the settings of this process.

    Raises
    ------
    ImportError
        If the package of a tracker is not installed.
    """
    assert isinstance(trackers, (list, tuple))
    found: list[Settings | Tracker] = []
    for tracker in (CLASSES[each]() if isinstance(each, str) else each for each in trackers):
        if isinstance(tracker, MlflowTracker | WandbTracker):
            if not _is_installed(tracker.module):  # without importing it, which takes seconds
                raise missing_package(tracker.module, tracker.extra)
            tracker = tracker.resolved()
        found.append(tracker)
    return found


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False

"""Translate the sections of a configuration to parameters of `ManagedTrainer`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sktrainer.checkpoints.schedule import Checkpoint
from sktrainer.config.document import KeyPath
from sktrainer.config.keys import SECTIONS, STRATEGIES
from sktrainer.config.values import ConfigValues, suggest_key
from sktrainer.tracking.registry import CLASSES
from sktrainer.training.parameter_table import BY_NAME

# Keys of sections that set a parameter of the trainer, which must not be set twice.
PARAMETER_OF: dict[tuple[str, str], str] = {
    ("data", "time_column"): "time_column",
    ("cross_validation", "folds"): "cv",
    ("imbalance_handling", "method"): "handle_imbalance",
    ("early_stopping", "rounds"): "n_iter_no_change",
}


def trainer_params(values: ConfigValues) -> dict[str, Any]:
    """Return the parameters that are set, by their names or by the keys of a section."""
    params = {
        name: value
        for name, value in values.document.values.items()
        if name in BY_NAME and not (name in SECTIONS and isinstance(value, Mapping))
    }
    for path, name in PARAMETER_OF.items():
        if values.is_set(*path) and name in params and values.get(*path) != params[name]:
            values.add(path, f"{'.'.join(path)} and {name} are the same parameter. Remove one")
    if (time_column := values.get("data", "time_column")) is not None:
        params["time_column"] = time_column
    _early_stopping(values, params)
    _imbalance(values, params)
    _cross_validation(values, params)
    by_rows = params.get("time_column") is None and values.get("data", "group_column") is None
    if not values.get("", "stratify") and params.get("split", "auto") == "auto" and by_rows:
        params["split"] = "random"
    if isinstance(params.get("checkpoint"), (str, Mapping)):
        params["checkpoint"] = _checkpoint(values, params["checkpoint"])
    if isinstance(params.get("trackers"), list):
        found = enumerate(params["trackers"])
        params["trackers"] = [_tracker(values, i, tracker) for i, tracker in found]
    return params


def _early_stopping(values: ConfigValues, params: dict[str, Any]) -> None:
    if values.section("early_stopping") is None:
        return
    if values.is_set("early_stopping", "enabled"):
        params["early_stopping"] = values.get("early_stopping", "enabled")
    if (rounds := values.get("early_stopping", "rounds")) is not None:
        params["n_iter_no_change"] = rounds


def _imbalance(values: ConfigValues, params: dict[str, Any]) -> None:
    if values.section("imbalance_handling") is None:
        return
    method = values.get("imbalance_handling", "method")
    if method is not None and values.get("imbalance_handling", "auto_detect"):
        method = "auto" if method == "class_weight" else f"auto_{method}"
    params["handle_imbalance"] = method


def _cross_validation(values: ConfigValues, params: dict[str, Any]) -> None:
    path = ("cross_validation", "strategy")
    is_enabled = values.get("cross_validation", "enabled")
    if values.section("cross_validation") is None or not is_enabled:
        _check_stratify(values, params, ())
        return
    params.setdefault("cv", values.get("cross_validation", "folds"))
    if not values.is_set(*path):
        _check_stratify(values, params, ())
        return
    strategy = values.get(*path)
    split, own = STRATEGIES[strategy], params.get("split", "auto")
    if own in STRATEGIES.values() and own != split:
        values.add(
            path,
            f"cross_validation.strategy={strategy!r} contradicts split={own!r}. Rows are "
            "split in one way for folds, test and validation rows. Remove one of the two",
        )
    elif split != "time" and params.get("time_column") is not None:
        values.add(
            path,
            f"cross_validation.strategy={strategy!r} contradicts time_column="
            f"{params['time_column']!r}, which splits rows by time. Use 'timeseries', or "
            "remove time_column",
        )
    elif split == "group" and values.get("data", "group_column") is None:
        values.add(path, "cross_validation.strategy='group' needs data.group_column. Set it")
    if own == "auto" and split != "stratified":  # "auto" stratifies classes
        params["split"] = split
    _check_stratify(values, params, path)


def _check_stratify(values: ConfigValues, params: Mapping[str, Any], path: KeyPath) -> None:
    """Report a `stratify` that another key contradicts."""
    if not values.is_set("stratify"):
        return
    stratify, split = values.get("", "stratify"), params.get("split", "auto")
    name = ".".join(map(str, path)) or "split"
    if stratify and split == "random":
        values.add(
            ("stratify",),
            f"stratify=true contradicts {name}, which draws rows at random. "
            "Remove one of the two",
        )
    elif not stratify and (split == "stratified" or (path and split == "auto")):
        values.add(
            ("stratify",),
            f"stratify=false contradicts {name}='stratified'. Remove one of the two",
        )


def _tracker(values: ConfigValues, position: int, value: Any) -> Any:
    """Return the settings of a tracker; `parameter_problems` reports other mistakes."""
    if not isinstance(value, Mapping):
        return value
    path: KeyPath = ("trackers", position)
    options = {**value}
    cls = CLASSES.get(str(options.pop("name", None)))
    if cls is None:
        names = ", ".join(map(repr, CLASSES))
        values.add(path, f"trackers needs the key name in each section: one of {names}")
        return "jsonl"
    known = [*cls.__dataclass_fields__]
    for name in [name for name in options if name not in known]:
        text = f"unknown key {name!r} in trackers{suggest_key(name, known)}"
        values.add((*path, name), text, key=True)
        del options[name]
    if isinstance(options.get("folder"), str):
        options["folder"] = str(values.resolve((*path, "folder"), options["folder"]))
    return cls(**options)


def _checkpoint(values: ConfigValues, value: Any) -> Any:
    if isinstance(value, str):
        return str(values.resolve(("checkpoint",), value))
    known = [*Checkpoint.__dataclass_fields__]
    for name in value:
        if name not in known:
            text = f"unknown key {name!r} in checkpoint{suggest_key(name, known)}"
            values.add(("checkpoint", name), text, key=True)
    if not isinstance(value.get("folder"), str):
        values.add(
            ("checkpoint",), "checkpoint must be a folder, or a section with the key folder"
        )
        return None
    folder = str(values.resolve(("checkpoint", "folder"), value["folder"]))
    return Checkpoint(**{k: v for k, v in value.items() if k in known} | {"folder": folder})

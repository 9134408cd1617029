"""Write a configuration: of a trainer, or of a run that can be repeated."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sktrainer.checkpoints.schedule import Checkpoint
from sktrainer.config.document import PlainLoader
from sktrainer.config.run_config import RunConfig
from sktrainer.exceptions import ParameterError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.runtime.signatures import default_values, public_module
from sktrainer.tracking.jsonl import JsonlTracker
from sktrainer.tracking.mlflow import MlflowTracker
from sktrainer.tracking.registry import Settings
from sktrainer.tracking.wandb import WandbTracker
from sktrainer.training.parameter_table import BY_NAME


def trainer_config(trainer: Any, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return the parameters of a trainer that differ from their defaults, as plain values.

    Raises
    ------
    ParameterError
        If a value cannot be written to a file, such as a function or a nested estimator.
    """
    params = {name: getattr(trainer, name) for name in BY_NAME if name not in without}
    changed = {
        name: value
        for name, value in params.items()
        if not _equal(value, BY_NAME[name].default)
    }
    return {"model": _model(trainer.estimator), **_plain_values(changed)}


def run_config_dict(config: RunConfig, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as a nested dict, with other parameters of the trainer.

    `params` are used instead of the parameters in `config`.

    Raises
    ------
    ParameterError
        If a value cannot be written to a file.
    """
    values: dict[str, Any] = {}
    if data := {k: _plain(v) for k, v in vars(config.data).items() if v not in (None, ())}:
        values["data"] = data
    if config.model.name is not None:
        values["model"] = {"name": config.model.name, **_plain_values(config.model.params)}
    values |= _plain_values(params)
    values["save_model"] = config.save_path is not None
    if config.save_path is not None:
        values["save_path"] = str(config.save_path)
    if config.report is not None:
        values["report"] = str(config.report)
    return values


def to_yaml(values: Mapping[str, Any]) -> str:
    """Return nested plain values as YAML, in their order.

    Examples
    --------
    >>> print(to_yaml({"model": {"name": "forest"}, "time_column": "2020-01-01", "gap": "1e3"}))
    model:
      name: forest
    time_column: '2020-01-01'
    gap: '1e3'
    <BLANKLINE>
    """
    return yaml.dump(
        dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=88
    )


def write_yaml(path: Path, values: Mapping[str, Any]) -> None:
    """Write nested plain values to a YAML file, atomically."""
    with atomic_write(path) as part:
        part.write_text(to_yaml(values), encoding="utf-8")


class _Dumper(yaml.SafeDumper):
    """Dumper that quotes every string that YAML 1.1 or 1.2 reads as another value."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.yaml_implicit_resolvers = {
    first: [
        *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
        *PlainLoader.yaml_implicit_resolvers.get(first, []),
    ]
    for first in {
        *yaml.SafeDumper.yaml_implicit_resolvers,
        *PlainLoader.yaml_implicit_resolvers,
    }
}


def _model(model: Any) -> dict[str, Any]:
    """Return the import path of a model, and its parameters that differ from the defaults."""
    cls = type(model)
    if not hasattr(model, "get_params"):
        raise ParameterError(
            f"a configuration needs a model with get_params, got {model!r}. Use the class with "
            "its parameters, or save the fitted trainer with save()"
        )
    module = cls.__module__
    if module == "__main__" or "<" in cls.__qualname__:
        raise ParameterError(
            f"{cls.__qualname__} cannot be imported by its name, because it is defined in "
            f"{module}. Move it to a Python file"
        )
    defaults = default_values(cls)
    given = model.get_params(deep=False)
    changed = {
        name: value
        for name, value in given.items()
        if name not in defaults or not _equal(value, defaults[name])
    }
    return {"name": f"{public_module(cls)}:{cls.__name__}", **_plain_values(changed, "model.")}


def _plain_values(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    plain = {name: _plain(value) for name, value in values.items()}
    if problems := [
        f"{prefix}{name}={value!r:.60} cannot be written in a configuration file. Use a name, "
        "number, list or dict, or save the fitted trainer with save()"
        for name, value in values.items()
        if not _is_plain(plain[name])
    ]:
        raise ParameterError(problems)
    return plain


def _plain(value: Any) -> Any:
    """Return numbers of NumPy, tuples, paths and checkpoints as plain values."""
    match value:
        case np.generic():
            return value.item()
        case Checkpoint():
            return dict(_changed_fields(value)) | {"folder": str(value.folder)}
        case JsonlTracker() | MlflowTracker() | WandbTracker():
            return {"name": value.name, **_plain(dict(_changed_fields(value)))}
        case Path():
            return str(value)
        case timedelta():
            return f"{value.total_seconds():.9g}s"
        case Mapping():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _changed_fields(settings: Checkpoint | Settings) -> Iterator[tuple[str, Any]]:
    for item in fields(settings):
        if getattr(settings, item.name) != item.default:
            yield item.name, getattr(settings, item.name)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)


def _equal(value: Any, default: Any) -> bool:
    """Return whether a parameter has its default value; 1 is not True, and NaN is NaN."""
    if type(value) is not type(default):
        return False
    if isinstance(value, float) and np.isnan(value):
        return bool(np.isnan(default))
    return value is default or (
        type(value) in (bool, int, float, str, tuple) and value == default
    )

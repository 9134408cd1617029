"""Read and check a configuration, from a YAML file or a dict."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sktrainer.config.document import Document, as_document, read_document
from sktrainer.config.models import check_model
from sktrainer.config.run_config import DataConfig, ModelConfig, RunConfig
from sktrainer.config.sections import trainer_params
from sktrainer.config.values import ConfigValues
from sktrainer.exceptions import ParameterError
from sktrainer.serialization.bundle import SUFFIXES
from sktrainer.training.parameters import TrainerParams, parameter_problems


def load_config(config: str | os.PathLike[str] | Mapping[str, Any] | RunConfig) -> RunConfig:
    """Read and check a configuration.

    Parameters
    ----------
    config : path-like, dict or RunConfig
        A YAML file, or the same values as a nested dict. Relative paths in a file refer to its
        folder. A RunConfig is returned unchanged.

    Raises
    ------
    InputError
        With all mistakes. Those of a file start with its line and column.

    Examples
    --------
    >>> config = load_config({"early_stopping": {"rounds": 20}, "test_size": 0.3})
    >>> dict(config.params)
    {'test_size': 0.3, 'n_iter_no_change': 20}
    """
    if isinstance(config, RunConfig):
        return config
    if isinstance(config, Mapping):
        return make_config(as_document(config))
    return make_config(read_document(Path(config)))


def make_config(document: Document) -> RunConfig:
    """Check the values of a document and return the configuration.

    Raises
    ------
    ParameterError
        With all mistakes.
    """
    values = ConfigValues(document)
    config = _read(values)
    try:
        check_model(config)
    except ParameterError as error:
        values.problems += error.problems
    except ImportError as error:
        if not values.problems:
            raise
        values.problems.append(document.problem(("model", "name"), str(error)))
    if values.problems:
        raise ParameterError(sorted(dict.fromkeys(values.problems), key=_line_and_column))
    return config


def _line_and_column(problem: str) -> tuple[int, int]:
    place = re.match(r"\S+?:(\d+):(\d+): ", problem)
    return (int(place[1]), int(place[2])) if place else (0, 0)


def _read(values: ConfigValues) -> RunConfig:
    """Return the configuration. It is complete only if there are no problems."""
    values.check_names()
    values.check_values()
    params = trainer_params(values)
    for name, found in parameter_problems(TrainerParams(None, **params)).items():
        for text in found:
            values.add((name,), values.as_written(name, text))
    save_path = values.path("", "save_path") if values.get("", "save_model") else None
    is_file = save_path is not None and save_path.suffix != "" and not save_path.is_dir()
    if is_file and save_path is not None and save_path.suffix not in SUFFIXES:
        text = f"save_path must be a folder or a file that ends in {', '.join(SUFFIXES)}"
        values.add(("save_path",), text)
    return RunConfig(
        data=DataConfig(
            path=values.path("data", "path"),
            target=values.get("data", "target"),
            group_column=values.get("data", "group_column"),
            weight_column=values.get("data", "weight_column"),
            drop_columns=tuple(values.get("data", "drop_columns")),
        ),
        model=_model(values),
        params=params,
        save_path=save_path,
        report=values.path("", "report"),
        document=values.document,
    )


def _model(values: ConfigValues) -> ModelConfig:
    section = values.document.values.get("model", {})
    if isinstance(section, str):
        section = {"name": section}
    if not isinstance(section, Mapping):
        return ModelConfig()
    params = {name: value for name, value in section.items() if name != "name"}
    if params and "name" not in section:
        text = "model.name is missing. Add it, such as 'name: forest'"
        values.add(("model",), text, key=True)
    name = section.get("name")
    if not isinstance(name, str):
        return ModelConfig(None, params)
    file, found, attribute = name.rpartition(".py:")
    if found:  # a path, relative to the folder of the configuration
        name = f"{values.resolve(('model', 'name'), file + '.py')}:{attribute}"
    return ModelConfig(name, params)

"""Read the table of a configuration, and check the columns that it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from sktrainer.config.document import KeyPath
from sktrainer.config.models import needs_task
from sktrainer.config.run_config import RunConfig
from sktrainer.data.columns import preview_names
from sktrainer.data.files import read_table
from sktrainer.data.targets import infer_task
from sktrainer.exceptions import InputError, ParameterError, suggest_name
from sktrainer.types import Task


@dataclass(frozen=True)
class RunData:
    """Table of a run without the dropped columns, and the task if the model depends on it."""

    table: pd.DataFrame
    task: Task | None


def read_data(config: RunConfig) -> RunData:
    """Read the table of a configuration.

    Raises
    ------
    InputError
        If the path or the target is missing, if the file cannot be read, or if it lacks a
        column that the configuration names.
    """
    document, missing = config.document, []
    if config.data.path is None:
        missing.append(document.problem(("data",), "data.path is missing. Set it to the file"))
    if config.data.target is None:
        text = "data.target is missing. Set it to the column to predict"
        missing.append(document.problem(("data",), text))
    if missing:
        raise ParameterError(missing)
    assert config.data.path is not None
    try:
        table = read_table(str(config.data.path))  # "-" is standard input
    except InputError as error:
        raise ParameterError(
            [document.problem(("data", "path"), text) for text in error.problems]
        ) from error
    _check_columns(config, table)
    table = table.drop(columns=list(config.data.drop_columns))
    return RunData(table, task_of_data(config, table[config.data.target]))


def task_of_data(config: RunConfig, target: Any) -> Task | None:
    """Return the task that the target shows, or None if the model does not depend on it."""
    if not needs_task(config):
        return None
    return infer_task(target.dropna() if hasattr(target, "dropna") else target)


def _check_columns(config: RunConfig, table: pd.DataFrame) -> None:
    data, columns = config.data, [*map(str, table.columns)]
    in_section = ("data", "time_column") in config.document.places
    time_path: KeyPath = ("data", "time_column") if in_section else ("time_column",)
    named: list[tuple[KeyPath, object]] = [
        (("data", "target"), data.target),
        (time_path, config.params.get("time_column")),
        (("data", "group_column"), data.group_column),
        (("data", "weight_column"), data.weight_column),
        *((("data", "drop_columns", i), name) for i, name in enumerate(data.drop_columns)),
    ]
    assert data.path is not None
    problems = []
    for path, name in named:
        if isinstance(name, str) and name not in columns:
            hint = suggest_name(name, columns)
            hint = hint or f". Its columns are: {preview_names(columns)}"
            text = f"{name!r} is not a column of {data.path.name}{hint}"
            problems.append(config.document.problem(path, text))
    for i, name in enumerate(data.drop_columns):
        if name in (data.target, data.group_column, data.weight_column):
            path = ("data", "drop_columns", i)
            problems.append(
                config.document.problem(
                    path, f"{name!r} is dropped and used. Remove one of the two"
                )
            )
    if problems:
        raise ParameterError(problems)

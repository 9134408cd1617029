"""Shell commands that repeat a fit: a configuration and the command that runs it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sktrainer.config.run import effective_config
from sktrainer.config.run_config import DataConfig, ModelConfig, RunConfig
from sktrainer.data.inputs import FIT_ARGUMENTS, FitInputs
from sktrainer.exceptions import ParameterError

_TABLE, _MODEL = "data.parquet", "model.skt"
_COLUMNS = {"groups": "group_column", "sample_weight": "weight_column"}


def config_command(values: Mapping[str, Any], comment: str = "") -> str:
    """Return the commands that write a configuration and run it.

    Examples
    --------
    >>> print(config_command({"model": {"name": "forest"}, "cv": 5}))
    cat > run.yaml <<'END'
    model:
      name: "forest"
    cv: 5
    END
    sktrainer train --config run.yaml
    """
    lines = [f"# {comment}"] if comment else []
    lines += ["cat > run.yaml <<'END'", *_yaml_lines(values), "END"]
    return "\n".join([*lines, "sktrainer train --config run.yaml"])


def _yaml_lines(values: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield nested values as YAML, of which JSON is a part.

    Every fit writes them, so they must cost less than the milliseconds that PyYAML needs.
    """
    for name, value in values.items():
        key = name if name.isidentifier() else json.dumps(name)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:"
            yield from _yaml_lines(value, indent + "  ")
        else:
            yield f"{indent}{key}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}"


def run_command(config: RunConfig, trainer: Any) -> str:
    """Return the command that started a run, or one with its configuration."""
    if config.command:
        return config.command
    if config.data.path is None:
        return str(trainer.report_.command)
    return _of_config(config, trainer)


def fit_command(trainer: Any, inputs: FitInputs, seed: int) -> str:
    """Return the commands that repeat a fit in Python, or a comment on why there are none."""
    given = {name: getattr(inputs, name) for name in FIT_ARGUMENTS}
    passed = {name: value for name, value in given.items() if value is not None}
    others = sorted(passed.keys() - _COLUMNS)
    if others:
        return _without_command(f"{others[0]} was passed to fit")
    if len(getattr(inputs.X, "shape", ())) != 2 or hasattr(inputs.X, "tocsr"):
        return _without_command("X is not a table")
    if inputs.y is None or np.ndim(inputs.y) > 1:
        return _without_command("y is not one column")
    columns = {"target": inputs.y} | {_COLUMNS[name]: value for name, value in passed.items()}
    added = [key for key, value in columns.items() if not isinstance(value, str)]
    names = {key: key if key in added else value for key, value in columns.items()}
    data = DataConfig(
        Path(_TABLE), names["target"], names.get("group_column"), names.get("weight_column")
    )
    config = RunConfig(data, ModelConfig(), {}, save_path=Path(_MODEL))
    noun = "column" if len(added) == 1 else "columns"
    more = f", with the {noun} {', '.join(added)} added" if added else ""
    return _of_config(
        config,
        trainer,
        f"{_TABLE} is the table that was passed to fit{more}",
        random_state=seed,
    )


def _of_config(config: RunConfig, trainer: Any, comment: str = "", **changed: Any) -> str:
    try:
        return config_command(effective_config(config, trainer) | changed, comment)
    except ParameterError as error:
        return _without_command(str(error))
    except ValueError:
        return _without_command("a parameter is infinite or NaN")


def _without_command(reason: str) -> str:
    return f"# No command repeats this fit: {' '.join(reason.split())}"

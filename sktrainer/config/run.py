"""Arguments of a run that a configuration describes, and the files that it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sktrainer.checkpoints.schedule import as_checkpoint
from sktrainer.config.data import read_data, task_of_data
from sktrainer.config.models import build_model
from sktrainer.config.run_config import RunConfig
from sktrainer.config.writer import run_config_dict, trainer_config, write_yaml
from sktrainer.exceptions import InputError, SaveWarning, warn_caller
from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.paths import check_writable
from sktrainer.training.parameter_table import BY_NAME, RUN_DEFAULTS

CONFIG_FILE = "config.yaml"

#: File in the checkpoint folder of a run that contains the path of its saved model.
MODEL_PATH_FILE = "model_path.txt"

# Written even if they equal the defaults of the trainer, because a run has others.
_ALWAYS_WRITTEN = {*RUN_DEFAULTS, "refit"}


def run_arguments(config: RunConfig, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `train_model` that a configuration sets.

    The arguments `given` replace those of the configuration.

    Raises
    ------
    InputError
        If the configuration lacks something that was not passed either.
    """
    arguments: dict[str, Any] = {**config.params, "save_path": config.save_path}
    if "groups" not in given and config.data.group_column is not None:
        arguments["groups"] = config.data.group_column
    if "sample_weight" not in given and config.data.weight_column is not None:
        arguments["sample_weight"] = config.data.weight_column
    X, y, model = given.get("X"), given.get("y"), given.get("model")
    task = None
    if X is None:
        data = read_data(config)
        X, task = data.table, data.task
    if y is None:
        y = config.data.target
    elif model is None:
        task = task_of_data(config, X[y] if isinstance(y, str) else y)
    if model is None:
        model = build_model(config, task)
    if config.report is not None:
        check_writable(config.report)
    return {**arguments, **given, "model": model, "X": X, "y": y}


def save_checkpoint_config(config: RunConfig, trainer: Any) -> None:
    """Write the configuration of a run with a checkpoint, so that it can be resumed.

    The file of another run is not replaced: if the runs differ, the fit itself refuses the
    folder.
    """
    if trainer.checkpoint is None:
        return
    path = Path(as_checkpoint(trainer.checkpoint).folder) / CONFIG_FILE
    if not path.exists():
        write_yaml(path, effective_config(config, trainer))


def save_run_files(config: RunConfig, trainer: Any, model_path: Path | None) -> None:
    """Write the report, the configuration beside the model, and its path into a checkpoint.

    A failure is a warning.
    """
    try:
        if config.report is not None:
            trainer.report_.to_html(config.report)
        if model_path is not None:
            write_yaml(config_path(model_path), effective_config(config, trainer))
        if model_path is not None and trainer.checkpoint is not None:
            folder = Path(as_checkpoint(trainer.checkpoint).folder)
            with atomic_write(folder / MODEL_PATH_FILE) as part:
                part.write_text(f"{model_path.absolute()}\n", encoding="utf-8")
    except (InputError, OSError) as error:
        warn_caller(f"a file of the run was not saved: {error}", SaveWarning)


def config_path(model_path: Path) -> Path:
    """Return the path of the configuration that belongs to a model file.

    Examples
    --------
    >>> config_path(Path("models/forest/1/model.skt")).as_posix()
    'models/forest/1/config.yaml'
    >>> config_path(Path("loans.skt")).as_posix()
    'loans.yaml'
    """
    is_version = model_path.stem == "model" and model_path.parent.name.isdecimal()
    return model_path.with_name(CONFIG_FILE) if is_version else model_path.with_suffix(".yaml")


def effective_config(config: RunConfig, trainer: Any) -> dict[str, Any]:
    """Return the configuration with every parameter that the trainer had."""
    changed = trainer_config(trainer)
    model = changed.pop("model")
    params = {
        name: getattr(trainer, name)
        for name in BY_NAME
        if name in _ALWAYS_WRITTEN or name in changed
    }
    values = run_config_dict(config, params)
    return values if config.model.name is not None else {"model": model, **values}

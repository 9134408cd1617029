"""The `save_path` parameter of `train_model` and `train_with_cv`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sktrainer.backends.estimators import model_name
from sktrainer.exceptions import (
    FileWriteError,
    InputError,
    ParameterError,
    SaveWarning,
    warn_caller,
)
from sktrainer.files.paths import as_path, check_writable
from sktrainer.serialization.bundle import SUFFIXES, write_or_pickle
from sktrainer.serialization.model_versions import MAX_NAME_LENGTH
from sktrainer.trainer import ManagedTrainer

Saver = Callable[[ManagedTrainer], Path]


def make_saver(save_path: str | os.PathLike[str], trainer: ManagedTrainer) -> Saver:
    """Return the function that saves the trainer, or raise if it could not save it."""
    from sktrainer.model_store import ModelStore
    from sktrainer.serialization.writer import check_parameters

    path = as_path(save_path)
    try:
        if path.suffix in SUFFIXES:
            check_writable(path)
            if path.suffix == ".skt":
                check_parameters(trainer)
                return partial(_save_skt, path=path)
            return lambda trainer: trainer.save(path)
        if path.suffix and not path.is_dir():
            raise InputError("pass a folder or a file that ends in " + ", ".join(SUFFIXES))
        store, name = ModelStore(path), _snake_case_name(trainer.estimator)
        store.check(name)
    except (InputError, FileWriteError) as error:
        raise ParameterError(f"save_path={str(path)!r} is not valid: {error}") from error
    return lambda trainer: store.path(name, store.save(trainer, name))


def _save_skt(trainer: ManagedTrainer, path: Path) -> Path:
    """Save a `.skt` file or, if it cannot store the fitted trainer, a pickle beside it."""
    path, note = write_or_pickle(trainer, path, path.with_name(f"{path.name}.joblib"))
    if note is not None:
        warn_caller(note, SaveWarning)
    return path


def save_or_warn(
    trainer: ManagedTrainer, save: Callable[[ManagedTrainer], Path]
) -> Path | None:
    """Save the trainer. A failure is a warning, because the model has been trained."""
    try:
        return save(trainer)
    except Exception as error:  # user-defined classes may raise anything when they are saved
        warn_caller(
            f"the trained model was not saved: {error}. Save it with result.model.save(path), "
            "where the path ends in .skt or .joblib",
            SaveWarning,
        )
        return None


def _snake_case_name(model: Any) -> str:
    """Return the class name of a model in snake case.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingRegressor
    >>> _snake_case_name(HistGradientBoostingRegressor())
    'hist_gradient_boosting_regressor'
    """
    steps = getattr(model, "steps", None)
    name = model_name(steps[-1][1] if steps else model)
    # Insert "_" before a capital letter that starts a word: "LGBMClassifier" has two words.
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return re.sub(r"[^a-z0-9_]", "_", words)[:MAX_NAME_LENGTH]

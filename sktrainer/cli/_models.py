"""The argument MODEL: find, trust and load a model, and select the columns that it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sktrainer.data.columns import preview_names
from sktrainer.data.fingerprint.fingerprint import SHAPE
from sktrainer.exceptions import InputError, UntrustedFileError, suggest_name
from sktrainer.files.paths import as_path
from sktrainer.model_store import ModelStore
from sktrainer.serialization.bundle import SUFFIXES, read_bundle
from sktrainer.serialization.model_records import RECORD, read_record, verify_model_file
from sktrainer.serialization.model_versions import names_in, versions_of

if TYPE_CHECKING:
    import pandas as pd

#: File that only the checkpoint folder of a run has.
RUN_FILE = "run.json"

EVERYTHING = "all"


@dataclass(frozen=True)
class LoadedModel:
    """A fitted trainer, its file, and the name under which the user passed it."""

    name: str
    path: Path
    trainer: Any

    @property
    def target(self) -> str | None:
        """Name of the target column, if it is recorded."""
        name = self.trainer.report_.data.get("target")
        return None if name is None else str(name)

    @property
    def features(self) -> list[str]:
        """Names of the columns that the trainer takes; empty if it was trained without."""
        return [str(name) for name in getattr(self.trainer, "feature_names_in_", ())]

    @property
    def fit_columns(self) -> dict[str, str]:
        """Columns that were passed to `fit` as `groups` and `sample_weight`, by argument."""
        named = {name: self._recorded(name) for name in ("groups", "sample_weight")}
        return {name: column for name, column in named.items() if column is not None}

    def _recorded(self, argument: str) -> str | None:
        """Return the column name of an argument of `fit` in the fingerprint of the data."""
        parts = (getattr(self.trainer, "fingerprint_", None) or {}).get("parts", {})
        columns = parts.get(argument, {}).get("columns", ())
        name = str(columns[0]["name"]) if len(columns) == 1 else SHAPE
        return None if name.startswith(SHAPE) else name  # SHAPE: an array without a name


def load_model(reference: str, trust: Sequence[str] = ()) -> LoadedModel:
    """Load the model that the argument MODEL names.

    Raises
    ------
    InputError
        If there is no such model, or its file may run code that is not trusted.
    """
    path = find_model_file(reference)
    trusted = True if EVERYTHING in trust else list(trust)
    try:
        with _modules_of_the_working_directory() if trust else nullcontext():
            return LoadedModel(reference, path, read_bundle(path, trusted=trusted))
    except UntrustedFileError as error:
        names = " ".join(f"--trust {name}" for name in error.names) or "--trust all"
        what = preview_names(error.names) if error.names else "any code in it"
        raise UntrustedFileError(
            f"{str(path)!r} would run {what} when it is loaded. If you trust its source, "
            f"add {names}",
            error.names,
        ) from error


@contextmanager
def _modules_of_the_working_directory() -> Iterator[None]:
    """Find modules in the working directory, such as that of `--model FILE.py:NAME`."""
    folder = str(Path.cwd())
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def find_model_file(reference: str) -> Path:
    """Return the path of the model file that the argument MODEL names."""
    path = as_path(reference)
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise InputError(
                f"{reference!r} is not a model: a model file ends in {', '.join(SUFFIXES)}"
            )
        return path
    if (path / RUN_FILE).is_file():
        return _model_of_run(path)
    folder = version_folder(reference)
    return verify_model_file(folder, read_record(folder))


def _model_of_run(folder: Path) -> Path:
    from sktrainer.config.run import MODEL_PATH_FILE

    pointer = folder / MODEL_PATH_FILE
    path = Path(pointer.read_text("utf-8").strip()) if pointer.is_file() else None
    if path is None:
        raise InputError(
            f"the run in {str(folder)!r} has not saved a model. Finish it with: sktrainer "
            f"resume {folder}"
        )
    if not path.is_file():
        raise InputError(f"the model {str(path)!r} of the run in {str(folder)!r} is missing")
    return path


def version_folder(reference: str) -> Path:
    """Return the folder of a version in a store, such as "models/churn@production".

    Raises
    ------
    InputError
        If there is no such version. The message lists those that exist.
    """
    store, name, version = split_reference(reference)
    return store.path(name, version).parent


def split_reference(reference: str) -> tuple[ModelStore, str, str]:
    """Return the store, the name and the version of a reference.

    Examples
    --------
    >>> split_reference("models/churn@production")
    (ModelStore('models'), 'churn', '@production')
    """
    before, at, tag = reference.partition("@")
    path = as_path(before)
    if at:
        return ModelStore(path.parent), path.name, f"@{tag}"
    if path.is_dir() and not (path / RECORD).is_file():
        if versions_of(path.parent, path.name):
            return ModelStore(path.parent), path.name, "latest"
        models = names_in(path)
        if models:
            shown = ", ".join(str(path / name) for name in models)
            raise InputError(f"{reference!r} is a folder of models. Choose one: {shown}")
        raise InputError(f"{reference!r} is a folder without a model. Pass a model file")
    is_version = path.name.isdecimal() or path.name == "latest"
    if is_version and path.parent.is_dir():
        return ModelStore(path.parent.parent), path.parent.name, path.name
    if path.suffix in SUFFIXES or not names_in(path.parent):
        raise InputError(f"there is no model {reference!r}{_suggest_path(path)}")
    return ModelStore(path.parent), path.name, "latest"


def _suggest_path(path: Path) -> str:
    if not path.parent.is_dir():
        return f", because there is no folder {str(path.parent)!r}"
    names = [p.name for p in path.parent.iterdir() if p.suffix in SUFFIXES or p.is_dir()]
    return suggest_name(path.name, names) or ". Pass a .skt file or a model of a store"


def select_columns(
    frame: pd.DataFrame, model: LoadedModel, data: str, also: Iterable[str] = ()
) -> pd.DataFrame:
    """Return the columns that the model takes, in its order, and the columns `also`.

    Raises
    ------
    InputError
        If columns are missing. Their names are shown with the most similar names.
    """
    wanted = [*dict.fromkeys([*model.features, *also])]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        unused = [name for name in frame.columns if name not in wanted]
        renamed = [f"{name!r}{suggest_name(name, unused)}" for name in missing]
        listed = "; ".join(renamed[:5]) + (f" and {len(missing) - 5} more" * (len(missing) > 5))
        noun = "column" if len(missing) == 1 else "columns"
        raise InputError(
            f"{data} lacks {len(missing)} {noun} that {model.name} needs: {listed.rstrip('?')}"
            f"{'?' if listed.endswith('?') else '. Rename or add them'}"
        )
    if not model.features:
        n_features = getattr(model.trainer, "n_features_in_", None)
        if n_features is not None and len(frame.columns) != n_features:
            raise InputError(
                f"{data} has {len(frame.columns)} columns, but {model.name} was trained on "
                f"{n_features} columns without names"
            )
        return frame
    return frame[wanted]


def target_of(model: LoadedModel, given: str | None) -> str:
    """Return the name of the target column: as given, or as recorded in the model."""
    target = given or model.target
    if target is None:
        raise click.UsageError(
            f"{model.name} does not record the name of its target. Pass --target COLUMN."
        )
    if target in model.features:
        raise click.UsageError(
            f"--target: {target!r} is a column that {model.name} takes. Pass the column "
            f"with the true values{f', such as {model.target!r}' if model.target else ''}."
        )
    return target

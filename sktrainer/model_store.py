"""Versioned storage of models in a folder of plain files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sktrainer.exceptions import DataWarning, InputError, SaveWarning, suggest_name, warn_caller
from sktrainer.files.paths import as_path, check_writable
from sktrainer.serialization import model_versions
from sktrainer.serialization.bundle import read_bundle
from sktrainer.serialization.model_records import (
    RECORD,
    diff_frame,
    make_record,
    read_record,
    save_model_file,
    verify_model_file,
    write_json,
)
from sktrainer.serialization.type_ids import TRAINER, load_type

__all__ = ["ModelStore"]

Version = int | str
VersionNumbers = list[int]  # inside the class, `list` refers to the method


class ModelStore:
    """Versioned storage of models in a folder.

    Each version is stored in a folder ``<root>/<name>/<version>`` with three files: the
    trainer as ``model.skt`` (or as ``model.joblib`` with a warning, if a ``.skt`` file cannot
    store it), ``record.json`` (parameters, seeds, library versions, data fingerprint, scores
    and SHA-256 of the model file) and ``report.json``. Versions are written atomically, their
    numbers are never reused, and several processes may save at the same time.

    Parameters
    ----------
    root : path-like, default="models/"
        Folder of the store. It is created by the first `save`.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sktrainer import ManagedTrainer, ModelStore
    >>> X, y = load_iris(return_X_y=True)
    >>> trainer = ManagedTrainer(LogisticRegression(), random_state=0).fit(X, y)
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = ModelStore(folder.name)
    >>> store.save(trainer, name="iris")
    1
    >>> store.save(trainer.set_params(estimator__C=10.0).fit(X, y), name="iris")
    2
    >>> store.tag("iris", 1, "production")
    >>> store.load("iris", "@production").estimator
    LogisticRegression()
    >>> differ = store.diff("iris/1", "iris/2")
    >>> differ[differ["kind"] == "parameter"].values.tolist()
    [['parameter', 'estimator__C', '1.0', '10.0']]
    >>> folder.cleanup()
    """

    def __init__(self, root: str | os.PathLike[str] = "models/") -> None:
        self.root = as_path(root)

    def __repr__(self) -> str:
        return f"ModelStore({str(self.root)!r})"

    def save(self, trainer: Any, name: str) -> int:
        """Save a fitted trainer as the next version of a name.

        Parameters
        ----------
        trainer : ManagedTrainer
        name : str
            Name of the model: letters, digits, "_", "-" and ".".

        Returns
        -------
        int
            The version: 1, 2, 3, ... A number may be skipped if another process saved at the
            same time or a save failed.

        Raises
        ------
        InputError
            If the name is not a portable folder name, or the trainer cannot be saved at all.

        Warns
        -----
        SaveWarning
            If a ``.skt`` file cannot store the trainer. It is pickled instead, and loading
            it needs ``trusted=True``.
        """
        self.check(name)
        if not isinstance(trainer, load_type(TRAINER)):
            raise InputError(
                f"a ModelStore saves a fitted ManagedTrainer, got {type(trainer).__name__}. "
                "Wrap the model: ManagedTrainer(model).fit(X, y)"
            )
        check_is_fitted(trainer)
        notes: list[str] = []

        def fill(folder: Path, number: int) -> None:
            model, note = save_model_file(trainer, folder)
            notes.extend([note] if note else [])
            write_json(folder / "report.json", trainer.report_.to_dict())
            write_json(folder / RECORD, make_record(name, number, trainer, model, note))

        number = model_versions.add_version(self.root, name, fill)
        for note in notes:
            warn_caller(f"{name!r} version {number}: {note}", SaveWarning)
        return number

    def check(self, name: str) -> None:
        """Check that a model can be saved under a name; call it before training.

        Raises
        ------
        InputError
            If the name is not valid or the root is not a folder.
        FileWriteError
            If the root cannot be written.
        """
        model_versions.check_name(name)
        if self.root.exists() and not self.root.is_dir():
            raise InputError(
                f"the root of a ModelStore must be a folder, but {str(self.root)!r} is a file. "
                "Use another path"
            )
        check_writable(self.root / name, folder=True)

    def load(
        self, name: str, version: Version = "latest", *, trusted: bool | Sequence[str] = False
    ) -> Any:
        """Load a version.

        Parameters
        ----------
        name : str
        version : int or str, default="latest"
            A number, "latest", or "@" followed by a tag.
        trusted : bool or sequence of str, default=False
            Names to trust in a ``model.skt`` file, or True; see `ManagedTrainer.load`.

        Returns
        -------
        ManagedTrainer

        Raises
        ------
        InputError
            If the name, version or tag does not exist, or the file changed after it was saved.
        UntrustedFileError
            If the file needs trust. The message lists the names.
        """
        folder = self._folder(name, version)
        path = verify_model_file(folder, read_record(folder))
        return read_bundle(path, trusted=trusted)

    def path(self, name: str, version: Version = "latest") -> Path:
        """Return the path of the model file of a version."""
        folder = self._folder(name, version)
        return folder / Path(read_record(folder)["file"]).name

    def list(self) -> pd.DataFrame:
        """Return one row per model name.

        Returns
        -------
        DataFrame
            `name`, `versions` (the number of versions), `latest`, `tags`, and `estimator`
            and `saved` of the latest version. Values of a damaged record are missing.
        """
        rows = []
        for name in model_versions.names_in(self.root):
            numbers = model_versions.versions_of(self.root, name)
            latest = self._record_or_warn(name, numbers[-1])
            tags = model_versions.tags_of(self.root, name)
            rows.append(
                {
                    "name": name,
                    "versions": len(numbers),
                    "latest": numbers[-1],
                    "tags": ", ".join(f"{tag}: {number}" for tag, number in tags.items()),
                    "estimator": latest.get("estimator"),
                    "saved": latest.get("saved"),
                }
            )
        columns = ["name", "versions", "latest", "tags", "estimator", "saved"]
        return pd.DataFrame(rows, columns=columns)

    def history(self, name: str) -> pd.DataFrame:
        """Return one row per version of a model; the index is the version number.

        Returns
        -------
        DataFrame
            `saved`, `tags`, `estimator`, `rows`, `data` (first characters of the
            fingerprint), and the scores as `<set>_<metric>`. Values of a damaged record are
            missing.
        """
        numbers = self._numbers(name)
        tags = model_versions.tags_of(self.root, name)
        rows = []
        for number in numbers:
            record = self._record_or_warn(name, number)
            fingerprint = record.get("fingerprint")
            rows.append(
                {
                    "saved": record.get("saved"),
                    "tags": ", ".join(tag for tag, tagged in tags.items() if tagged == number),
                    "estimator": record.get("estimator"),
                    "rows": record.get("rows"),
                    "data": None if fingerprint is None else fingerprint["digest"][:19],
                    **{
                        f"{part}_{metric}": value
                        for part, scores in record.get("scores", {}).items()
                        for metric, value in scores.items()
                    },
                }
            )
        return pd.DataFrame(rows, index=pd.Index(numbers, name="version"))

    def diff(self, a: str, b: str) -> pd.DataFrame:
        """Return the differences between two versions.

        Parameters
        ----------
        a, b : str
            "name/3", "name/latest", "name/@production", or "name" for the latest version.

        Returns
        -------
        DataFrame
            One row per parameter, seed, library version and data property that differs, and
            one row per score: `kind`, `name`, `a`, `b`.
        """
        records = []
        for reference in (a, b):
            name, _, version = str(reference).partition("/")
            records.append(read_record(self._folder(name, version or "latest")))
        return diff_frame(*records)

    def tag(self, name: str, version: Version, tag: str) -> None:
        """Set a tag on a version, and remove it from the version that had it before."""
        model_versions.set_tag(self.root, name, self._number(name, version), tag)

    def untag(self, name: str, tag: str) -> None:
        """Remove a tag; the version is kept."""
        self._numbers(name)
        model_versions.remove_tag(self.root, name, tag)

    def delete(self, name: str, version: Version) -> None:
        """Delete a version; its number is not reused.

        Raises
        ------
        InputError
            If the version does not exist or has a tag.
        """
        model_versions.remove_version(self.root, name, self._number(name, version))

    def prune(self, name: str, keep: int, *, dry_run: bool = False) -> VersionNumbers:
        """Delete all versions except the newest ones and those with a tag.

        Parameters
        ----------
        name : str
        keep : int
            Number of newest versions to keep, at least 1.
        dry_run : bool, default=False
            Return what would be deleted, and delete nothing.

        Returns
        -------
        list of int
            The deleted versions.
        """
        if not isinstance(keep, int) or isinstance(keep, bool) or keep < 1:
            raise InputError(f"keep must be an integer of at least 1, got {keep!r}")
        numbers = self._numbers(name)
        tagged = set(model_versions.tags_of(self.root, name).values())
        deleted = [number for number in numbers[:-keep] if number not in tagged]
        for number in () if dry_run else deleted:
            model_versions.remove_version(self.root, name, number)
        return deleted

    def _record_or_warn(self, name: str, number: int) -> dict[str, Any]:
        """Return the record of a version, or an empty dict with a warning if it is damaged."""
        try:
            return read_record(self.root / name / str(number))
        except InputError as error:
            warn_caller(str(error), DataWarning)
            return {}

    def _folder(self, name: str, version: Version) -> Path:
        number = self._number(name, version)
        return self.root / name / str(number)

    def _numbers(self, name: str) -> VersionNumbers:
        """Return the versions of a name, or raise an error that lists the known names."""
        numbers = model_versions.versions_of(self.root, model_versions.check_name(name))
        if numbers:
            return numbers
        known = model_versions.names_in(self.root)
        hint = suggest_name(name, known)
        there = ", ".join(map(repr, known)) or "none"
        raise InputError(f"{self!r} has no model {name!r}. Available models: {there}{hint}")

    def _number(self, name: str, version: Version) -> int:
        numbers = self._numbers(name)
        if version == "latest":
            return numbers[-1]
        if isinstance(version, str) and version.startswith("@"):
            return model_versions.tagged_version(self.root, name, version[1:])
        whole = isinstance(version, int) and not isinstance(version, bool)
        if not whole and not (isinstance(version, str) and version.isdecimal()):
            raise InputError(
                f"version must be a number, 'latest', or '@' followed by a tag, got {version!r}"
            )
        if int(version) not in numbers:
            there = ", ".join(map(str, numbers))
            raise InputError(f"{name!r} has no version {version}. Available versions: {there}")
        return int(version)

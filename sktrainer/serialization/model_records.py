"""JSON record of a stored model version, and comparison of two records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from sktrainer.data.fingerprint.differences import fingerprint_differences
from sktrainer.data.fingerprint.fingerprint import Fingerprint
from sktrainer.exceptions import InputError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.serialization.bundle import write_or_pickle
from sktrainer.serialization.type_ids import TRAINER, type_name

FORMAT = 1
RECORD = "record.json"
MODEL_FILE = "model.skt"
PICKLE_FILE = "model.joblib"
REQUIRED = frozenset(
    {"estimator", "file", "fingerprint", "parameters", "rows", "saved", "scores", "seeds"}
    | {"sha256", "task", "versions"}
)


def make_record(
    name: str, version: int, trainer: Any, model: Path, note: str | None = None
) -> dict[str, Any]:
    """Return the record of a fitted trainer and its file.

    `note` is the reason why the file is a pickle, if it is one. The record contains only
    strings, numbers, lists and dicts.
    """
    report = trainer.report_.to_dict()
    return {
        "format": FORMAT,
        "name": name,
        "version": version,
        "saved": datetime.now().astimezone().isoformat(timespec="seconds"),
        "file": model.name,
        "bytes": model.stat().st_size,
        "sha256": _sha256(model),
        "note": note,
        **{key: report[key] for key in ("estimator", "task", "scores", "cv_summary")},
        **{key: report[key] for key in ("parameters", "seeds", "versions", "split")},
        "rows": report["data"].get("rows"),
        "best_iteration": trainer.best_iteration_,
        "fingerprint": getattr(trainer, "fingerprint_", None),
    }


def save_model_file(trainer: Any, folder: Path) -> tuple[Path, str | None]:
    """Write a trainer into a folder: as a ``.skt`` file, or else as a pickle.

    Return the path and, if the file is a pickle, the reason. A subclass of ManagedTrainer is
    pickled, because a store loads each ``.skt`` file as a ManagedTrainer.

    Raises
    ------
    InputError
        If the trainer can be written in neither format.
    """
    if type_name(trainer) != TRAINER:
        note = f"saved as {PICKLE_FILE}, which needs trusted=True to load: its class is "
        return trainer.save(folder / PICKLE_FILE), note + type(trainer).__name__
    return write_or_pickle(trainer, folder / MODEL_FILE, folder / PICKLE_FILE)


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, atomically."""
    with atomic_write(path) as part:
        part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_record(folder: Path) -> dict[str, Any]:
    """Read the record of a stored version.

    Raises
    ------
    InputError
        If the record is missing, damaged, or has a newer format.
    """
    path = folder / RECORD
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        number = record["format"]
        missing = REQUIRED - set(record) if number == FORMAT else set()
        if missing:
            raise KeyError(", ".join(sorted(missing)))
    except FileNotFoundError:
        raise InputError(
            f"{str(path)!r} is missing; this folder does not contain a model version"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{str(path)!r} is damaged: {error}; restore it") from None
    if number != FORMAT:
        raise InputError(
            f"{str(path)!r} has format {number}, but this version of sktrainer reads format "
            f"{FORMAT}; upgrade sktrainer"
        )
    return record


def verify_model_file(folder: Path, record: Mapping[str, Any]) -> Path:
    """Return the path of the model file.

    Raises
    ------
    InputError
        If the file is missing, or was changed after it was saved.
    """
    path = folder / Path(record["file"]).name
    if not path.is_file():
        raise InputError(f"{str(path)!r} is missing; restore it, or load another version")
    if _sha256(path) != record["sha256"]:
        raise InputError(
            f"{str(path)!r} was changed after it was saved: its SHA-256 differs from the one "
            f"in {RECORD}; restore it, or load another version"
        )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def diff_frame(a: Mapping[str, Any], b: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per difference between two records, and one row per score.

    The columns are `kind` ("model", "parameter", "seed", "library", "data", "score"), `name`,
    `a` and `b`. If `kind` is "data", `name` describes the difference.
    """
    rows = [("model", key, a[key], b[key]) for key in ("estimator", "task") if a[key] != b[key]]
    for kind, key in (("parameter", "parameters"), ("seed", "seeds"), ("library", "versions")):
        rows += [
            (kind, name, a[key].get(name), b[key].get(name))
            for name in dict.fromkeys([*a[key], *b[key]])
            if a[key].get(name) != b[key].get(name)
        ]
    rows += _data_rows(a["fingerprint"], b["fingerprint"])
    for part in dict.fromkeys([*a["scores"], *b["scores"]]):
        old, new = (record["scores"].get(part) or {} for record in (a, b))
        for metric in dict.fromkeys([*old, *new]):
            rows.append(("score", f"{part} {metric}", old.get(metric), new.get(metric)))
    return pd.DataFrame(rows, columns=["kind", "name", "a", "b"]).astype(
        {"a": object, "b": object}
    )


def _data_rows(a: Fingerprint, b: Fingerprint) -> list[tuple[str, str, Any, Any]]:
    if a is None or b is None:
        return [] if a is b else [("data", "fingerprint", _short(a), _short(b))]
    return [("data", line, _short(a), _short(b)) for line in fingerprint_differences(a, b)]


def _short(found: Any) -> str | None:
    """Return an abbreviated digest: "sha256:" and 12 digits."""
    return None if found is None else str(found["digest"])[:19]

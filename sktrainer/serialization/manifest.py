"""Manifest and member names of a `.skt` file."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sktrainer.exceptions import FileFormatError
from sktrainer.files.archive import checksum
from sktrainer.reporting.to_dict import to_plain
from sktrainer.serialization.type_ids import type_name

FORMAT = "sktrainer"
FORMAT_VERSION = 1
MOST_BYTES = 16 * 2**20
MANIFEST = "manifest.json"
STATE_MEMBERS = ("trainer.skops", "steps.skops", "model.skops")
JSON_ATTRIBUTES = frozenset({"fingerprint_"})

SEPARATE_ATTRIBUTES = (
    "_predictor",
    "evals_result_",
    "history_",
    "model_",
    "pipeline_",
    "report_",
)


def make_manifest(
    trainer: Any,
    backend: str,
    members: Mapping[str, bytes],
    needs: Sequence[str],
) -> bytes:
    """Return the manifest of a fitted trainer as JSON, sorted and indented.

    `backend` is the name of the backend, `members` are all other members of the file, and
    `needs` are the import paths that a user has to trust to load it.
    """
    report = to_plain(trainer.report_)
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "sktrainer_version": version("sktrainer"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "trainer": type_name(trainer),
        "estimator": type_name(trainer.estimator),
        "model": {"class": type_name(trainer.model_), "backend": backend},
        "steps": report["steps"],
        "parameters": report["parameters"],
        "task": report["task"],
        "seeds": report["seeds"],
        "data": {"fingerprint": None, **report["data"]},
        "split": report["split"],
        "imbalance": report["imbalance"],
        "fitting": report["fitting"],
        "scores": report["scores"],
        "libraries": report["versions"],
        "environment": _environment(),
        "git_commit": current_commit(),
        "needs_trust": list(needs),
        "members": {
            name: {"bytes": len(data), "sha256": checksum(data)}
            for name, data in members.items()
        },
    }
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def _environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
    }


def read_manifest(data: bytes) -> dict[str, Any]:
    """Parse and validate a manifest.

    Raises
    ------
    FileFormatError
        If it is not a manifest of sktrainer, or was written by a later version.
    """
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"its manifest.json is not valid JSON ({error})") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise FileFormatError("its manifest.json was not written by sktrainer")
    number = manifest.get("format_version")
    # bool is a subclass of int.
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise FileFormatError(f"its format version is {number!r}, expected 1 or more")
    if number > FORMAT_VERSION:
        writer = str(manifest.get("sktrainer_version"))[:40]  # the file may contain anything
        raise FileFormatError(
            f"it was written by sktrainer {writer} in format {number}, but sktrainer "
            f"{version('sktrainer')} reads formats up to {FORMAT_VERSION}; upgrade sktrainer"
        )
    _check_entries(manifest)
    return manifest


def _check_entries(manifest: Mapping[str, Any]) -> None:
    members, model = manifest.get("members"), manifest.get("model")
    if not isinstance(members, dict) or not all(
        isinstance(entry, dict)
        and isinstance(entry.get("sha256"), str)
        and isinstance(entry.get("bytes"), int)
        for entry in members.values()
    ):
        raise FileFormatError("its manifest.json does not list its members")
    if not isinstance(model, dict) or not all(
        isinstance(model.get(key), str) for key in ("class", "backend")
    ):
        raise FileFormatError("its manifest.json does not describe the model")


GIT_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
MAX_GIT_FILE = 4 * 2**20
MAX_GIT_REFERENCES = 5  # symbolic references to follow, as Git itself does


def current_commit(folder: Path | None = None) -> str | None:
    """Return the hash of the commit that is checked out, or None if it cannot be read.

    The files are read directly, because `git` may run programs that the configuration of the
    repository names. The search starts in `folder`, by default the working directory, and
    continues in the parent folders.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     print(current_commit(Path(empty)))
    None
    """
    try:
        start = (folder or Path.cwd()).resolve()
        for place in (start, *start.parents):
            if (place / ".git").exists():
                return _commit_of(place / ".git")
    except (OSError, ValueError):
        return None
    return None


def _commit_of(git: Path) -> str | None:
    if not git.is_dir():  # in a linked worktree, a file that points to the folder
        git = (git.parent / _read(git).removeprefix("gitdir:").strip()).resolve()
    common = git
    if (git / "commondir").is_file():
        common = (git / _read(git / "commondir").strip()).resolve()
    head = _read(git / "HEAD").strip()
    for _ in range(MAX_GIT_REFERENCES):
        if not head.startswith("ref:"):
            return head if GIT_HASH.fullmatch(head) else None
        name = head.removeprefix("ref:").strip()
        # Do not read files outside of the repository.
        if ".." in name or not name.startswith("refs/"):
            return None
        loose = [folder / name for folder in (git, common) if (folder / name).is_file()]
        head = _read(loose[0]).strip() if loose else _packed(common, name)
    return None


def _packed(common: Path, name: str) -> str:
    if not (common / "packed-refs").is_file():
        return ""
    lines = (line.split() for line in _read(common / "packed-refs").splitlines())
    return next((line[0] for line in lines if len(line) == 2 and line[1] == name), "")


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_GIT_FILE).decode()

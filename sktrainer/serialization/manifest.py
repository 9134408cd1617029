"""Manifest and member names of a `.skt` file."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from sktrainer.exceptions import FileFormatError
from sktrainer.files.archive import checksum
from sktrainer.reporting.to_dict import to_plain
from sktrainer.serialization.git_commit import current_commit
from sktrainer.serialization.type_ids import type_name

__all__ = [
    "FORMAT_VERSION",
    "JSON_ATTRIBUTES",
    "MANIFEST",
    "MOST_BYTES",
    "SEPARATE_ATTRIBUTES",
    "STATE_MEMBERS",
    "make_manifest",
    "read_manifest",
]


FORMAT = "sktrainer"


FORMAT_VERSION = 1


MOST_BYTES = 16 * 2**20


def make_manifest(
    trainer: Any,
    family: str,
    members: Mapping[str, bytes],
    needs: Sequence[str],
) -> bytes:
    """Return the manifest of a fitted trainer as JSON, sorted and indented.

    `family` is the name of the backend, `members` are all other members of the file, and
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
        "model": {"class": type_name(trainer.model_), "family": family},
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
        isinstance(model.get(key), str) for key in ("class", "family")
    ):
        raise FileFormatError("its manifest.json does not describe the model")


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

"""Numbered folders below a name, each there whole or not at all, and tags that point at them.

The layout, readable without this library:

    <root>/<name>/1/, <root>/<name>/2/, ...   what was saved, a folder a version
    <root>/<name>/tags/<tag>                  the number of the version that has this tag
    <root>/<name>/numbers/<number>            an empty file for each number ever given

A number is given once: whoever creates its file has it, also where many processes save at
once, and a version that was deleted leaves its number taken. A folder is filled under a
hidden name and then renamed, so that nobody sees a part of it.
"""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from sktrainer.exceptions import InputError
from sktrainer.running.files import written_whole

__all__ = [
    "add_version",
    "check_name",
    "names_in",
    "remove_tag",
    "remove_version",
    "set_tag",
    "tagged_version",
    "tags_of",
    "versions_of",
]

NUMBERS, TAGS, HIDDEN = "numbers", "tags", "."
LONGEST_NAME = 100
SECONDS_TO_ABANDON = 24 * 3600.0
"""What a process that was killed left half-filled is removed after so long."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def check_name(name: str, what: str = "name") -> str:
    """Return a name that can be a folder's on every system, or refuse it.

    Parameters
    ----------
    name : str
    what : str, default="name"
        What to call it in the error.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_name("churn-2024.q1")
    'churn-2024.q1'
    """
    fits = isinstance(name, str) and len(name) <= LONGEST_NAME and _NAME.fullmatch(name)
    if not fits or name.endswith(".") or _RESERVED.fullmatch(name):
        raise InputError(
            f"{what} must be 1 to {LONGEST_NAME} letters, digits, '_', '-' and '.', beginning "
            "with no '-' or '.', ending with no '.', and no device of Windows such as 'con', "
            f"got {name!r}; rename it"
        )
    return name


def names_in(root: Path) -> list[str]:
    """Return the names that have a version, sorted."""
    if not root.is_dir():
        return []
    return sorted(p.name for p in root.iterdir() if p.is_dir() and versions_of(root, p.name))


def versions_of(root: Path, name: str) -> list[int]:
    """Return the numbers of the versions that are there, ascending."""
    folder = root / name
    if not folder.is_dir():
        return []
    return sorted(int(p.name) for p in folder.iterdir() if p.name.isdecimal() and p.is_dir())


def add_version(root: Path, name: str, fill: Callable[[Path, int], None]) -> int:
    """Make the next version and return its number.

    Parameters
    ----------
    root : Path
        Made where it is missing.
    name : str
    fill : callable
        ``fill(folder, number)`` writes all files of the version into a new, empty folder.
    """
    folder = root / check_name(name)
    _check_case(root, name)
    (folder / NUMBERS).mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    part = folder / f"{HIDDEN}{uuid.uuid4().hex}.part"
    part.mkdir()
    try:
        number = _next_number(folder)
        fill(part, number)
        part.rename(folder / str(number))
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return number


def _check_case(root: Path, name: str) -> None:
    """Refuse a name that is another one's on a system that takes both for the same."""
    alike = [p.name for p in root.iterdir()] if root.is_dir() else []
    for other in alike:
        if other != name and other.lower() == name.lower():
            raise InputError(
                f"name {name!r} differs from {other!r}, which is there, only in capitals: on "
                f"some systems they are one folder; use {other!r}, or another name"
            )


def _next_number(folder: Path) -> int:
    taken = [int(p.name) for p in (folder / NUMBERS).iterdir() if p.name.isdecimal()]
    number = max(taken, default=0) + 1
    while True:
        try:
            (folder / NUMBERS / str(number)).touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return number


def _remove_abandoned(folder: Path) -> None:
    for part in folder.glob(f"{HIDDEN}*.part"):
        try:
            old = time.time() - part.stat().st_mtime > SECONDS_TO_ABANDON
        except FileNotFoundError:
            continue
        if old:
            shutil.rmtree(part, ignore_errors=True)


def remove_version(root: Path, name: str, number: int) -> None:
    """Remove a version that has no tag; it is gone at once, before its files are."""
    folder = root / name
    hidden = folder / f"{HIDDEN}{uuid.uuid4().hex}.part"
    _check_untagged(root, name, number)
    try:
        (folder / str(number)).rename(hidden)
    except FileNotFoundError:
        raise InputError(f"version {number} of {name!r} is gone already") from None
    try:
        # Who tags at the same moment looks, after tagging, whether the version is there.
        _check_untagged(root, name, number)
    except InputError:
        hidden.rename(folder / str(number))
        raise
    shutil.rmtree(hidden)


def _check_untagged(root: Path, name: str, number: int) -> None:
    tags = [tag for tag, tagged in tags_of(root, name).items() if tagged == number]
    if tags:
        raise InputError(
            f"version {number} of {name!r} is tagged {', '.join(map(repr, tags))}; tag "
            f"another version so, or call untag({name!r}, {tags[0]!r}), before deleting it"
        )


def tags_of(root: Path, name: str) -> dict[str, int]:
    """Return the version that each tag points at, by tag."""
    folder = root / name / TAGS
    found = {}
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not file.name.startswith(HIDDEN):
            try:
                found[file.name] = int(file.read_text(encoding="ascii"))
            except FileNotFoundError:  # removed since
                continue
            except ValueError:
                raise InputError(
                    f"{str(file)!r} must hold the number of a version; write one, or remove it"
                ) from None
    return found


def tagged_version(root: Path, name: str, tag: str) -> int:
    """Return the version that a tag points at, or say which tags there are."""
    tags = tags_of(root, name)
    if tag not in tags:
        known = ", ".join(f"'@{each}'" for each in tags) or "none"
        raise InputError(
            f"{name!r} has no tag {tag!r}; its tags: {known}; set one with tag({name!r}, ...)"
        )
    if tags[tag] not in versions_of(root, name):
        raise InputError(f"tag {tag!r} points at version {tags[tag]}, which is gone")
    return tags[tag]


def set_tag(root: Path, name: str, number: int, tag: str) -> None:
    """Let a tag point at a version, and at no other one any more."""
    file = root / name / TAGS / check_name(tag, "tag")
    before = tags_of(root, name).get(tag)
    _write_number(file, number)
    if not (root / name / str(number)).is_dir():  # deleted at the same moment
        if before is None:
            file.unlink(missing_ok=True)
        else:
            _write_number(file, before)
        raise InputError(f"version {number} of {name!r} was deleted; tag another one")


def _write_number(file: Path, number: int) -> None:
    with written_whole(file) as part:
        part.write_text(f"{number}\n", encoding="ascii")


def remove_tag(root: Path, name: str, tag: str) -> None:
    """Take a tag away; the version stays."""
    try:
        (root / name / TAGS / check_name(tag, "tag")).unlink()
    except FileNotFoundError:
        known = ", ".join(map(repr, tags_of(root, name))) or "none"
        raise InputError(
            f"{name!r} has no tag {tag!r}; its tags: {known}; check the tag"
        ) from None

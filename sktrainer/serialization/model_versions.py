"""Version folders and tags of a model store.

The layout can be read without this library:

    <root>/<name>/1/, <root>/<name>/2/, ...   one folder per version
    <root>/<name>/tags/<tag>                  the number of the version with this tag
    <root>/<name>/numbers/<number>            one empty file per number ever assigned

A version number is assigned once: the process that creates its file owns it, even if several
processes save at the same time, and a deleted version keeps its number. A folder is filled
under a hidden name and then renamed, so that versions appear atomically. While a process uses
a hidden folder, it locks a file beside it, so that other processes remove only those of
processes that ended.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sktrainer.exceptions import InputError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.file_lock import file_lock
from sktrainer.files.paths import explain_write_errors

NUMBERS, TAGS, HIDDEN = "numbers", "tags", "."
MAX_NAME_LENGTH = 100
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def check_name(name: str, what: str = "name") -> str:
    """Check that a name is a valid folder name on every operating system, and return it.

    Raises
    ------
    InputError
        If the name is not valid.

    Examples
    --------
    >>> check_name("churn-2024.q1")
    'churn-2024.q1'
    """
    fits = isinstance(name, str) and len(name) <= MAX_NAME_LENGTH and _NAME.fullmatch(name)
    if not fits or name.endswith(".") or _RESERVED.fullmatch(name):
        raise InputError(
            f"{what} must have 1 to {MAX_NAME_LENGTH} letters, digits, '_', '-' or '.', "
            "must not start with '-' or '.' or end with '.', and must not be a Windows device "
            f"such as 'con', got {name!r}; rename it"
        )
    return name


def names_in(root: Path) -> list[str]:
    """Return the sorted names that have at least one version."""
    if not root.is_dir():
        return []
    return sorted(p.name for p in root.iterdir() if p.is_dir() and versions_of(root, p.name))


def versions_of(root: Path, name: str) -> list[int]:
    """Return the numbers of the existing versions in ascending order."""
    folder = root / name
    if not folder.is_dir():
        return []
    return sorted(int(p.name) for p in folder.iterdir() if p.name.isdecimal() and p.is_dir())


def add_version(root: Path, name: str, fill: Callable[[Path, int], None]) -> int:
    """Add the next version and return its number.

    `root` is created if it does not exist. ``fill(folder, number)`` writes all files of the
    version into a new, empty folder.

    Raises
    ------
    FileWriteError
        If the folder cannot be written.
    """
    folder = root / check_name(name)
    _check_case(root, name)
    with explain_write_errors(folder):
        (folder / NUMBERS).mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        with _hidden_folder(folder) as part:
            part.mkdir()
            number = _next_number(folder)
            fill(part, number)
            part.rename(folder / str(number))
    return number


@contextmanager
def _hidden_folder(folder: Path) -> Iterator[Path]:
    """Yield the path of a hidden folder, which only this process removes while it lives."""
    part = folder / f"{HIDDEN}{uuid.uuid4().hex}.part"
    lock = part.with_suffix(".lock")
    try:
        with file_lock(lock):
            try:
                yield part
            finally:
                shutil.rmtree(part, ignore_errors=True)
    finally:
        lock.unlink(missing_ok=True)


def _check_case(root: Path, name: str) -> None:
    """Reject a name that differs from an existing one only in case."""
    alike = [p.name for p in root.iterdir()] if root.is_dir() else []
    for other in alike:
        if other != name and other.lower() == name.lower():
            raise InputError(
                f"name {name!r} differs from the existing {other!r} only in case, and some "
                f"systems treat both as the same folder; use {other!r}, or another name"
            )


def _next_number(folder: Path) -> int:
    # A copy of a store may lack the number files, which are empty.
    versions = versions_of(folder.parent, folder.name)
    taken = [*versions, *(int(p.name) for p in (folder / NUMBERS).glob("[0-9]*"))]
    number = max(taken, default=0) + 1
    while True:
        try:  # creating a file is atomic: no two processes get the same number
            (folder / NUMBERS / str(number)).touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return number


def _remove_abandoned(folder: Path) -> None:
    for part in folder.glob(f"{HIDDEN}*.part"):
        lock = part.with_suffix(".lock")
        with file_lock(lock) as is_abandoned:
            if is_abandoned:
                shutil.rmtree(part, ignore_errors=True)
        if is_abandoned:
            lock.unlink(missing_ok=True)


def remove_version(root: Path, name: str, number: int) -> None:
    """Remove a version that has no tag.

    The folder is hidden by a rename before its files are deleted, so that no process sees
    an incomplete version.
    """
    folder = root / name
    _check_untagged(root, name, number)
    with explain_write_errors(folder / str(number)), _hidden_folder(folder) as hidden:
        # The number file of a copied store may be missing, and the number is not reused.
        (folder / NUMBERS).mkdir(exist_ok=True)
        (folder / NUMBERS / str(number)).touch()
        try:
            (folder / str(number)).rename(hidden)
        except FileNotFoundError:
            raise InputError(f"version {number} of {name!r} does not exist any more") from None
        try:
            # Another process may have set a tag since the first check. `set_tag` in turn checks
            # after tagging that the version exists, so one of the two always notices.
            _check_untagged(root, name, number)
        except InputError:
            hidden.rename(folder / str(number))
            raise


def _check_untagged(root: Path, name: str, number: int) -> None:
    tags = [tag for tag, tagged in tags_of(root, name).items() if tagged == number]
    if tags:
        raise InputError(
            f"version {number} of {name!r} has the tag {', '.join(map(repr, tags))}; move the "
            f"tag to another version, or call untag({name!r}, {tags[0]!r}), before deleting it"
        )


def tags_of(root: Path, name: str) -> dict[str, int]:
    """Return a dict from each tag to the number of its version."""
    folder = root / name / TAGS
    found = {}
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not file.name.startswith(HIDDEN):
            try:
                found[file.name] = int(file.read_text(encoding="ascii"))
            except FileNotFoundError:  # removed by another process
                continue
            except ValueError:
                raise InputError(
                    f"{str(file)!r} must contain a version number; correct it, or delete it"
                ) from None
    return found


def tagged_version(root: Path, name: str, tag: str) -> int:
    """Return the version that a tag points to.

    Raises
    ------
    InputError
        If the tag or its version does not exist. The message lists the existing tags.
    """
    tags = tags_of(root, name)
    if tag not in tags:
        known = ", ".join(f"'@{each}'" for each in tags) or "none"
        raise InputError(
            f"{name!r} has no tag {tag!r}; its tags: {known}; check the tag, or set it first"
        )
    if tags[tag] not in versions_of(root, name):
        raise InputError(
            f"tag {tag!r} points to version {tags[tag]}, which does not exist any more"
        )
    return tags[tag]


def set_tag(root: Path, name: str, number: int, tag: str) -> None:
    """Set a tag on a version. A tag that is already in use moves to this version."""
    file = root / name / TAGS / check_name(tag, "tag")
    before = tags_of(root, name).get(tag)
    _write_number(file, number)
    # First tag, then check: see `remove_version`.
    if not (root / name / str(number)).is_dir():  # deleted by another process
        if before is None:
            file.unlink(missing_ok=True)
        else:
            _write_number(file, before)
        raise InputError(f"version {number} of {name!r} was deleted; tag another one")


def _write_number(file: Path, number: int) -> None:
    with atomic_write(file) as part:
        part.write_text(f"{number}\n", encoding="ascii")


def remove_tag(root: Path, name: str, tag: str) -> None:
    """Remove a tag. The version remains."""
    try:
        (root / name / TAGS / check_name(tag, "tag")).unlink()
    except FileNotFoundError:
        known = ", ".join(map(repr, tags_of(root, name))) or "none"
        raise InputError(
            f"{name!r} has no tag {tag!r}; its tags: {known}; check the tag"
        ) from None

"""Current Git commit of the user's code, read from the files of the repository."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["current_commit"]


HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


MOST_BYTES = 4 * 2**20


LINKS = 5  # symbolic references to follow, as Git itself does


def current_commit(folder: Path | None = None) -> str | None:
    """Return the hash of the commit that is checked out, or None if it cannot be read.

    The files are read directly, because `git` may run programs that the configuration of
    the repository names.

    Parameters
    ----------
    folder : Path or None, default=None
        Folder in which the search starts; it continues in the parent folders. None means
        the working directory.

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
                return _commit_of(_git_folder(place / ".git"))
    except (OSError, ValueError):
        return None
    return None


def _git_folder(entry: Path) -> Path:
    """Return the Git folder. In a linked worktree, `.git` is a file that points to it."""
    if entry.is_dir():
        return entry
    target = _read(entry).removeprefix("gitdir:").strip()
    return (entry.parent / target).resolve()


def _commit_of(git: Path) -> str | None:
    common = git
    if (git / "commondir").is_file():
        common = (git / _read(git / "commondir").strip()).resolve()
    head = _read(git / "HEAD").strip()
    for _ in range(LINKS):
        if not head.startswith("ref:"):
            return head if HASH.fullmatch(head) else None
        name = head.removeprefix("ref:").strip()
        # Do not read files outside of the repository.
        if ".." in name or not name.startswith("refs/"):
            return None
        loose = [place / name for place in (git, common) if (place / name).is_file()]
        head = _read(loose[0]).strip() if loose else _packed(common, name)
    return None


def _packed(common: Path, name: str) -> str:
    if not (common / "packed-refs").is_file():
        return ""
    lines = (line.split() for line in _read(common / "packed-refs").splitlines())
    return next((line[0] for line in lines if len(line) == 2 and line[1] == name), "")


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MOST_BYTES).decode()

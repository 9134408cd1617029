"""Tests of paths and of errors when writing to them."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from sktrainer import FileWriteError, InputError, SktrainerError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.paths import as_path, check_writable, explain_write_errors


@pytest.mark.parametrize("value", [b"PK", 3, None, ["a"]])
def test_value_that_is_no_path_raises(value):
    with pytest.raises(InputError, match=f"str or a pathlib.Path, got {type(value).__name__}"):
        as_path(value)


def test_home_folder_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert as_path("~/m.skt") == as_path(Path("~/m.skt")) == Path("/home/someone/m.skt")


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ENOSPC, "the disk is full. Free disk space"),
        (errno.EROFS, "the disk is read-only. Use another path"),
        (errno.EACCES, "permission denied. Change the permissions"),
    ],
)
def test_error_names_file_cause_and_solution(number, cause, tmp_path):
    path = tmp_path / "m.skt"
    with pytest.raises(FileWriteError) as caught, explain_write_errors(path):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith(f"{str(path)!r} cannot be written: {cause}")
    assert caught.value.errno == number
    assert isinstance(caught.value, SktrainerError)


def test_full_disk_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with (
            pytest.raises(FileWriteError, match="cannot be written"),
            atomic_write(path) as part,
        ):
            part.write_bytes(bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "old")]


def test_check_creates_nothing(tmp_path):
    check_writable(tmp_path / "new" / "folder" / "m.skt")
    assert not any(tmp_path.iterdir())

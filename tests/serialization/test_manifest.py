"""Tests that the commit is read from repository files without running a program."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from sktrainer.serialization.manifest import current_commit

GIT = shutil.which("git")


def _git(folder, *arguments):
    options = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    run = [GIT, *options, *arguments]
    done = subprocess.run(run, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    if GIT is None:
        pytest.skip("git is not installed")
    _git(tmp_path, "init", "-q")
    (tmp_path / "inner").mkdir()
    _git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    return tmp_path


def test_commit_is_found_from_a_subfolder(repository):
    assert current_commit(repository / "inner") == _git(repository, "rev-parse", "HEAD")


def test_commit_of_packed_detached_and_linked_worktrees(repository):
    head = _git(repository, "rev-parse", "HEAD")
    _git(repository, "pack-refs", "--all")
    assert current_commit(repository) == head
    _git(repository, "worktree", "add", "-q", "linked", "-b", "other")
    assert current_commit(repository / "linked") == head
    _git(repository, "checkout", "-q", "--detach")
    assert current_commit(repository) == head


@pytest.mark.parametrize(
    "head",
    [b"", b"ref: ../../secret", b"ref: refs/heads/none", b"\xff\xfe", b"not a hash", b"ref:"],
)
def test_commit_is_none_for_invalid_repositories(tmp_path, head):
    assert current_commit(tmp_path / "missing") is None
    (tmp_path / ".git").mkdir()
    assert current_commit(tmp_path) is None
    (tmp_path / ".git" / "HEAD").write_bytes(head)
    assert current_commit(tmp_path) is None
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".git").write_bytes(b"gitdir: \0")
    assert current_commit(tmp_path / "b") is None


def test_programs_in_the_git_config_are_not_run(repository):
    _git(repository, "config", "core.fsmonitor", f"touch {repository / 'ran'}")
    assert current_commit(repository)
    assert not (repository / "ran").exists()

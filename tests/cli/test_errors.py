"""Tests of the messages and exit codes of errors."""

from __future__ import annotations

import pickle

import click
import pytest

from sktrainer.cli._errors import show_error
from sktrainer.exceptions import (
    CheckpointError,
    FileFormatError,
    FitError,
    InputError,
    ParameterError,
    TrainingInterrupted,
    UntrustedFileError,
)


def _abort(error: BaseException) -> click.Abort:
    abort = click.Abort()
    abort.__cause__ = error
    return abort


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (InputError("X has no rows"), 2, "error: X has no rows\n"),
        (ParameterError(["a is 1", "b is 2"]), 2, "error: a is 1\nerror: b is 2\n"),
        (InputError("wrong columns:\n- age\n"), 2, "error: wrong columns: - age\n"),
        (FileFormatError("m.skt is truncated"), 2, "error: m.skt is truncated\n"),
        (UntrustedFileError("not trusted"), 2, "error: not trusted\n"),
        (FitError("every fold failed"), 1, "error: every fold failed\n"),
        (CheckpointError("runs/a is in use"), 1, "error: runs/a is in use\n"),
        (ImportError("pip install it"), 1, "error: pip install it\n"),
        (PermissionError(13, "Permission denied", "a"), 1, "error: a: Permission denied\n"),
        (_abort(KeyboardInterrupt()), 130, "error: interrupted\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (
            _abort(TrainingInterrupted("text", "stopped by Ctrl-C", "runs/a b")),
            130,
            "error: stopped by Ctrl-C. To resume: sktrainer resume 'runs/a b'\n",
        ),
        (click.FileError("a", "is gone"), 1, "error: Could not open file 'a': is gone\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_error_is_one_line_per_problem(capsys, error, code, text):
    assert show_error(error) == code
    assert capsys.readouterr() == ("", text)


def test_unknown_error_has_its_type_and_points_at_debug(capsys):
    assert show_error(KeyError("x")) == 1
    assert (
        capsys.readouterr().err == "error: KeyError: 'x' (--debug shows where it was raised)\n"
    )


def test_traceback_is_shown_for_debugging(capsys):
    try:
        raise InputError("X has no rows")
    except InputError as error:
        show_error(error, debug=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "error: X has no rows"


def test_interruption_keeps_its_folder_when_it_is_pickled():
    copy = pickle.loads(pickle.dumps(TrainingInterrupted("text", "reason", "runs/a")))
    assert (str(copy), copy.reason, copy.folder) == ("text", "reason", "runs/a")

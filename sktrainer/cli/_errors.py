"""One-line messages for errors, and their exit codes."""

from __future__ import annotations

import shlex
import traceback

import click

from sktrainer.cli._wording import one_line
from sktrainer.exceptions import (
    FileFormatError,
    InputError,
    SktrainerError,
    TrainingInterrupted,
    UntrustedFileError,
    suggest_name,
)

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


def show_error(error: BaseException, *, debug: bool = False) -> int:
    """Print an error to stderr, one line per problem, and return the exit code.

    Parameters
    ----------
    error : BaseException
    debug : bool, default=False
        Print the traceback, too.

    Examples
    --------
    >>> from sktrainer.exceptions import ParameterError
    >>> show_error(ParameterError("test_size must be below 1, got 1.5"))
    2
    """
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    for line in _lines(error):
        click.echo(f"error: {line}", err=True)
    return _exit_code(error)


def _exit_code(error: BaseException) -> int:
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        return error.exit_code
    wrong_input = (InputError, FileFormatError, UntrustedFileError)
    return WRONG_USAGE if isinstance(error, wrong_input) else FAILED


def _lines(error: BaseException) -> list[str]:
    """Return one line per problem."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        # click raises Abort from the KeyboardInterrupt.
        cause = error.__cause__ if isinstance(error, click.Abort) else error
        if isinstance(cause, TrainingInterrupted) and cause.folder:
            return [f"{cause.reason}. To resume: sktrainer resume {shlex.quote(cause.folder)}"]
        return ["interrupted"]
    if isinstance(error, click.UsageError):
        return [_usage_line(error)]
    if isinstance(error, click.ClickException):
        return [one_line(error.format_message())]
    if isinstance(error, InputError):
        return [one_line(problem) for problem in error.problems]
    text = one_line(str(error))
    if isinstance(error, SktrainerError | ImportError):
        return [text]
    if isinstance(error, OSError) and error.strerror and error.filename:
        return [f"{error.filename}: {error.strerror}"]
    # An error that sktrainer does not know, for example one of a user-defined model.
    return [f"{type(error).__name__}: {text} (--debug shows where it was raised)"]


def _usage_line(error: click.UsageError) -> str:
    text = one_line(error.format_message())
    path = error.ctx.command_path if error.ctx else "sktrainer"
    if isinstance(error, click.NoSuchOption) and error.ctx:
        options = [
            name for each in error.ctx.command.get_params(error.ctx) for name in each.opts
        ]
        hint = suggest_name(error.option_name, options)
        text = f"There is no option {error.option_name!r}{hint or '.'}"
    return f"{text} See: {path} --help" if path not in text else text

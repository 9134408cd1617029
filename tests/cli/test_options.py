"""Tests of the class of all commands."""

from __future__ import annotations

import warnings

import click
from click.testing import CliRunner

from sktrainer.cli._options import Command
from sktrainer.exceptions import DataWarning


@click.command(cls=Command, example="sktrainer warn --json")
def command(as_json: bool) -> None:
    """Warn twice."""
    for _ in range(2):
        warnings.warn("column 'a'\n  is empty", DataWarning, stacklevel=1)
    click.echo(as_json)


def test_warning_is_one_line_on_stderr_and_shown_once():
    result = CliRunner().invoke(command, ["--json"])
    assert result.stderr == "warning: column 'a' is empty\n"
    assert result.stdout == "True\n"


def test_warning_filters_are_restored():
    before = warnings.filters[:], warnings.showwarning
    CliRunner().invoke(command, [])
    assert (warnings.filters[:], warnings.showwarning) == before


def test_example_is_the_last_section_of_the_help():
    page = CliRunner().invoke(command, ["--help"]).stdout
    assert page.endswith("\nExample:\n  sktrainer warn --json\n")

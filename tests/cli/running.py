"""Run the command line inside the process of the tests."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from sktrainer.cli.main import cli


def invoke(*arguments: object, stdin: str | bytes | None = None) -> Result:
    """Run `sktrainer ...` and return its exit code and output."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], input=stdin)


def succeed(*arguments: object, stdin: str | bytes | None = None) -> str:
    """Run a command that must succeed, and return its standard output."""
    result = invoke(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def read_json(*arguments: object, stdin: str | bytes | None = None) -> Any:
    """Run a command with `--json` and return the parsed output."""
    return json.loads(succeed(*arguments, "--json", stdin=stdin))


def fail(*arguments: object, code: int = 2) -> str:
    """Run a command that must fail, and return its standard error."""
    result = invoke(*arguments)
    assert result.exit_code == code, (result.exit_code, result.output)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr

"""Tests of the group of commands: help, unknown names, exit codes and completion."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sktrainer import __version__
from sktrainer.cli.main import COMMANDS, cli
from tests.cli.running import fail, invoke, succeed
from tests.source_rules import ROOT


def _run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)


def test_help_lists_every_command_with_its_first_line():
    page = " ".join(succeed("--help").split())
    for name, text in COMMANDS.items():
        assert f"{name} {text}" in page


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_the_short_help_of_the_group(name):
    command = cli.get_command(cli.make_context("sktrainer", ["--", name]), name)
    assert command.get_short_help_str(200) == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_page_has_an_example_and_common_options(name):
    page = succeed(name, "--help")
    assert f"sktrainer {name}" in page.partition("Example")[2]
    if "COMMAND" not in page.splitlines()[0]:
        assert "--json" in page
        assert "--debug" in page


def test_no_arguments_show_the_help():
    assert succeed() == succeed("--help") == succeed("-h")


def test_version_is_printed():
    assert succeed("--version") == f"sktrainer {__version__}\n"


def test_unknown_command_shows_the_nearest():
    error = "error: There is no command 'complete'. Did you mean 'completion'? "
    assert fail("complete") == f"{error}See: sktrainer --help\n"


def test_unknown_option_shows_the_nearest():
    error = "error: There is no option '--jsn'. Did you mean '--json'? "
    assert fail("completion", "bash", "--jsn") == f"{error}See: sktrainer completion --help\n"


def test_missing_argument_is_one_line():
    error = fail("completion")
    assert error.startswith("error: Missing argument '{bash|zsh|fish}'")
    assert error.count("\n") == 1


def test_help_and_wrong_usage_import_neither_numpy_nor_sklearn():
    program = """
import contextlib, io, sys
from sktrainer.cli.main import COMMANDS, cli
uses = [["--help"], ["trian"], ["models", "list", "--jsn"]]
uses += [[name, "--help"] for name in COMMANDS] + [[name, "--nosuch"] for name in COMMANDS]
codes = []
for arguments in uses:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            cli.main(arguments)
        except SystemExit as error:
            codes.append(error.code)
n = len(COMMANDS)
print(codes == [0, 2, 2] + [0] * n + [2] * n)
print({"numpy", "pandas", "sklearn", "rich"} & set(sys.modules))
"""
    assert _run("-c", program).stdout.splitlines() == ["True", "set()"]


def test_package_runs_as_a_module():
    run = _run("-m", "sktrainer", "completion", "fish")
    assert run.returncode == 0
    assert "complete --no-files --command sktrainer" in run.stdout


def test_closed_pipe_is_quiet():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "sktrainer", "completion", "zsh"]
    run = subprocess.run(command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (run.returncode, run.stderr) == (1, b"")


def test_debug_shows_the_traceback():
    result = invoke("completion", "bsh", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: Invalid value")


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("sktrainer compl", "plain,completion\n"),
        ("sktrainer predict mod", "file,mod\n"),
        ("sktrainer predict m.skt da", "file,da\n"),
        ("sktrainer train da", "file,da\n"),
        ("sktrainer predict --pro", "plain,--proba\n"),
    ],
)
def test_shell_completion_knows_commands_options_and_files(words, completed):
    environment = {
        **os.environ,
        "_SKTRAINER_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    assert _run("-m", "sktrainer", env=environment).stdout == completed

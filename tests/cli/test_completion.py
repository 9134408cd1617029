"""Tests of the command `completion`."""

from __future__ import annotations

import gzip
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sktrainer.cli._completion import MODEL_NAMES
from sktrainer.config.models import named_models
from tests.cli.running import fail, read_json, succeed

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_completes_the_program(shell):
    script = succeed("completion", shell)
    assert f"_SKTRAINER_COMPLETE={shell}_complete" in script
    assert read_json("completion", shell) == {
        "shell": shell,
        "script": script.rstrip("\n") + "\n",
    }


def test_unknown_shell_is_refused():
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in fail("completion", "csh")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with tables and with the program `sktrainer` in bin/."""
    folder = tmp_path_factory.mktemp("completion")
    program = folder / "bin" / "sktrainer"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m sktrainer "$@"\n')
    program.chmod(0o755)
    (folder / "loans.csv").write_text("age;net price;default\n1;2;3\n")
    (folder / "loans.csv.gz").write_bytes(gzip.compress(b"age,issued\n1,2\n"))
    (folder / "broken.csv.gz").write_bytes(b"age,issued\n1,2\n")
    return folder


def run_shell(shell: str, script: str, folder: Path) -> list[str]:
    """Return the lines that a script prints in a shell that has the completion."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [shell, "-c", script], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


BASH = """
eval "$(sktrainer completion bash)"
compopt() { echo "paths"; }
COMP_WORDS=(%s)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_sktrainer_completion sktrainer
printf '%%s\\n' "${COMPREPLY[@]}"
"""

COMPLETED = {
    "sktrainer tra": ["train"],
    "sktrainer train --imb": ["--imbalance"],
    "sktrainer train --model li": ["lightgbm", "linear"],
    "sktrainer train --split ''": ["auto", "random", "stratified", "group", "time"],
    "sktrainer train --device c": ["cpu", "cuda"],
    "sktrainer train loans.csv --target ''": ["age", "default"],
    "sktrainer train loans.csv.gz --drop age --time-column i": ["issued"],
    "sktrainer evaluate m.skt loans.csv --target d": ["default"],
    "sktrainer train broken.csv.gz --target ''": [""],
    "sktrainer train missing.csv --target ''": [""],
    "sktrainer models ''": ["list", "show", "diff", "tag", "prune"],
    "sktrainer train lo": ["paths", ""],
    "sktrainer train --model ./": ["paths", ""],
    "sktrainer train --out ''": ["paths", ""],
}


@pytest.mark.parametrize("line", COMPLETED)
def test_bash_completes(line, folder):
    assert run_shell("bash", BASH % line, folder) == COMPLETED[line]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("sktrainer train --mod", ["--model"]),
        ("sktrainer train loans.csv --target ", ["age", "default"]),
        ("sktrainer train loans.csv.", ["loans.csv.gz"]),
    ],
)
def test_fish_completes(line, completed, folder):
    script = f"sktrainer completion fish | source; complete -C {shlex.quote(line)}"
    lines = run_shell("fish", script, folder)
    assert [found.partition("\t")[0] for found in lines] == completed


def test_models_are_those_with_a_short_name():
    assert {*MODEL_NAMES} == {*named_models()}

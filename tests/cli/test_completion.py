"""Tests of the command `completion`."""

from __future__ import annotations

import pytest

from tests.cli.running import fail, read_json, succeed


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

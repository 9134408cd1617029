"""The code blocks of the README run, and its links point to existing files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
def test_readme_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    output = capsys.readouterr().out
    assert output.splitlines()[0] == re.findall(r"```\n(\[.*)", text)[0]
    assert "stopped early at round" in output
    assert "5 folds" in output
    assert (tmp_path / "report.html").exists()
    stored = sorted(path.parent.name for path in (tmp_path / "models").glob("*/*/record.json"))
    assert stored == ["1", "1", "2"]


def test_readme_links_to_existing_files():
    named = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert named
    assert all((README.parent / name).exists() for name in named)

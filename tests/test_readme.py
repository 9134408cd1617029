"""The README's code runs as it stands, in a folder of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
def test_the_readme_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    said = capsys.readouterr().out
    assert "stopped early at round" in said
    assert "✓ 5 folds" in said
    assert (tmp_path / "report.html").exists()
    stored = sorted(path.parent.name for path in (tmp_path / "models").glob("*/*/record.json"))
    assert stored == ["1", "1", "2"]


def test_the_files_that_the_readme_names_exist():
    named = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert named
    assert all((README.parent / name).exists() for name in named)

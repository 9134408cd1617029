"""The code in the pages of docs/ runs as it stands, from the top of a page to its bottom."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(page for page in DOCS.glob("*.md") if "```python" in page.read_text("utf-8"))

NEEDS = {"onnx": ("onnxmltools", "onnxruntime", "skl2onnx")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.filterwarnings("ignore::sktrainer.SmallDataWarning")
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    for package in NEEDS.get(page.stem, ()):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": f"docs_{page.stem}"}
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)

    assert len(names) > len(blocks)


def test_the_pages_with_code_are_found():
    assert "networks" in [page.stem for page in PAGES]

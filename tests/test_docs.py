"""The code blocks in docs/ run from top to bottom, and the links point to existing files."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest
import rich.style  # noqa: F401, because it draws a random number when it is imported
from click.testing import CliRunner

from sktrainer.cli.main import cli
from sktrainer.datasets import load_hypothyroid

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "```python" in page.read_text("utf-8"))

NEEDS = {"onnx": ("onnxmltools", "onnxruntime", "skl2onnx")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.filterwarnings("ignore::sktrainer.SmallDataWarning")
def test_code_of_page_runs(page, tmp_path, monkeypatch):
    for package in NEEDS.get(page.stem, ()):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": f"docs_{page.stem}"}
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)

    assert len(names) > len(blocks)


CONSOLE_PAGES = sorted(
    page for page in DOCS.rglob("*.md") if "```console" in page.read_text("utf-8")
)


@pytest.mark.parametrize("page", CONSOLE_PAGES, ids=lambda page: page.stem)
def test_commands_of_page_print_what_it_shows(page, tmp_path, monkeypatch):
    pytest.importorskip("lightgbm")
    monkeypatch.chdir(tmp_path)
    table = load_hypothyroid().data.head(100)
    table.to_csv("european.csv", index=False, sep=";", decimal=",")
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "sktrainer"
            result = CliRunner().invoke(cli, arguments)
            assert result.exit_code == 0, result.output
            assert checker.check_output(expected, result.output, flags), result.output


def test_pages_with_code_are_found():
    assert "networks" in [page.stem for page in PAGES]
    assert "command-line" in [page.stem for page in CONSOLE_PAGES]


def test_modules_named_in_the_documentation_exist():
    root = DOCS.parent
    folders = ("sktrainer", "tests", "benchmarks", "examples")
    files = [f"/{p.relative_to(root)}" for f in folders for p in (root / f).rglob("*")]
    for page in (*DOCS.rglob("*.md"), root / "CONTRIBUTING.md"):
        text = page.read_text("utf-8")
        named = re.findall(r"`((?:sktrainer|tests)/[\w/]+?(?:\.\w+)?)/?`", text)
        if page.name != "CONTRIBUTING.md":
            named += re.findall(r"`([\w/]+\.py)`", text)
        for name in named:
            assert any(file.endswith(f"/{name}") for file in files), f"{page.name}: {name}"


def test_links_point_to_existing_files_and_sections():
    for page in DOCS.rglob("*.md"):
        for name, section in re.findall(
            r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)", page.read_text("utf-8")
        ):
            target = page.parent / name if name else page
            assert target.exists(), f"{page.name}: {name}"
            titles = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
            anchors = [
                re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles
            ]
            assert not section or section in anchors, f"{page.name}: {section}"

"""The code in docs/ runs, shows its real output, and its links point to existing files."""

from __future__ import annotations

import ast
import doctest
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import rich.style  # noqa: F401, because it draws a random number when it is imported
from click.testing import CliRunner

import sktrainer
from sktrainer.backends import registry
from sktrainer.cli.main import cli
from sktrainer.datasets import load_hypothyroid
from sktrainer.training.parameter_table import PARAMETERS
from tests.toy_backend.metadata import write_metadata

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    page
    for page in DOCS.rglob("*.md")
    if re.search("```(python|console)\n", page.read_text("utf-8"))
)
TUTORIALS = sorted((DOCS / "tutorials").glob("*.py"))

NEEDS = {
    "command-line": ("lightgbm",),
    "onnx": ("onnxmltools", "onnxruntime", "skl2onnx"),
}

SLOW_FOLDERS = ("coming-from/", "how-to/")

# Files outside docs/ that are pages of the site.
EXTRA_PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks")

GENERATED = ("_build", "auto_tutorials", "generated")

# Pages with libraries that seed NumPy's global generator.
SEEDS_NUMPY = {"boosting-cv": "xgboost.cv", "skorch-lightning": "data loaders of torch"}

LINK = re.compile(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)")

BLOCK = re.compile(
    r"(?:<!-- (?P<mark>not executed|requires|file): (?P<reason>[^\n]*) -->\n\n?)?"
    r"```(?P<language>python|console)\n(?P<code>.*?)```"
    r"(?:\n\nOutput:\n\n```\n(?P<output>.*?)```)?",
    re.DOTALL,
)


class CodeBlock(NamedTuple):
    """Code of a page. An output that is shown must be what the code prints."""

    language: str
    code: str
    output: str | None
    mark: str | None
    reason: str | None


def blocks(page: Path) -> Iterator[CodeBlock]:
    """Yield the blocks with code of a page. Their lines have the numbers that they have there.

    A comment ``<!-- not executed: reason -->`` marks a block that is only compiled,
    ``<!-- requires: package -->`` one for a package that is not in an extra, and
    ``<!-- file: path -->`` a copy of a file.
    """
    text = page.read_text("utf-8")
    for match in BLOCK.finditer(text):
        padding = "\n" * text.count("\n", 0, match.start("code"))
        code = padding + match["code"]
        yield CodeBlock(match["language"], code, *match.group("output", "mark", "reason"))


@pytest.fixture
def toy_backend(tmp_path_factory, monkeypatch):
    """Install the metadata of the backend that a page describes."""
    folder = tmp_path_factory.mktemp("site-packages")
    write_metadata(folder)
    monkeypatch.syspath_prepend(str(folder))
    registry._entry_points.cache_clear()
    yield
    registry._entry_points.cache_clear()


def page_id(page: Path) -> str:
    """Return the path of a page in docs/."""
    return page.relative_to(DOCS).as_posix()


def page_marks(page: Path) -> list[pytest.MarkDecorator]:
    """Return the marks of the test of a page."""
    return [pytest.mark.slow] if page_id(page).startswith(SLOW_FOLDERS) else []


def run_commands(block: str) -> None:
    """Run the commands after "$", and check what they print.

    The last command of a block may show an error, which means wrong usage.
    """
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        program, *arguments = shlex.split(command)
        assert program == "sktrainer"
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == (2 if "error: " in shown else 0), result.output
        if has_pinned_versions():
            assert_output(result.output, shown)


def assert_output(printed: str, shown: str) -> None:
    """Check that a page shows what its code prints. "..." stands for any text."""
    checker, flags = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    example = doctest.Example("", shown)
    assert checker.check_output(shown, printed, flags), checker.output_difference(
        example, printed, flags
    )


def has_pinned_versions() -> bool:
    """Return whether the libraries are those whose output the pages show."""
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    return all(version(name) == pins[name] for name in ("scikit-learn", "lightgbm", "numpy"))


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page_id(page), marks=page_marks(page)) for page in PAGES]
)
@pytest.mark.filterwarnings("ignore::sktrainer.SmallDataWarning")
@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
def test_code_of_page_runs(page, request, tmp_path, monkeypatch, capsys):
    if page.stem == "add-a-backend":
        request.getfixturevalue("toy_backend")
    if page.stem == "command-line":
        table = load_hypothyroid().data.head(100)
        table.to_csv(tmp_path / "european.csv", index=False, sep=";", decimal=",")
    for package in NEEDS.get(page.stem, ()):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    generator = np.random.get_state()
    names: dict[str, object] = {"__name__": f"docs_{page.stem}"}
    for block in blocks(page):
        if block.mark == "file":
            content = (ROOT / str(block.reason)).read_text("utf-8")
            assert block.code.lstrip("\n") == content, f"Copy {block.reason} into the page."
        capsys.readouterr()
        if block.language == "console":
            run_commands(block.code)
            continue
        code = compile(block.code, str(page), "exec")
        if block.mark is None:
            exec(code, names)
        if block.output is not None and has_pinned_versions():
            assert_output(capsys.readouterr().out, block.output)
    if page.stem in SEEDS_NUMPY:
        np.random.set_state(generator)


@pytest.mark.long
@pytest.mark.parametrize(
    "page", [page for page in PAGES if "<!-- requires:" in page.read_text("utf-8")], ids=page_id
)
def test_code_with_other_packages_runs(page, tmp_path):
    found = [*blocks(page)]
    for package in {block.reason for block in found if block.mark == "requires"}:
        if find_spec(str(package)) is None:
            pytest.skip(f"{package} is not installed")
    # The packages change global state.
    script = tmp_path / "page.py"
    script.write_text("".join(b.code for b in found if b.mark in (None, "requires")), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, script], cwd=tmp_path, env=environment, check=True)


def test_pages_with_code_are_found():
    assert {"networks", "index", "splits", "command-line"} <= {page.stem for page in PAGES}


def test_marked_block_is_not_executed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not executed: mylib is not installed -->\n```python\nimport mylib\n```\n\n"
        "```python\nprint(1)\n```\n\nOutput:\n\n```\n1\n```\n"
    )
    assert list(blocks(page)) == [
        CodeBlock(
            "python", "\n\nimport mylib\n", None, "not executed", "mylib is not installed"
        ),
        CodeBlock("python", "\n\n\n\n\n\nprint(1)\n", "1\n", None, None),
    ]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, marks=[] if number == 0 else [pytest.mark.long])
        for number, script in enumerate(TUTORIALS)
    ],
    ids=lambda script: script.stem,
)
def test_tutorial_runs(script, tmp_path, monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    if "shap" in script.read_text("utf-8"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # of matplotlib
            pytest.importorskip("shap")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for the processes that a tutorial starts
    runpy.run_path(str(script))
    pyplot.close("all")


def test_modules_named_in_the_documentation_exist():
    folders = ("sktrainer", "tests", "benchmarks", "examples", "docs")
    files = [f"/{p.relative_to(ROOT)}" for f in folders for p in (ROOT / f).rglob("*")]
    for page in (*DOCS.rglob("*.md"), ROOT / "CONTRIBUTING.md"):
        text = page.read_text("utf-8")
        named = re.findall(r"`((?:sktrainer|tests)/[\w/]+?(?:\.\w+)?)/?`", text)
        if page.name != "CONTRIBUTING.md":
            named += re.findall(r"`([\w/]+\.py)`", text)
        for name in named:
            assert any(file.endswith(f"/{name}") for file in files), f"{page.name}: {name}"


def test_every_page_is_in_the_navigation():
    tree = ast.parse((DOCS / "conf.py").read_text("utf-8"))
    (navigation,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "navigation"
    )
    patterns = ["index", *chain.from_iterable(navigation.values())]
    for page in DOCS.rglob("*.md"):
        name = page_id(page).removesuffix(".md")
        listed = any(fnmatch(name, pattern) for pattern in patterns)
        assert listed, f"Add {name!r} to `navigation` in docs/conf.py."


def test_links_point_to_existing_files_and_sections():
    for page in DOCS.rglob("*.md"):
        for name, section in LINK.findall(page.read_text("utf-8")):
            target = page.parent / name if name else page
            assert target.exists(), f"{page.name}: {name}"
            if not section:
                continue
            titles = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
            anchors = [
                re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles
            ]
            assert section in anchors, f"{page.name}: {section}"


@pytest.mark.parametrize(
    ("link", "on_site"),
    [
        ("[rules](../CONTRIBUTING.md#rules)", "[rules](contributing.md#rules)"),
        ("[start](../README.md)", "[start](index.md)"),
        ("[speed](../benchmarks/README.md)", "[speed](benchmarks.md)"),
        ("[first](tutorials/01_first_model.py)", "[first](auto_tutorials/01_first_model.rst)"),
        ("[all](tutorials/)", "[all](auto_tutorials/index.rst)"),
        ("[files](files.md)", "[files](files.md)"),
        ("[checks](../sktrainer/testing/fit_checks.py)", "checks"),
        ("[web](https://example.org/a.md)", "[web](https://example.org/a.md)"),
    ],
)
def test_links_are_adapted_to_the_site(link, on_site, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    extension = import_module("repository_pages")
    assert extension.rewrite_links(link, DOCS / "networks.md", "networks") == on_site


def test_every_parameter_is_in_the_table(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    rows = import_module("reference_tables").parameter_rows()
    names = [row[0].split("``")[1] for row in rows]
    assert names == [parameter.name for parameter in PARAMETERS]
    (size,) = (row for row in rows if "test_size" in row[0])
    assert size[:2] == ["| ``test_size``\n| ``--test-size``", "``None``; runs: ``0.2``"]
    assert size[2].endswith("Values: number, integer, ``None``.")


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_site_builds_without_warnings(tmp_path):
    for package in ("sphinx", "numpydoc", "myst_parser", "pydata_sphinx_theme", "shap"):
        pytest.importorskip(package)
    # The gallery writes its pages next to the sources.
    source = tmp_path / "docs"
    shutil.copytree(DOCS, source, ignore=shutil.ignore_patterns(*GENERATED))
    for name in (*EXTRA_PAGES, "tests", "sktrainer"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-b", "html", source, tmp_path / "site"],
        cwd=tmp_path,
        check=True,
    )
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "early_stopping 41 91" in page
    for tutorial in TUTORIALS:
        assert (tmp_path / "site" / "auto_tutorials" / f"{tutorial.stem}.html").exists()


def test_reference_has_every_public_name():
    entries = re.findall(
        r"^   (?:\w+\.)*(\w+)$", (DOCS / "reference/index.rst").read_text(), re.M
    )
    assert {name for name in sktrainer.__all__ if not name.startswith("_")} <= {*entries}

"""Make a site of Markdown pages that can also be read in the repository.

Links of the pages work in the repository. Some of them point to files that the site shows
elsewhere: the contributing guide, the changelog and the results of the benchmarks, which are
outside docs/, and the tutorials, which the gallery renders. This extension shows these files,
rewrites the links, and adds the navigation that is configured in conf.py.
"""

from __future__ import annotations

import os.path
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# Each page of the site, and the file whose content it shows. The file docs/<page>.md itself
# only links to it.
PAGES = {
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
    "benchmarks": "benchmarks/README.md",
}
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<path>[^)#:]+)(?P<section>#[^)]*)?\)")


def read_source(app: Any, docname: str, source: list[str]) -> None:
    """Replace the content of the pages above, and rewrite the links of every page."""
    path = ROOT / "docs" / f"{docname}.md"
    if docname in PAGES:
        path = ROOT / PAGES[docname]
        app.env.note_dependency(str(path))
        source[0] = path.read_text("utf-8")
    if path.exists():
        source[0] = rewrite_links(source[0], path, docname)
    if docname in app.config.navigation:
        source[0] += toctree(app.config.navigation[docname])


def toctree(pages: list[str]) -> str:
    """Return the directive that makes pages the children of a page in the navigation."""
    entries = "\n".join(f"/{page}" for page in pages)
    return f"\n\n```{{toctree}}\n:hidden:\n:glob:\n\n{entries}\n```\n"


def rewrite_links(text: str, path: Path, docname: str) -> str:
    """Return the text of the file at `path` with its links as the page `docname` needs them.

    A link to a file that is not on the site is replaced by its text.
    """

    def rewrite(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(path.parent / link["path"])).relative_to(ROOT)
        page = page_of(target)
        if page is None:
            return link["text"]
        relative = os.path.relpath(page, Path(docname).parent)
        return f"[{link['text']}]({relative}{link['section'] or ''})"

    return LINK.sub(rewrite, text)


def page_of(target: Path) -> str | None:
    """Return the page that shows a file, relative to docs/, or None if there is none."""
    for name, file in PAGES.items():
        if target.as_posix() == file:
            return f"{name}.md"
    if target.as_posix() == "README.md":
        return "index.md"
    if target.parts[0] != "docs":
        return None
    inside = target.relative_to("docs")
    if inside.parts[:1] == ("tutorials",):
        page = "index" if len(inside.parts) == 1 else inside.stem
        return f"auto_tutorials/{page}.rst"
    return inside.as_posix()


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension to Sphinx."""
    app.add_config_value("navigation", {}, "env", types=[dict])
    app.connect("source-read", read_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

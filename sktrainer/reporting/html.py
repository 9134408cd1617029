"""Report as a self-contained HTML page and as an HTML fragment for notebooks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sktrainer.reporting.content import ReportContent
from sktrainer.reporting.page_context import STACK_WIDTHS, page_context

if TYPE_CHECKING:
    import jinja2


def render_page(report: ReportContent) -> str:
    """Return a complete HTML page with embedded styles and plots."""
    return environment().get_template("page.html.jinja").render(page_context(report))


def render_fragment(report: ReportContent) -> str:
    """Return an HTML element for notebooks. Its styles do not affect other elements."""
    return environment().get_template("fragment.html.jinja").render(page_context(report))


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Return the environment of the templates, created on first use."""
    import jinja2  # a fit creates a report, but does not render it as HTML

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("sktrainer.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.globals["stack_widths"] = STACK_WIDTHS
    return made

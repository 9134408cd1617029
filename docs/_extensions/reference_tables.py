"""Directives that make reference pages from the program.

``parameter-table`` is the table of the parameters that Python, configuration files and the
command line share. ``command-help`` shows the help of every command.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import click
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from sktrainer.cli.main import cli
from sktrainer.training.parameter_table import (
    PARAMETERS,
    RUN_DEFAULTS,
    Parameter,
)


def yaml_value(value: object) -> str:
    """Return a value as Python writes it, with double quotes."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def accepted_values(parameter: Parameter) -> str:
    """Return the values of a parameter that a file can set, in words."""
    words = [f"``{yaml_value(choice)}``" for choice in parameter.choices]
    names = {
        "boolean": "``True`` or ``False``",
        "null": "``None``",
        "integer": "integer",
        "number": "number",
        "string": "text",
        "array": "list",
        "object": "dict",
    }
    for schema in parameter.schemas:
        kinds = schema["type"]
        words += [names[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return ", ".join(dict.fromkeys(words))


def parameter_rows() -> list[list[str]]:
    """Return one row per parameter: name with option, default, meaning with values."""
    rows = []
    for parameter in PARAMETERS:
        default = f"``{yaml_value(parameter.default)}``"
        if parameter.name in RUN_DEFAULTS:
            default += f"; runs: ``{yaml_value(RUN_DEFAULTS[parameter.name])}``"
        option = parameter.option or "--" + parameter.name.replace("_", "-")
        meaning = f"{parameter.help} Values: {accepted_values(parameter)}."
        rows.append([f"| ``{parameter.name}``\n| ``{option}``", default, meaning])
    return rows


class ParameterTable(SphinxDirective):
    """Table of the parameters."""

    header: ClassVar = ["parameter, option", "default", "meaning"]

    def run(self) -> list[nodes.Node]:
        """Return the table, written as reStructuredText."""
        lines = [
            ".. list-table::",
            "   :header-rows: 1",
            "   :widths: 25 20 55",
            "",
        ]
        for row in [self.header, *parameter_rows()]:
            for number, cell in enumerate(row):
                bullet = "   * - " if number == 0 else "     - "
                lines.append(bullet + cell.replace("\n", "\n       "))
        return self.parse_text_to_nodes("\n".join(lines))


def help_pages(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield path and help of a command and of the commands below it."""
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            with click.Context(inner, info_name=name, parent=context) as inner_context:
                yield from help_pages(inner, inner_context)


class CommandHelp(SphinxDirective):
    """Help of the program and of each command, one section per command."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        with click.Context(cli, info_name="sktrainer") as context:
            pages = dict(help_pages(cli, context))
        lines: list[str] = []
        for title, text in pages.items():
            lines += [title, "-" * len(title), "", ".. code-block:: text", ""]
            lines += [f"   {line}" for line in text.splitlines()] + [""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    """Register the directives with Sphinx."""
    app.add_directive("parameter-table", ParameterTable)
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The command `schema`."""

from __future__ import annotations

import click

from sktrainer.cli._options import Command
from sktrainer.cli._output import print_json


@click.command(
    cls=Command,
    example="""
    sktrainer schema > sktrainer.schema.json
    """,
)
def command(as_json: bool) -> None:
    """Print the JSON schema of configuration files, for completion in editors.

    In an editor with a YAML language server, start a configuration file with the comment
    "# yaml-language-server: $schema=sktrainer.schema.json".
    """
    from sktrainer.config.schema import config_schema

    print_json(config_schema())

"""The command `completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from sktrainer.cli._options import Command
from sktrainer.cli._output import print_json


@click.command(
    cls=Command,
    example="""
    echo 'eval "$(sktrainer completion bash)"' >> ~/.bashrc
    echo 'eval "$(sktrainer completion zsh)"' >> ~/.zshrc
    sktrainer completion fish > ~/.config/fish/completions/sktrainer.fish
    """,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str, as_json: bool) -> None:
    """Print the script that enables completion in a shell."""
    completion = get_completion_class(shell)
    assert completion is not None
    group = click.get_current_context().find_root().command
    script = completion(group, {}, "sktrainer", "_SKTRAINER_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        click.echo(script)

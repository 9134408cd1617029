"""Options that every command has, and the class of all commands."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import click

from sktrainer.cli._completion import complete_column

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Types that make shells complete file names. The commands themselves check the paths.
DATA = click.Path(allow_dash=True, readable=False)
MODEL = click.Path(readable=False)
OUTPUT = click.Path(readable=False)


class ExampleCommand(click.Command):
    """Command whose help page ends with examples.

    Parameters
    ----------
    example : str
        One command per line.
    **options
        Further parameters of the click class.
    """

    def __init__(self, *, example: str, **options: Any) -> None:
        super().__init__(**options)
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        lines = self.example.strip().splitlines()
        with formatter.section("Example" if len(lines) == 1 else "Examples"):
            for line in lines:
                # Not wrapped, so that it can be copied.
                formatter.write(f"{' ' * formatter.current_indent}{line.strip()}\n")


class Group(ExampleCommand, click.Group):
    """Group of commands with examples, and the nearest name for an unknown command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order in which they were added."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help page if there are no arguments."""
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command, or raise an error that shows the most similar name."""
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            from sktrainer.exceptions import suggest_name

            hint = suggest_name(args[0], names)
            raise click.UsageError(f"There is no command {args[0]!r}{hint or '.'}", ctx)
        return super().resolve_command(ctx, args)


class Command(ExampleCommand):
    """Command with `--json` and `--debug`, examples, and warnings of one line.

    Its function gets the parameter `as_json`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.params += [
            click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                help="Show the traceback of an error.",
            ),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Print each warning once, as one line on stderr."""
        from sktrainer.cli._output import show_warning
        from sktrainer.cli._wording import one_line
        from sktrainer.exceptions import SktrainerWarning, use_wording

        shown: set[str] = set()

        def show(message: Warning | str, *_: object, **__: object) -> None:
            text = str(message)
            if text not in shown:
                shown.add(text)
                show_warning(text)

        with warnings.catch_warnings(), use_wording(one_line):
            warnings.simplefilter("always", SktrainerWarning)
            warnings.showwarning = show
            return super().invoke(ctx)


trust_option = click.option(
    "--trust",
    multiple=True,
    metavar="NAME",
    help="A class or function that the model file may use, or 'all'. Can be repeated.",
)


def column_option(name: str, **options: Any) -> Callable[[_Function], _Function]:
    """Return the decorator of an option that takes the name of a column of DATA."""
    return click.option(name, metavar="COLUMN", shell_complete=complete_column, **options)

"""The program `sktrainer`: a group of commands that are imported when they are used."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from sktrainer import __version__
from sktrainer.cli._options import Group

# The first line of each command's help, so that `sktrainer --help` imports no command.
COMMANDS = {
    "train": "Train a model on the rows of DATA, score it on test rows, and save it.",
    "cv": "Cross-validate a model on the rows of DATA.",
    "resume": "Resume the training run in FOLDER, which was interrupted.",
    "predict": "Predict the rows of DATA with a model, in batches.",
    "evaluate": "Score a model on the rows of DATA.",
    "report": "Print the training report of a model, or write it to a file.",
    "compare": "Compare scores, parameters, data and split of several models.",
    "verify": "Repeat the training of a model and check that it is bit-identical.",
    "models": "List, show, compare, tag and delete the models of a store.",
    "inspect": "Show columns, target, data checks and split advice for a table.",
    "init": "Write a configuration file with comments.",
    "schema": "Print the JSON schema of configuration files, for completion in editors.",
    "demo": "Train a model on a table that is part of sktrainer.",
    "doctor": "Show versions, devices and optional packages of this installation.",
    "completion": "Print the script that enables completion in a shell.",
}


class LazyGroup(Group):
    """Group of commands in modules, which are imported when a command is used.

    Parameters
    ----------
    modules : dict of str to str
        Name and short help of each command. The command `name` is the object `command` of
        the module `sktrainer.cli.<name>`.
    **options
        Further parameters of `Group`.
    """

    def __init__(self, modules: dict[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of the help page."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command and return the command; None if there is none."""
        if cmd_name not in self.modules:
            return None
        command = import_module(f"sktrainer.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the short help of the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([*self.modules.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and exit with 0, 1 (it failed), 2 (wrong usage or input) or 130."""
        arguments = sys.argv[1:] if args is None else list(args)
        # Reports show the command that started their run.
        extra.setdefault("obj", shlex.join(["sktrainer", *arguments]))
        try:
            code = super().main(
                arguments, "sktrainer", complete_var, standalone_mode=False, **extra
            )
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader of a pipe, such as `head`, has seen enough. Without this, Python
            # reports the error again when it flushes stdout at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        except (Exception, KeyboardInterrupt) as error:
            from sktrainer.cli._errors import show_error

            code = show_error(error, debug="--debug" in arguments)
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else 0)


@click.command(
    cls=LazyGroup,
    modules=COMMANDS,
    example="""
    sktrainer train loans.csv --target default --model lightgbm
    sktrainer predict models/lgbm_classifier new.csv -o predictions.csv
    sktrainer predict --help
    """,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="sktrainer %(version)s")
def cli() -> None:
    """Train, evaluate and use models for tables.

    DATA is a CSV file (also compressed), a Parquet, Feather or JSON lines file, or - for
    standard input.
    """


def main() -> Any:
    """Run the command line with the arguments of the process."""
    return cli.main()

"""The command `doctor`."""

from __future__ import annotations

from dataclasses import asdict, replace

import click

from sktrainer import __version__
from sktrainer.cli._options import Command
from sktrainer.cli._output import print_json, print_table


@click.command(
    cls=Command,
    example="""
    sktrainer doctor
    sktrainer doctor --imports
    """,
)
@click.option("--imports", is_flag=True, help="Import each package, which takes longer.")
def command(imports: bool, as_json: bool) -> None:
    """Show versions, devices and optional packages of this installation.

    The command exits with 1 if a required package is missing, or if a package is too old or
    cannot be imported. Missing optional packages are shown with the line that installs them.
    """
    from sktrainer.cli._environment import import_problems, machine, packages

    found = packages()
    if imports:
        problems = import_problems(found)
        found = [replace(each, problem=problems.get(each.name, each.problem)) for each in found]
    facts = {"sktrainer": __version__, **machine()}
    failed = [each for each in found if each.problem and (each.version or not each.extra)]
    if as_json:
        document = [{**asdict(each), "fix": each.fix} for each in found]
        print_json({"machine": facts, "packages": document, "ok": not failed})
    else:
        print_table(["", ""], [[name, text] for name, text in facts.items()])
        click.echo()
        rows = [[p.extra or "required", p.name, p.version, p.problem or "ok"] for p in found]
        print_table(["extra", "package", "version", "state"], rows)
        fixes = dict.fromkeys(each.fix for each in found if each.problem)
        if fixes:
            click.echo("\nTo install what is missing or too old:")
            for line in fixes:
                click.echo(f"  {line}")
    if failed:
        click.get_current_context().exit(1)

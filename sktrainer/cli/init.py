"""The command `init`."""

from __future__ import annotations

from pathlib import Path

import click

from sktrainer.cli._completion import MODEL_NAMES, complete_from, read_header
from sktrainer.cli._options import DATA, Command, column_option
from sktrainer.cli._output import print_json


@click.command(
    cls=Command,
    example="""
    sktrainer init loans.csv --target default
    sktrainer init loans.csv --target default --model lightgbm -o configs/loans.yaml
    sktrainer train --config run.yaml
    """,
)
@click.argument("data", type=DATA, required=False)
@column_option("--target", help="Column to predict.")
@click.option(
    "--model",
    metavar="MODEL",
    shell_complete=complete_from(MODEL_NAMES),
    help="Short name of a model, such as lightgbm.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    default=Path("run.yaml"),
    show_default=True,
    metavar="FILE",
    help="File to write; - for standard output.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def command(
    data: str | None,
    target: str | None,
    model: str | None,
    output: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Write a configuration file with comments.

    Edit it, and pass it to the commands that train with --config.
    """
    from sktrainer.config.template import template
    from sktrainer.data.columns import preview_names
    from sktrainer.exceptions import InputError, suggest_name
    from sktrainer.files.atomic_write import atomic_write

    folder = Path() if str(output) == "-" else output.parent
    values: dict[str, dict[str, str]] = {"data": {}, "model": {}}
    if data is not None:
        values["data"]["path"] = _relative(Path(data), folder)
    if target is not None:
        names = read_header(data or "")
        if names and target not in names:
            hint = suggest_name(target, names) or f". Its columns are: {preview_names(names)}"
            raise InputError(f"--target: {target!r} is not a column of {data}{hint}")
        values["data"]["target"] = target
    if model is not None:
        values["model"]["name"] = model
    text = template(values)
    if str(output) == "-":
        click.echo(text, nl=False)
        return
    if output.exists() and not force:
        raise InputError(f"{str(output)!r} exists. Use another name, or --force to replace it")
    with atomic_write(output) as part:
        part.write_text(text, encoding="utf-8")
    if as_json:
        print_json({"config": str(output)})
    else:
        click.echo(f"Wrote {output}. Edit it, then run: sktrainer train --config {output}")


def _relative(path: Path, folder: Path) -> str:
    """Return the path of the data as the configuration file in `folder` must write it."""
    if path.is_absolute():
        return str(path)
    try:
        return str(path.resolve().relative_to(folder.resolve()))
    except ValueError:
        return str(path.resolve())

"""The command `inspect`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sktrainer.cli._options import DATA, Command, column_option
from sktrainer.cli._output import print_json, print_table, print_text
from sktrainer.cli._wording import one_line

if TYPE_CHECKING:
    from sktrainer.cli._inspection import Inspection

_MOST_COLUMNS = 50


@click.command(
    cls=Command,
    example="""
    sktrainer inspect loans.csv --target default
    sktrainer inspect loans.parquet --target amount --time-column issued --json
    """,
)
@click.argument("data", type=DATA)
@column_option("--target", required=True, help="Column to predict.")
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    show_default=True,
    help="auto: as the values of the target show.",
)
@column_option("--time-column", help="Column that orders the rows.")
@column_option("--group-column", help="Column of groups that stay together.")
def command(
    data: str,
    target: str,
    task: str,
    time_column: str | None,
    group_column: str | None,
    as_json: bool,
) -> None:
    """Show columns, target, data checks and split advice for a table.

    No model is trained. The data checks are those that run before each training.
    """
    from sktrainer.cli._inspection import inspect_table
    from sktrainer.data.columns import preview_names
    from sktrainer.data.files import read_table
    from sktrainer.exceptions import InputError, suggest_name

    frame = read_table(data)
    names = [str(name) for name in frame.columns]
    options = {
        "--target": target,
        "--time-column": time_column,
        "--group-column": group_column,
    }
    problems = [
        f"{option}: {name!r} is not a column of {data}"
        f"{suggest_name(name, names) or f'. Its columns are: {preview_names(names)}'}"
        for option, name in options.items()
        if name is not None and name not in names
    ]
    if problems:
        raise InputError(problems)
    found = inspect_table(
        frame, target, task=task, time_column=time_column, group_column=group_column
    )
    if as_json:
        document = asdict(found)
        rows = {name: len(found.split.positions(name)) for name in ("train", "test")}
        print_json({**document, "split": {"kind": found.split.kind, "rows": rows}})
    else:
        _print(found, data, target)


def _print(found: Inspection, data: str, target: str) -> None:
    click.echo(f"{data}: {found.n_rows:,} rows, {len(found.columns)} columns, {found.task}")
    print_text(f"Target {target!r}: {found.target}{' (imbalanced)' * found.is_imbalanced}")
    n_train, n_test = len(found.split.train), len(found.split.test)
    click.echo(f"Split: {found.split.kind}, {n_train:,} training and {n_test:,} test rows\n")
    rows = [
        [column.name, column.kind, column.n_missing, column.detail] for column in found.columns
    ]
    print_table(["column", "kind", "missing", "values"], rows[:_MOST_COLUMNS])
    if len(rows) > _MOST_COLUMNS:
        click.echo(f"{len(rows) - _MOST_COLUMNS:,} more columns: use --json")
    if found.findings:
        click.echo("\nData checks")
        for finding in found.findings:
            print_text(one_line(f"{finding.severity} {finding.message}"), indent="  ")
    if found.advice:
        click.echo("\nAdvice for sktrainer train")
        for text in found.advice:
            print_text(f"- {text}", indent="  ")

"""The command `verify`."""

from __future__ import annotations

import dataclasses

import click

from sktrainer.cli._options import DATA, MODEL, Command, column_option, trust_option
from sktrainer.cli._output import print_json


@click.command(
    cls=Command,
    example="""
    sktrainer verify models/lgbm_classifier loans.csv
    sktrainer verify model.skt loans.parquet --json
    """,
)
@click.argument("model", type=MODEL)
@click.argument("data", type=DATA)
@column_option("--target", help="Target column [default: as in training].")
@trust_option
def command(
    model: str, data: str, target: str | None, trust: tuple[str, ...], as_json: bool
) -> None:
    """Repeat the training of a model and check that it is bit-identical.

    DATA is the table that the model was trained on. The command compares data, parameters,
    library versions and predictions, and exits with 1 if one of them differs. MODEL is a .skt
    file, a model in a store (models/churn, models/churn/3, models/churn@production) or the
    folder of a run.
    """
    from sktrainer.cli._models import load_model, select_columns, target_of
    from sktrainer.cli._verification import fit_arguments
    from sktrainer.data.files import read_table

    loaded = load_model(model, trust)
    name = target_of(loaded, target)
    frame = read_table(data)
    select_columns(frame, loaded, data, [name, *loaded.fit_columns.values()])
    table, arguments = fit_arguments(loaded, frame, name)
    trainer = loaded.trainer
    result = trainer.set_params(verbose=0).verify(table, **arguments)
    if as_json:
        print_json({"verified": bool(result), **dataclasses.asdict(result)})
    else:
        click.echo(str(result))
    if not result:
        click.get_current_context().exit(1)

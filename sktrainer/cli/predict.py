"""The command `predict`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sktrainer.cli._options import DATA, MODEL, OUTPUT, Command, column_option, trust_option
from sktrainer.cli._output import print_json, show_note

if TYPE_CHECKING:
    import pandas as pd

    from sktrainer.cli._models import LoadedModel
    from sktrainer.data.file_formats.writers import Write

PREDICTION = "prediction"


@click.command(
    cls=Command,
    example="""
    sktrainer predict models/lgbm_classifier new.csv -o predictions.csv
    sktrainer predict model.skt new.parquet --proba --keep id -o predictions.parquet
    zcat huge.csv.gz | sktrainer predict models/churn@production - > predictions.csv
    """,
)
@click.argument("model", type=MODEL)
@click.argument("data", type=DATA)
@click.option("--proba", is_flag=True, help="Add the probability of each class.")
@click.option(
    "-o",
    "--output",
    type=OUTPUT,
    metavar="FILE",
    help="File to write; its suffix is the format.",
)
@column_option("--keep", multiple=True, help="Column of DATA to copy.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    help="Rows in memory at a time.",
)
@trust_option
def command(
    model: str,
    data: str,
    proba: bool,
    output: str | None,
    keep: tuple[str, ...],
    batch_size: int,
    trust: tuple[str, ...],
    as_json: bool,
) -> None:
    """Predict the rows of DATA with a model, in batches.

    Without --output, the predictions are printed as CSV, or as JSON lines with --json.
    MODEL is a .skt file, a model in a store (models/churn, models/churn/3,
    models/churn@production) or the folder of a run.
    """
    from sktrainer.cli._models import load_model, select_columns
    from sktrainer.data.files import check_output, read_batches

    if output is not None:
        check_output(Path(output))
    loaded = load_model(model, trust)
    _check_options(loaded, proba, keep)
    n_rows = 0
    batches = read_batches(data, batch_size)
    with _open_output(output, as_json=as_json) as write:
        for batch in batches:
            if n_rows == 0:
                _note_unused(loaded, batch, data, keep)
            rows = select_columns(batch, loaded, data, keep)
            write(predict_batch(loaded, rows, proba=proba, keep=keep))
            n_rows += len(batch)
    if output is not None and as_json:
        print_json({"rows": n_rows, "output": output})
    elif output is not None:
        click.echo(f"Wrote {n_rows:,} predictions to {output}")


def _check_options(model: LoadedModel, proba: bool, keep: tuple[str, ...]) -> None:
    if proba and not hasattr(model.trainer, "predict_proba"):
        raise click.UsageError(
            f"--proba: {model.name} predicts no probabilities. Leave the option out."
        )
    classes = getattr(model.trainer, "classes_", ())
    taken = [name for name in keep if name in (PREDICTION, *map(_column_of_class, classes))]
    if taken:
        raise click.UsageError(
            f"--keep {taken[0]}: the output has a column of this name. Rename it in DATA."
        )


def _column_of_class(label: object) -> str:
    return f"probability_{label}"


def _note_unused(
    model: LoadedModel, batch: pd.DataFrame, data: str, keep: tuple[str, ...]
) -> None:
    from sktrainer.data.columns import preview_names

    used = {*model.features, *keep, model.target, *model.fit_columns.values()}
    unused = [name for name in batch.columns if name not in used]
    if model.features and unused:
        show_note(f"columns of {data} that the model does not use: {preview_names(unused)}")


def predict_batch(
    model: LoadedModel, rows: pd.DataFrame, *, proba: bool, keep: tuple[str, ...]
) -> pd.DataFrame:
    """Return the kept columns, the predictions and the probabilities of some rows."""
    import numpy as np
    import pandas as pd

    features = rows[model.features] if model.features else rows
    predicted: Any = np.asarray(model.trainer.predict(features))
    columns: dict[str, Any] = {name: rows[name].array for name in keep}
    if predicted.ndim == 1:
        columns[PREDICTION] = predicted
    else:
        for number, values in enumerate(predicted.T):
            columns[f"{PREDICTION}_{number}"] = values
    if proba:
        probabilities = np.asarray(model.trainer.predict_proba(features))
        for label, values in zip(model.trainer.classes_, probabilities.T, strict=True):
            columns[_column_of_class(label)] = values
    return pd.DataFrame(columns)


@contextmanager
def _open_output(output: str | None, *, as_json: bool) -> Iterator[Write]:
    from sktrainer.data.file_formats.writers import csv_writer, json_writer
    from sktrainer.data.files import open_writer

    if output is not None:
        with open_writer(output) as write:
            yield write
    else:
        writer = json_writer if as_json else csv_writer
        with writer(sys.stdout) as write:
            yield write

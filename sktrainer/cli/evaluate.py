"""The command `evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sktrainer.cli._options import DATA, MODEL, Command, column_option, trust_option
from sktrainer.cli._output import print_frame, print_json, print_table, show_warning

if TYPE_CHECKING:
    import pandas as pd

    from sktrainer.cli._evaluation import Evaluation
    from sktrainer.cli._models import LoadedModel


@click.command(
    cls=Command,
    example="""
    sktrainer evaluate models/lgbm_classifier may.csv
    sktrainer evaluate model.skt may.parquet --target default --json
    """,
)
@click.argument("model", type=MODEL)
@click.argument("data", type=DATA)
@column_option("--target", help="Target column [default: as in training].")
@trust_option
def command(
    model: str, data: str, target: str | None, trust: tuple[str, ...], as_json: bool
) -> None:
    """Score a model on the rows of DATA.

    The scores are those of the training, beside the scores of a constant prediction and of the
    test rows of the training. MODEL is a .skt file, a model in a store (models/churn,
    models/churn/3, models/churn@production) or the folder of a run.
    """
    from sktrainer.cli._evaluation import evaluate
    from sktrainer.cli._models import load_model, select_columns, target_of
    from sktrainer.data.files import read_table

    loaded = load_model(model, trust)
    name = target_of(loaded, target)
    frame = read_table(data)
    rows = select_columns(frame, loaded, data, [name])
    result = evaluate(loaded.trainer, rows.drop(columns=name), rows[name])
    notes = [*_training_rows_note(loaded, frame, name), *result.notes]
    if as_json:
        print_json(_document(result, data, name, len(rows), notes))
        return
    _print(loaded, result, f"{data}: {len(rows):,} rows, target {name!r}")
    for note in notes:
        show_warning(note)


def _training_rows_note(model: LoadedModel, frame: pd.DataFrame, target: str) -> list[str]:
    """Return a warning if these are the rows of the training."""
    from sktrainer.cli._verification import same_data

    if not same_data(model, frame, target):
        return []
    text = (
        "these are the rows that the model was trained on, so the scores are too good. Score "
        f"other rows, or see the test scores of the training: sktrainer report {model.name}"
    )
    return [text]


def _document(
    result: Evaluation, data: str, target: str, n_rows: int, notes: list[str]
) -> dict[str, Any]:
    confusion = None
    if result.confusion is not None:
        labels, counts = list(result.confusion.columns), result.confusion.to_numpy()
        confusion = {"labels": labels, "counts": counts}
    return {
        "data": data,
        "rows": n_rows,
        "target": target,
        "scores": result.scores,
        "constant": result.constant,
        "training_test_scores": result.trained,
        "confusion": confusion,
        "notes": notes,
    }


def _print(model: LoadedModel, result: Evaluation, title: str) -> None:
    from sktrainer.reporting.confusion import has_many_classes, most_confused

    click.echo(f"{model.trainer.report_.estimator} ({model.name})\n{title}\n")
    header = ["metric", "score"]
    columns: list[dict[str, float]] = [result.scores]
    for name, values in (("constant", result.constant), ("training test", result.trained)):
        if values:
            header.append(name)
            columns.append(values)
    rows = [[metric, *(each.get(metric) for each in columns)] for metric in result.scores]
    print_table(header, rows)
    if result.confusion is None:
        return
    if has_many_classes(result.confusion):
        wrong = most_confused(result.confusion)
        if not wrong.empty:
            click.echo("\nMost frequent confusions")
            print_table(list(wrong.columns), wrong.to_numpy(dtype=object).tolist())
        return
    click.echo("\nTrue classes in rows, predicted classes in columns")
    print_frame(result.confusion.rename_axis(None))

"""The command `compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from sktrainer.cli._options import MODEL, Command, trust_option
from sktrainer.cli._output import print_json, print_table, show_warning

_MOST_PARAMETERS = 30


@click.command(
    cls=Command,
    example="""
    sktrainer compare models/lgbm_classifier models/random_forest_classifier
    sktrainer compare models/churn@production models/churn/7 --json
    """,
)
@click.argument("models", nargs=-1, required=True, type=MODEL, metavar="MODEL MODEL...")
@trust_option
def command(models: tuple[str, ...], trust: tuple[str, ...], as_json: bool) -> None:
    """Compare scores, parameters, data and split of several models.

    The scores are those of the training: of the test rows, or else of the folds. There is a
    warning if the models were not trained on the same data and split, because their scores
    are not comparable then.

    MODEL is a .skt file, a model in a store (models/churn, models/churn/3,
    models/churn@production) or the folder of a run.
    """
    if len(models) < 2:
        raise click.UsageError("Pass at least two models.")
    from sktrainer.cli._models import load_model
    from sktrainer.comparison.conditions import (
        different_parameters,
        reasons_not_comparable,
        scores_of,
    )

    loaded = [load_model(model, trust) for model in models]
    scores = [scores_of(model) for model in loaded]
    parameters = different_parameters(loaded)
    warnings = reasons_not_comparable(loaded)
    estimators = [model.trainer.report_.estimator for model in loaded]
    if as_json:
        print_json(
            {
                "models": list(models),
                "estimators": estimators,
                "scores": [dict(zip(("set", "values"), each, strict=True)) for each in scores],
                "parameters": parameters,
                "same_data_and_split": not warnings,
                "warnings": warnings,
            }
        )
        return
    numbers = [str(number) for number in range(1, len(loaded) + 1)]
    sets = [name for name, _ in scores]
    header = ["", "model", "estimator", "scores of"]
    print_table(header, [*zip(numbers, models, estimators, sets, strict=True)])
    _print_differences(numbers, [values for _, values in scores], parameters)
    for text in warnings:
        show_warning(text)


def _print_differences(
    numbers: Sequence[str],
    scores: Sequence[Mapping[str, float]],
    parameters: Mapping[str, Sequence[object]],
) -> None:
    """Print scores and parameters, one column per model."""
    click.echo()
    metrics = dict.fromkeys(metric for values in scores for metric in values)
    print_table(
        ["metric", *numbers],
        [[metric, *(values.get(metric) for values in scores)] for metric in metrics],
    )
    if parameters:
        click.echo()
        rows = [[name, *values] for name, values in parameters.items()]
        print_table(["parameter", *numbers], rows[:_MOST_PARAMETERS])
        if len(rows) > _MOST_PARAMETERS:
            click.echo(f"{len(rows) - _MOST_PARAMETERS} more parameters: use --json")

"""The command `compare`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from sktrainer.cli._models import LoadedModel, load_model, trust_option
from sktrainer.cli._options import Command
from sktrainer.cli._output import print_json, print_table
from sktrainer.data.fingerprint.differences import fingerprint_differences

_MOST_PARAMETERS = 30


@click.command(
    cls=Command,
    example="""
    sktrainer compare models/lgbm_classifier models/random_forest_classifier
    sktrainer compare models/churn@production models/churn/7 --json
    """,
)
@click.argument("models", nargs=-1, required=True, metavar="MODEL MODEL...")
@trust_option
def command(models: tuple[str, ...], trust: tuple[str, ...], as_json: bool) -> None:
    """Compare scores, parameters, data and split of several models.

    The scores are those of the training: of the test rows, or else of the folds. A warning
    tells if the models were not trained on the same data and split, so that their scores are
    not comparable. MODEL is a .skt file, a model in a store (models/churn, models/churn/3,
    models/churn@production) or the folder of a run.
    """
    if len(models) < 2:
        raise click.UsageError("Pass at least two models.")
    loaded = [load_model(model, trust) for model in models]
    scores = [_scores(model) for model in loaded]
    parameters = _different_parameters(loaded)
    warnings = _differences(loaded)
    if as_json:
        print_json(
            {
                "models": list(models),
                "estimators": [model.trainer.report_.estimator for model in loaded],
                "scores": [dict(zip(("set", "values"), each, strict=True)) for each in scores],
                "parameters": parameters,
                "same_data_and_split": not warnings,
                "warnings": warnings,
            }
        )
        return
    numbers = [str(number) for number in range(1, len(loaded) + 1)]
    print_table(
        ["", "model", "estimator", "scores of"],
        [
            [number, model.name, model.trainer.report_.estimator, name]
            for number, model, (name, _) in zip(numbers, loaded, scores, strict=True)
        ],
    )
    click.echo()
    metrics = dict.fromkeys(metric for _, values in scores for metric in values)
    print_table(
        ["metric", *numbers],
        [[metric, *(values.get(metric) for _, values in scores)] for metric in metrics],
    )
    if parameters:
        click.echo()
        rows = [[name, *values] for name, values in parameters.items()]
        print_table(["parameter", *numbers], rows[:_MOST_PARAMETERS])
        if len(rows) > _MOST_PARAMETERS:
            click.echo(f"{len(rows) - _MOST_PARAMETERS} more parameters: use --json")
    for text in warnings:
        click.echo(f"warning: {text}", err=True)


def _scores(model: LoadedModel) -> tuple[str, dict[str, float]]:
    """Return which rows the scores are of, and the scores by the shown name of the metric."""
    report = model.trainer.report_
    if "test" in report.scores.index:
        return "test rows", {
            report.shown(name): float(value)
            for name, value in report.scores.loc["test"].items()
        }
    if report.cv_summary is not None:
        mean = report.cv_summary["mean"]
        return "mean of folds", {report.shown(n): float(v) for n, v in mean.items()}
    for name in ("validation", "train"):
        if name in report.scores.index:
            row = report.scores.loc[name]
            return f"{name} rows", {report.shown(n): float(v) for n, v in row.items()}
    return "no rows", {}


def _different_parameters(models: Sequence[LoadedModel]) -> dict[str, list[str | None]]:
    """Return the parameters whose values differ, with one value per model."""
    tables = [model.trainer.report_.parameters for model in models]
    names = dict.fromkeys(name for table in tables for name in table)
    values = {name: [table.get(name) for table in tables] for name in names}
    seeds = [model.trainer.report_.seeds.get("random_state") for model in models]
    values["random_state"] = [None if seed is None else str(seed) for seed in seeds]
    return {name: row for name, row in values.items() if len(set(row)) > 1}


def _differences(models: Sequence[LoadedModel]) -> list[str]:
    """Return why the scores of the models are not comparable."""
    first, *others = models
    found = []
    for other in others:
        pair = f"{first.name} and {other.name}"
        reason = _data_difference(first.trainer, other.trainer)
        if reason:
            text = f"{pair} were trained on different data ({reason})"
        elif not _same_split(first.trainer, other.trainer):
            text = f"{pair} were scored on different rows"
        elif _scores(first)[0] != _scores(other)[0]:
            text = f"the scores of {pair} are of different sets"
        else:
            continue
        found.append(f"{text}, so their scores are not comparable")
    return found


def _data_difference(a: Any, b: Any) -> str:
    prints = [getattr(trainer, "fingerprint_", None) for trainer in (a, b)]
    if prints[0] is None or prints[1] is None:
        return "at least one has no fingerprint"
    return "; ".join(fingerprint_differences(prints[0], prints[1])[:3])


def _same_split(a: Any, b: Any) -> bool:
    """Return whether the scores are of the same rows."""
    if len(a.split_.test) or len(b.split_.test):
        return np.array_equal(np.sort(a.split_.test), np.sort(b.split_.test))
    folds = [trainer.report_.folds for trainer in (a, b)]
    if folds[0] is None or folds[1] is None:
        return np.array_equal(np.sort(a.split_.train), np.sort(b.split_.train))
    plans = [(t.report_.split.get("kind"), t.report_.seeds.get("random_state")) for t in (a, b)]
    return plans[0] == plans[1] and len(folds[0]) == len(folds[1])

"""The command `train`."""

from __future__ import annotations

from typing import Any

import click

from sktrainer.cli._options import DATA, Command
from sktrainer.cli._run import make_run_config, with_run_options


@with_run_options()
@click.command(
    cls=Command,
    example="""
    sktrainer train loans.csv --target default
    sktrainer train loans.csv --target default --model lightgbm --set n_estimators=2000 --cv 5
    sktrainer train loans.csv --target default --time-column issued --report report.html
    sktrainer train --config run.yaml --seed 7 --checkpoint runs/a
    """,
)
@click.argument("data", type=DATA, required=False)
def command(data: str | None, as_json: bool, **options: Any) -> None:
    """Train a model on the rows of DATA, score it on test rows, and save it.

    Every automatic decision is in the report. A model file is saved with the configuration
    that reproduces it: sktrainer train --config FILE.
    """
    from sktrainer.cli._result import show_result
    from sktrainer.functional import train_model

    config = make_run_config(data, options, defaults={"verbose": 0} if as_json else None)
    show_result(train_model(config=config), config, as_json=as_json)

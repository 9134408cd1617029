"""The command `cv`."""

from __future__ import annotations

from typing import Any

import click

from sktrainer.cli._options import DATA, Command
from sktrainer.cli._run import make_run_config, with_run_options


@with_run_options(without=("test_size", "refit"))
@click.command(
    cls=Command,
    example="""
    sktrainer cv loans.csv --target default --model forest
    sktrainer cv loans.csv --target default --cv 10 --n-jobs -1
    sktrainer cv loans.csv --target default --group-column customer --out models/
    """,
)
@click.argument("data", type=DATA, required=False)
def command(data: str | None, as_json: bool, **options: Any) -> None:
    """Cross-validate a model on the rows of DATA.

    There are five folds by default. The model is trained on all rows afterwards, and saved
    if --out is used.
    """
    from sktrainer.cli._result import show_result
    from sktrainer.functional import train_with_cv

    defaults: dict[str, Any] = {"verbose": 0} if as_json else {}
    if options.get("save_path") is None:
        defaults["save_model"] = False
    config = make_run_config(data, options, defaults=defaults)
    show_result(train_with_cv(config=config, test_size=None), config, as_json=as_json)

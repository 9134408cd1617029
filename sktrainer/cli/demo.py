"""The command `demo`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from sktrainer.cli._options import Command
from sktrainer.cli._output import print_json


@click.command(
    cls=Command,
    example="""
    sktrainer demo
    sktrainer demo --out /tmp/demo --json
    """,
)
@click.option(
    "--out",
    default="demo/",
    show_default=True,
    metavar="FOLDER",
    help="Folder for the table, the model and the report.",
)
def command(out: str, as_json: bool) -> None:
    """Train a model on a table that is part of sktrainer.

    The table is about patients with a suspected thyroid disease. The command trains LightGBM,
    or a model of scikit-learn if LightGBM is not installed, and saves the table, the model and
    the report. It then shows commands to try on them.
    """
    from sktrainer.data.files import write_table
    from sktrainer.datasets import load_hypothyroid
    from sktrainer.functional import train_model

    bunch = load_hypothyroid()
    table = bunch.data.assign(hypothyroid=(bunch.target == "hypothyroid").astype(int))
    folder = Path(out)
    path = write_table(table, folder / "thyroid.csv")
    result = train_model(
        _model(),
        table,
        "hypothyroid",
        save_path=folder / "models",
        verbose=0 if as_json else 1,
    )
    assert result.model_path is not None
    report = result.report.to_html(folder / "report.html")
    if as_json:
        scores = result.report.to_dict()["scores"]
        files = {"data": path, "model": result.model_path, "report": report}
        print_json({"scores": scores, **{name: str(file) for name, file in files.items()}})
        return
    click.echo(f"\nTable:  {path}\nReport: {report}\n\nTry:")
    model = result.model_path.parent
    click.echo(f"  sktrainer inspect {path} --target hypothyroid")
    click.echo(f"  sktrainer predict {model} {path} --proba -o {folder / 'predictions.csv'}")
    click.echo(f"  sktrainer report {model}")


def _model() -> Any:
    from sktrainer.config.models import build_model
    from sktrainer.config.reader import load_config

    model: dict[str, object] = {"name": "hgb", "max_iter": 1000, "learning_rate": 0.05}
    if find_spec("lightgbm") is not None:
        model = {"name": "lightgbm", "n_estimators": 1000, "learning_rate": 0.05}
    return build_model(load_config({"model": model}), "classification")

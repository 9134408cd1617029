"""The command `report`."""

from __future__ import annotations

import click

from sktrainer.cli._options import MODEL, OUTPUT, Command, trust_option
from sktrainer.cli._output import print_json, text_width


@click.command(
    cls=Command,
    example="""
    sktrainer report models/lgbm_classifier
    sktrainer report models/churn@production -o report.html
    sktrainer report model.skt --json
    """,
)
@click.argument("model", type=MODEL)
@click.option("-o", "--output", type=OUTPUT, metavar="FILE", help="HTML or JSON file to write.")
@trust_option
def command(model: str, output: str | None, trust: tuple[str, ...], as_json: bool) -> None:
    """Print the training report of a model, or write it to a file.

    The report shows every automatic decision, the scores, the history and the findings of the
    data checks. MODEL is a .skt file, a model in a store (models/churn, models/churn/3,
    models/churn@production) or the folder of a run.
    """
    if output is not None and not output.lower().endswith((".html", ".json")):
        raise click.UsageError(f"--output: {output!r} must end in .html or .json.")
    from sktrainer.cli._models import load_model

    found = load_model(model, trust).trainer.report_
    if output is not None:
        if output.lower().endswith(".json"):
            found.to_json(output)
        else:
            found.to_html(output)
        if as_json:
            print_json({"output": output})
        else:
            click.echo(f"Wrote {output}")
    elif as_json:
        print_json(found.to_dict())
    else:
        click.echo(found.full(width=text_width()))

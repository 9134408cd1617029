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
@click.option("-o", "--output", type=OUTPUT, metavar="FILE", help="HTML file to write.")
@trust_option
def command(model: str, output: str | None, trust: tuple[str, ...], as_json: bool) -> None:
    """Print the training report of a model, or write it as a web page.

    The report shows every automatic decision, the scores, the history and the findings of the
    data checks. MODEL is a .skt file, a model in a store (models/churn, models/churn/3,
    models/churn@production) or the folder of a run.
    """
    if output is not None and not output.lower().endswith((".html", ".htm")):
        raise click.UsageError(f"--output: {output!r} must end in .html.")
    from sktrainer.cli._models import load_model
    from sktrainer.reporting.text import render_text

    found = load_model(model, trust).trainer.report_
    if output is not None:
        path = found.to_html(output)
        if as_json:
            print_json({"output": str(path)})
        else:
            click.echo(f"Wrote {path}")
    elif as_json:
        print_json(found.to_dict())
    else:
        click.echo(render_text(found, width=text_width()))

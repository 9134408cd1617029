"""The command `resume`."""

from __future__ import annotations

from pathlib import Path

import click

from sktrainer.cli._options import Command


@click.command(
    cls=Command,
    example="""
    sktrainer train loans.csv --target default --checkpoint runs/a
    sktrainer resume runs/a
    """,
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def command(folder: Path, as_json: bool) -> None:
    """Resume the training run in FOLDER, which was interrupted.

    FOLDER is the checkpoint folder of the run. The result is bit-identical to that of a run
    without interruption. A finished run is loaded.
    """
    from sktrainer.cli._result import show_result
    from sktrainer.config.document import read_document
    from sktrainer.config.reader import make_config
    from sktrainer.config.run import CONFIG_FILE
    from sktrainer.exceptions import InputError
    from sktrainer.functional import train_model

    path = folder / CONFIG_FILE
    if not folder.is_dir():
        raise InputError(
            f"the folder {str(folder)!r} does not exist. Pass the folder of --checkpoint"
        )
    if not path.is_file():
        raise InputError(
            f"{str(folder)!r} has no {CONFIG_FILE}, so it is not the folder of a run that was "
            "started with: sktrainer train --checkpoint FOLDER"
        )
    document = read_document(path)
    if as_json:
        document = document.with_value(("verbose",), 0, "--json")
    config = make_config(document)
    show_result(train_model(config=config, checkpoint=folder), config, as_json=as_json)

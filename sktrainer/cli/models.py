"""The command `models`, with one sub-command per operation on a store."""

from __future__ import annotations

import click

from sktrainer.cli._options import MODEL, Command, Group
from sktrainer.cli._output import print_frame, print_json, print_table

_MOST_VERSIONS = 10


@click.group(
    cls=Group,
    example="""
    sktrainer models list
    sktrainer models show models/churn
    sktrainer models diff models/churn/6 models/churn@production
    sktrainer models tag models/churn/7 production
    sktrainer models prune models/churn --keep 5
    """,
)
def command() -> None:
    """List, show, compare, tag and delete the models of a store.

    A store is a folder, by default models/. Its models are named like paths: models/churn is
    the latest version, models/churn/3 the third one, and models/churn@production the one with
    this tag.
    """


@command.command(
    "list",
    cls=Command,
    example="""
    sktrainer models list
    sktrainer models list archive/ --json
    """,
)
@click.argument("store", type=MODEL, default="models/")
def list_models(store: str, as_json: bool) -> None:
    """List the models of a store."""
    from sktrainer.exceptions import InputError
    from sktrainer.files.paths import as_path
    from sktrainer.model_store import ModelStore

    root = as_path(store)
    if not root.is_dir():
        raise InputError(
            f"there is no folder {store!r}. Train a model with: sktrainer train, or pass the "
            "folder of a store"
        )
    frame = ModelStore(root).list()
    if as_json:
        print_json(frame)
    elif frame.empty:
        click.echo(f"{store} contains no models")
    else:
        # The seconds and the time zone are in the JSON.
        saved = frame["saved"].str.slice(0, 16).str.replace("T", " ")
        shown = frame.assign(saved=saved)
        print_table(list(shown.columns), shown.to_numpy(dtype=object).tolist())


@command.command("show", cls=Command, example="sktrainer models show models/churn")
@click.argument("model", type=MODEL)
def show(model: str, as_json: bool) -> None:
    """Show the versions of a model, or the record of one version.

    MODEL is a name in a store, such as models/churn, or a version, such as models/churn/3 or
    models/churn@production.
    """
    from sktrainer.cli._models import split_reference, version_folder
    from sktrainer.serialization.model_records import read_record

    store, name, version = split_reference(model)
    if version != "latest":
        record = read_record(version_folder(model))
        if as_json:
            print_json(record)
        else:
            _print_record(record)
        return
    frame = store.history(name)
    if as_json:
        print_json(frame.reset_index())
        return
    # One column per score is too wide for a terminal: show the test scores, one row each.
    frame["saved"] = frame["saved"].str.slice(0, 16).str.replace("T", " ")
    names = [str(column) for column in frame]
    other = [column for column in names if not column.startswith(("train_", "validation_"))]
    scores = [column for column in other if column.startswith("test_")]
    print_frame(frame[[column for column in other if column not in scores]])
    if scores:
        table = frame[scores].tail(_MOST_VERSIONS).T
        latest = "" if len(frame) <= _MOST_VERSIONS else f", the latest {_MOST_VERSIONS}"
        click.echo(f"\nTest scores by version{latest}")
        table.index = table.index.str.removeprefix("test_")
        print_frame(table.rename_axis("metric"))


def _print_record(record: dict[str, object]) -> None:
    shown = ("name", "version", "saved", "estimator", "task", "rows", "best_iteration", "file")
    print_table(["", ""], [[key, str(record.get(key))] for key in shown])
    for key in ("scores", "parameters", "versions"):
        values = record.get(key) or {}
        assert isinstance(values, dict)
        click.echo(f"\n{key.capitalize()}")
        if key == "scores":
            metrics = dict.fromkeys(metric for part in values.values() for metric in part)
            rows = [[m, *(part.get(m) for part in values.values())] for m in metrics]
            print_table(["metric", *values], rows)
        else:
            print_table(
                ["name", "value"], [[name, str(value)] for name, value in values.items()]
            )


@command.command(
    "diff",
    cls=Command,
    example="sktrainer models diff models/churn/6 models/churn@production",
)
@click.argument("a", type=MODEL)
@click.argument("b", type=MODEL)
def diff(a: str, b: str, as_json: bool) -> None:
    """Show the differences between two versions.

    They are differences of parameters, seeds, libraries and data, and all scores.
    """
    from sktrainer.cli._models import version_folder
    from sktrainer.serialization.model_records import diff_frame, read_record

    frame = diff_frame(*(read_record(version_folder(reference)) for reference in (a, b)))
    if as_json:
        print_json(frame)
    else:
        click.echo(f"a: {a}\nb: {b}\n")
        print_table(list(frame.columns), frame.to_numpy(dtype=object).tolist())


@command.command(
    "tag",
    cls=Command,
    example="""
    sktrainer models tag models/churn/7 production
    sktrainer models tag models/churn production --remove
    """,
)
@click.argument("model", type=MODEL)
@click.argument("tag")
@click.option("--remove", is_flag=True, help="Remove the tag; the version is kept.")
def tag(model: str, tag: str, remove: bool, as_json: bool) -> None:
    """Set or remove a tag of a version.

    A tag belongs to one version of a model: it is removed from the version that had it.
    """
    from sktrainer.cli._models import split_reference

    store, name, version = split_reference(model)
    if remove:
        store.untag(name, tag)
        document: dict[str, object] = {"model": name, "tag": tag, "version": None}
        text = f"Removed the tag {tag!r} of {name}"
    else:
        number = int(store.path(name, version).parent.name)
        store.tag(name, number, tag)
        document = {"model": name, "tag": tag, "version": number}
        text = f"{name} {number} has the tag {tag!r}: {store.root / name}@{tag}"
    if as_json:
        print_json(document)
    else:
        click.echo(text)


@command.command("prune", cls=Command, example="sktrainer models prune models/churn --keep 5")
@click.argument("model", type=MODEL)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    required=True,
    help="Number of newest versions to keep.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be deleted.")
def prune(model: str, keep: int, dry_run: bool, as_json: bool) -> None:
    """Delete old versions without a tag.

    The newest versions of the model and all versions with a tag are kept.
    """
    from sktrainer.cli._models import split_reference

    store, name, version = split_reference(model)
    if version != "latest":
        raise click.UsageError(
            f"{model!r} is one version. Pass the model: {store.root / name}."
        )
    deleted = store.prune(name, keep, dry_run=dry_run)
    if as_json:
        print_json({"model": name, "deleted": deleted, "dry_run": dry_run})
        return
    listed = ", ".join(map(str, deleted)) or "none"
    click.echo(f"{'Versions to delete' if dry_run else 'Deleted versions'} of {name}: {listed}")

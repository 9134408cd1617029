"""Options of the commands that train, and the configuration that they describe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sktrainer.cli._completion import MODEL_NAMES, Complete, complete_column, complete_from
from sktrainer.config.keys import KEY_BY_PATH, Key
from sktrainer.training.parameter_table import BOOL, NULL, PARAMETERS, RUN_DEFAULTS, Parameter

if TYPE_CHECKING:
    from sktrainer.config.document import Document
    from sktrainer.config.run_config import RunConfig

DEFAULT_MODEL = "hgb"

# Keys of a configuration file that have an option, besides the parameters of the trainer.
_KEYS = (
    ("data", "target"),
    ("data", "group_column"),
    ("data", "weight_column"),
    ("data", "drop_columns"),
    ("model", "name"),
    ("stratify",),
    ("save_path",),
    ("report",),
)
_HELP = {
    ("model", "name"): f"{', '.join(MODEL_NAMES)}, FILE.py:NAME or package.module:NAME.",
    ("save_path",): "Folder of a model store or a .skt file; - for none.",
}
# Keys of a file that an option replaces, besides the one that sets the same parameter.
_REPLACED: dict[str, tuple[tuple[str, ...], ...]] = {
    "cv": (("cross_validation", "enabled"),),
    "handle_imbalance": (("imbalance_handling",),),
    "split": (("cross_validation", "strategy"),),
}
#: Completion of the values of options, by their metavar.
_COMPLETE: dict[str, Complete] = {
    "COLUMN": complete_column,
    "MODEL": complete_from(MODEL_NAMES, files=True),
    "PATH": complete_from((), files=True),
    "FOLDER": complete_from((), files=True),
}
_VALUES = {"true": True, "false": False, "none": None}


def run_options(*, without: Iterable[str] = ()) -> list[click.Parameter]:
    """Return the options of a command that trains, made from the table of parameters."""
    options: list[click.Parameter] = [
        click.Option(
            ["--config"],
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="YAML file; options replace its values.",
        )
    ]
    options += [_key_option(KEY_BY_PATH[path]) for path in _KEYS]
    options.append(
        click.Option(
            ["--set", "set_values"],
            multiple=True,
            metavar="NAME=VALUE",
            help="Parameter of the model. Can be repeated.",
        )
    )
    excluded = set(without)
    options += [_parameter_option(p) for p in PARAMETERS if p.name not in excluded]
    return options


def make_run_config(
    path: str | None, options: Mapping[str, Any], *, defaults: Mapping[str, Any] | None = None
) -> RunConfig:
    """Return the checked configuration of a file and options.

    Parameters
    ----------
    path : str or None
        The argument DATA.
    options : mapping of str to object
        Values of the options from `run_options`; None if an option was not used.
    defaults : mapping of str to object or None, default=None
        Values at the top level that are set if neither the file nor an option sets them.

    Raises
    ------
    InputError
        With all mistakes, each with its line and column or its option.
    """
    from sktrainer.config.document import Document, read_document
    from sktrainer.config.reader import make_config

    config = options.get("config")
    document = Document({}) if config is None else read_document(config)
    if path is not None:
        document = document.with_value(("data", "path"), _absolute(path), "DATA")
    for key_path in _KEYS:
        key = KEY_BY_PATH[key_path]
        value = options.get(_argument(key))
        if value is not None and value != ():
            document = _with_key(document, key, value)
    for parameter in PARAMETERS:
        value = options.get(parameter.name)
        if value is not None and value != ():
            document = _with_parameter(document, parameter, value)
    document = _with_model_params(document, options.get("set_values", ()))
    if config is None:
        _check_complete(document)
    if "model" not in document.values:
        document = document.with_value(("model", "name"), DEFAULT_MODEL, "--model")
    for name, value in (defaults or {}).items():
        if name not in document.values:
            document = document.with_value((name,), value, "")
    command = click.get_current_context().obj or ""
    return replace(make_config(document), command=command)


def _check_complete(document: Document) -> None:
    data = document.values.get("data", {})
    if "path" not in data:
        raise click.UsageError("Missing argument 'DATA' or option '--config'.")
    if "target" not in data:
        raise click.UsageError("Missing option '--target', the column to predict.")


def _key_option(key: Key) -> click.Option:
    name = key.option or f"--{key.name.replace('_', '-')}"
    help_text = _HELP.get(key.path, key.help)
    if key.schemas == (BOOL,):
        return click.Option([f"{name}/--no-{name[2:]}"], default=None, help=help_text)
    metavar = {"data": "COLUMN", "model": "MODEL"}.get(key.section, "PATH")
    return click.Option(
        [name, _argument(key)],
        metavar=metavar,
        shell_complete=_COMPLETE[metavar],
        multiple=key.name == "drop_columns",
        help=help_text,
    )


def _argument(key: Key) -> str:
    return "model" if key.path == ("model", "name") else key.name


def _parameter_option(parameter: Parameter) -> click.Option:
    name = f"--{parameter.name.replace('_', '-')}"
    names = [each for each in (parameter.option, name) if each]
    help_text = parameter.help.replace("null", "none")
    if parameter.name in RUN_DEFAULTS:
        help_text = f"{help_text} [default: {RUN_DEFAULTS[parameter.name]}]"
    if parameter.is_flag:
        return click.Option([f"{name}/--no-{name[2:]}"], default=None, help=help_text)
    kind: Any = None
    if all(schema in (BOOL, NULL) for schema in parameter.schemas):
        words = [
            w
            for schema, w in ((BOOL, "true false"), (NULL, "none"))
            if schema in parameter.schemas
        ]
        kind = click.Choice([*parameter.choices, *" ".join(words).split()])
    return click.Option(
        [*names, parameter.name],
        type=kind,
        metavar=None if kind else _metavar(parameter),
        shell_complete=None if kind else _complete(parameter),
        multiple=parameter.default == (),
        help=f"{help_text} Can be repeated." if parameter.default == () else help_text,
    )


def _complete(parameter: Parameter) -> Complete:
    metavar = _metavar(parameter)
    return _COMPLETE.get(metavar) or complete_from(parameter.choices)


def _metavar(parameter: Parameter) -> str:
    words = {
        "time_column": "COLUMN",
        "checkpoint": "FOLDER",
        "scoring": "METRIC",
        "eval_metric": "METRIC",
        "trackers": "NAME",
    }
    return words.get(parameter.name, "VALUE")


def _with_key(document: Document, key: Key, value: Any) -> Document:
    place = key.option or f"--{key.name.replace('_', '-')}"
    if key.path == ("save_path",) and value == "-":
        return document.with_value(("save_model",), False, place)
    if key.is_path:
        value = _absolute(value)
    if key.path == ("model", "name"):
        if ".py:" in value:
            value = _absolute(value)
        if isinstance(document.values.get("model"), str):
            document = document.without(("model",))
        elif value != document.values.get("model", {}).get("name"):
            document = document.without(("model",))  # the parameters belong to the other model
    return document.with_value(
        key.path, list(value) if isinstance(value, tuple) else value, place
    )


def _with_parameter(document: Document, parameter: Parameter, text: Any) -> Document:
    from sktrainer.config.sections import PARAMETER_OF

    place = parameter.shown_option
    value = _parsed(parameter, text, place)
    if parameter.name == "checkpoint" and isinstance(value, str):
        value = _absolute(value)
    # An option replaces the keys of the file that set the same parameter.
    same = [path for path, name in PARAMETER_OF.items() if name == parameter.name]
    for path in [*same, *_REPLACED.get(parameter.name, ())]:
        document = document.without(path)
    if parameter.name == "early_stopping" and isinstance(
        document.values.get("early_stopping"), Mapping
    ):
        return document.with_value(("early_stopping", "enabled"), value, place)
    return document.with_value((parameter.name,), value, place)


def _parsed(parameter: Parameter, text: Any, place: str) -> Any:
    """Return the value that an option sets."""
    from sktrainer.config.document import parse_value
    from sktrainer.exceptions import InputError, ParameterError

    value = list(text) if isinstance(text, tuple) else text
    if isinstance(text, str) and text in _VALUES:
        value = _VALUES[text]
    elif isinstance(text, str) and text not in parameter.choices:
        try:
            value = (
                text if parameter.name in ("time_column", "checkpoint") else parse_value(text)
            )
        except InputError as error:
            raise ParameterError(
                [f"{place}: {problem}" for problem in error.problems]
            ) from None
    return value


def _with_model_params(document: Document, items: Iterable[str]) -> Document:
    """Set parameters of the model from strings such as "n_estimators=200"."""
    from sktrainer.config.document import parse_value
    from sktrainer.exceptions import InputError, ParameterError

    problems = []
    for item in items:
        name, found, text = item.partition("=")
        if not found or not name.isidentifier():
            problems.append(f"--set: expected NAME=VALUE, got {item!r}")
            continue
        try:
            value = parse_value(text)
        except InputError as error:
            problems += [f"--set {name}: {problem}" for problem in error.problems]
            continue
        if isinstance(document.values.get("model"), str):
            document = document.with_value(
                ("model", "name"), document.values["model"], "--model"
            )
        if "model" not in document.values:
            document = document.with_value(("model", "name"), DEFAULT_MODEL, "--model")
        document = document.with_value(("model", name), value, f"--set {name}")
    if problems:
        raise ParameterError(problems)
    return document


def _absolute(path: str) -> str:
    """Return a path relative to the working directory as an absolute one."""
    return path if path == "-" or "://" in path else str(Path.cwd() / Path(path).expanduser())


def with_run_options(
    *, without: Iterable[str] = ()
) -> Callable[[click.Command], click.Command]:
    """Return a decorator that adds the options of `run_options` to a command."""

    def add(command: click.Command) -> click.Command:
        # Before --json, --debug and --help, which come last on every help page.
        at = next(i for i, p in enumerate(command.params) if p.name == "as_json")
        command.params[at:at] = run_options(without=without)
        return command

    return add

"""Read and check a configuration, from a YAML file or a dict."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sktrainer.checkpoints.schedule import Checkpoint
from sktrainer.config.document import Document, KeyPath, as_document, read_document
from sktrainer.config.keys import KEY_BY_PATH, KEYS, SECTIONS, STRATEGIES
from sktrainer.config.models import check_model
from sktrainer.config.run_config import DataConfig, ModelConfig, RunConfig
from sktrainer.exceptions import ParameterError, suggest_name
from sktrainer.files.paths import as_path
from sktrainer.training.parameter_table import BY_NAME
from sktrainer.training.parameters import TrainerParams, parameter_problems

# Keys of sections that set a parameter of the trainer, which must not be set twice.
_PARAMETER_OF: dict[KeyPath, str] = {
    ("data", "time_column"): "time_column",
    ("cross_validation", "folds"): "cv",
    ("imbalance_handling", "method"): "handle_imbalance",
    ("early_stopping", "rounds"): "n_iter_no_change",
}


def load_config(config: str | os.PathLike[str] | Mapping[str, Any] | RunConfig) -> RunConfig:
    """Read and check a configuration.

    Parameters
    ----------
    config : path-like, dict or RunConfig
        A YAML file, or the same values as a nested dict. Relative paths in a file refer to its
        folder. A RunConfig is returned unchanged.

    Raises
    ------
    InputError
        With all mistakes. Those of a file start with its line and column.

    Examples
    --------
    >>> config = load_config({"early_stopping": {"rounds": 20}, "test_size": 0.3})
    >>> dict(config.params)
    {'test_size': 0.3, 'n_iter_no_change': 20}
    """
    if isinstance(config, RunConfig):
        return config
    is_dict = isinstance(config, Mapping)
    return make_config(as_document(config) if is_dict else read_document(Path(config)))


def make_config(document: Document) -> RunConfig:
    """Check the values of a document and return the configuration.

    Raises
    ------
    ParameterError
        With all mistakes.
    """
    reader = _ConfigReader(document)
    config = reader.read()
    try:
        check_model(config)
    except ParameterError as error:
        reader.problems += error.problems
    except ImportError as error:
        if not reader.problems:
            raise
        reader.problems.append(document.problem(("model", "name"), str(error)))
    if reader.problems:
        raise ParameterError(sorted(dict.fromkeys(reader.problems), key=_line_and_column))
    return config


def _line_and_column(problem: str) -> tuple[int, int]:
    place = re.match(r"\S+?:(\d+):(\d+): ", problem)
    return (int(place[1]), int(place[2])) if place else (0, 0)


class _ConfigReader:
    """Checks a document and collects all problems."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[str] = []

    def add(self, path: KeyPath, text: str, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, text, key=key))

    def get(self, section: str, name: str) -> Any:
        """Return the value of a key, or its default."""
        values = self.document.values.get(section) if section else self.document.values
        key = KEY_BY_PATH[(section, name) if section else (name,)]
        found = values.get(name, key.default) if isinstance(values, Mapping) else key.default
        return found if key.accepts(found) else key.default

    def is_set(self, *path: str) -> bool:
        values: Any = self.document.values
        for name in path:
            if not isinstance(values, Mapping) or name not in values:
                return False
            values = values[name]
        return True

    def read(self) -> RunConfig:
        self._check_names()
        self._check_values()
        params = self._trainer_params()
        self._check_params(params)
        save = self._path("", "save_path") if self.get("", "save_model") else None
        return RunConfig(
            data=DataConfig(
                path=self._path("data", "path"),
                target=self.get("data", "target"),
                group_column=self.get("data", "group_column"),
                weight_column=self.get("data", "weight_column"),
                drop_columns=tuple(self.get("data", "drop_columns")),
            ),
            model=self._model(),
            params=params,
            save_path=save,
            report=self._path("", "report"),
            document=self.document,
        )

    def _check_names(self) -> None:
        """Report keys that do not exist, and sections that are not mappings."""
        top = {*BY_NAME, *SECTIONS, *(key.name for key in KEYS if not key.section)}
        for name, value in self.document.values.items():
            if name not in top:
                self.add((name,), f"unknown key {name!r}{_suggest(name, top)}", key=True)
            elif name in SECTIONS and not isinstance(value, Mapping):
                if name == "early_stopping" or (name == "model" and isinstance(value, str)):
                    continue
                example = ", ".join(key.name for key in KEYS if key.section == name)
                self.add((name,), f"{name} must be a section with the keys {example}")
            elif name in SECTIONS and name != "model":
                known = [key.name for key in KEYS if key.section == name]
                for inner in value:
                    if inner not in known:
                        text = f"unknown key {inner!r} in {name}{_suggest(inner, known)}"
                        self.add((name, inner), text, key=True)

    def _check_values(self) -> None:
        for key in KEYS:
            if not self.is_set(*key.path):
                continue
            value: Any = self.document.values
            for name in key.path:
                value = value[name]
            if not key.accepts(value):
                hint = suggest_name(value, _choices(key.schemas))
                quoted = (
                    " without quotes" if str(value) in ("yes", "no", "True", "False") else ""
                )
                self.add(
                    key.path, f"{key.title} must be {key.expected}{quoted}, got {value!r}{hint}"
                )

    def _trainer_params(self) -> dict[str, Any]:
        """Return the parameters that are set, by their names or by the keys of a section."""
        values = self.document.values
        params = {
            name: value
            for name, value in values.items()
            if name in BY_NAME and not (name in SECTIONS and isinstance(value, Mapping))
        }
        for path, name in _PARAMETER_OF.items():
            if self.is_set(*path) and name in params:
                if path != ("data", "time_column") or self.get(*path) != params[name]:
                    self.add(
                        path, f"{'.'.join(path)} and {name} are the same parameter. Remove one"
                    )
        if (time_column := self.get("data", "time_column")) is not None:
            params["time_column"] = time_column
        self._early_stopping(params)
        self._imbalance(params)
        self._cross_validation(params)
        by_rows = params.get("time_column") is None and self.get("data", "group_column") is None
        if not self.get("", "stratify") and params.get("split", "auto") == "auto" and by_rows:
            params["split"] = "random"
        if isinstance(params.get("checkpoint"), (str, Mapping)):
            params["checkpoint"] = self._checkpoint(params["checkpoint"])
        return params

    def _early_stopping(self, params: dict[str, Any]) -> None:
        if not isinstance(self.document.values.get("early_stopping"), Mapping):
            return
        if self.is_set("early_stopping", "enabled"):
            params["early_stopping"] = self.get("early_stopping", "enabled")
        if (rounds := self.get("early_stopping", "rounds")) is not None:
            params["n_iter_no_change"] = rounds

    def _imbalance(self, params: dict[str, Any]) -> None:
        if not isinstance(self.document.values.get("imbalance_handling"), Mapping):
            return
        method = self.get("imbalance_handling", "method")
        if method is not None and self.get("imbalance_handling", "auto_detect"):
            method = "auto" if method == "class_weight" else f"auto_{method}"
        params["handle_imbalance"] = method

    def _cross_validation(self, params: dict[str, Any]) -> None:
        if not isinstance(self.document.values.get("cross_validation"), Mapping):
            self._check_stratify(params, ())
            return
        if not self.get("cross_validation", "enabled"):
            self._check_stratify(params, ())
            return
        params["cv"] = self.get("cross_validation", "folds")
        path = ("cross_validation", "strategy")
        if not self.is_set(*path):
            self._check_stratify(params, ())
            return
        strategy = self.get(*path)
        split, own = STRATEGIES[strategy], params.get("split", "auto")
        if own in STRATEGIES.values() and own != split:
            self.add(
                path,
                f"cross_validation.strategy={strategy!r} contradicts split={own!r}. Rows are "
                "split in one way for folds, test and validation rows. Remove one of the two",
            )
        elif split != "time" and params.get("time_column") is not None:
            self.add(
                path,
                f"cross_validation.strategy={strategy!r} contradicts time_column="
                f"{params['time_column']!r}, which splits rows by time. Use 'timeseries', or "
                "remove time_column",
            )
        elif split == "group" and self.get("data", "group_column") is None:
            self.add(path, "cross_validation.strategy='group' needs data.group_column. Set it")
        if own == "auto" and split != "stratified":  # "auto" stratifies classes
            params["split"] = split
        self._check_stratify(params, path)

    def _check_stratify(self, params: Mapping[str, Any], path: KeyPath) -> None:
        """Report a `stratify` that another key contradicts."""
        if not self.is_set("stratify"):
            return
        stratify, split = self.get("", "stratify"), params.get("split", "auto")
        name = ".".join(map(str, path)) or "split"
        if stratify and split == "random":
            self.add(
                ("stratify",),
                f"stratify=true contradicts {name}, which draws rows at random. "
                "Remove one of the two",
            )
        elif not stratify and (split == "stratified" or (path and split == "auto")):
            self.add(
                ("stratify",),
                f"stratify=false contradicts {name}='stratified'. Remove one of the two",
            )

    def _checkpoint(self, value: Any) -> Any:
        if isinstance(value, str):
            return str(self._resolve(("checkpoint",), value))
        known = [*Checkpoint.__dataclass_fields__]
        for name in value:
            if name not in known:
                text = f"unknown key {name!r} in checkpoint{_suggest(name, known)}"
                self.add(("checkpoint", name), text, key=True)
        if not isinstance(value.get("folder"), str):
            self.add(
                ("checkpoint",), "checkpoint must be a folder, or a section with the key folder"
            )
            return None
        folder = str(self._resolve(("checkpoint", "folder"), value["folder"]))
        return Checkpoint(**{k: v for k, v in value.items() if k in known} | {"folder": folder})

    def _check_params(self, params: Mapping[str, Any]) -> None:
        """Report values that the trainer does not accept."""
        found = parameter_problems(TrainerParams(None, **params))
        for name, texts in found.items():
            for text in texts:
                if self.document.source:  # write values as in YAML
                    for python, yaml in (
                        ("None", "null"),
                        ("True", "true"),
                        ("False", "false"),
                    ):
                        text = re.sub(rf"\b{python}\b", yaml, text)
                self.add((name,), text)

    def _model(self) -> ModelConfig:
        section = self.document.values.get("model", {})
        if isinstance(section, str):
            return ModelConfig(section)
        if not isinstance(section, Mapping):
            return ModelConfig()
        params = {name: value for name, value in section.items() if name != "name"}
        if params and "name" not in section:
            self.add(
                ("model",), "model.name is missing. Add it, such as 'name: forest'", key=True
            )
        name = self.get("model", "name")
        if name is not None and name.partition(":")[0].endswith(".py"):
            file, _, rest = name.rpartition(":") if ".py:" in name else (name, "", "")
            name = f"{self._resolve(('model', 'name'), file)}:{rest}".rstrip(":")
        return ModelConfig(name, params)

    def _path(self, section: str, name: str) -> Path | None:
        value = self.get(section, name)
        path: KeyPath = (section, name) if section else (name,)
        return None if value is None else self._resolve(path, value)

    def _resolve(self, path: KeyPath, value: str) -> Path:
        """Return an absolute path, with the values of environment variables."""

        def variable(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if name not in os.environ:
                self.add(
                    path,
                    f"the environment variable {name!r} is not set. Set it, or write the path",
                )
            return os.environ.get(name, "")

        if value == "-":  # standard input
            return Path(value)
        text = re.sub(r"\$(?:\{(\w+)\}|(\w+))", variable, value)
        return Path(os.path.abspath(self.document.folder / as_path(text)))


def _choices(schemas: Any) -> Iterator[str]:
    for schema in schemas:
        yield from schema.get("enum", ())


def _suggest(name: str, known: Any) -> str:
    """Return a hint with the key that was probably meant."""
    hint = suggest_name(name, known)
    if hint:
        return hint
    inside = [key for key in KEYS if key.name == name]
    if inside:
        return f". Did you mean {inside[0].title}?"
    if name in BY_NAME:
        return f". {name} belongs to the top level"
    similar = suggest_name(name, [key.name for key in KEYS])
    return similar or f". Expected one of: {', '.join(sorted(known))}"

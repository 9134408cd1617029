"""Values of a configuration, checked one by one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sktrainer.config.document import Document, KeyPath
from sktrainer.config.keys import KEY_BY_PATH, KEYS, SECTIONS
from sktrainer.exceptions import suggest_name
from sktrainer.files.paths import as_path
from sktrainer.training.parameter_table import BY_NAME

MAX_NAMES = 10


class ConfigValues:
    """Values of a document, with a list of all problems.

    Each problem starts with the place in the file.
    """

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

    def section(self, name: str) -> Mapping[str, Any] | None:
        """Return a section, or None if it is not set or not a mapping."""
        section = self.document.values.get(name)
        return section if isinstance(section, Mapping) else None

    def path(self, section: str, name: str) -> Path | None:
        """Return the absolute path that a key sets, or None."""
        value = self.get(section, name)
        path: KeyPath = (section, name) if section else (name,)
        return None if value is None else self.resolve(path, value)

    def resolve(self, path: KeyPath, value: str) -> Path:
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
        if "://" in value:
            text = f"{value!r} is a web address. Download the file, or pipe it into the command"
            self.add(path, f"{text} with - as DATA")
        text = re.sub(r"\$(?:\{(\w+)\}|(\w+))", variable, value)
        return Path.cwd() / self.document.folder / as_path(text)

    def as_written(self, name: str, text: str) -> str:
        """Return an error text with None, True and False as the user writes them."""
        place = self.document.place((name,))
        if not self.document.source and not place:
            return text  # a dict
        none = "none" if place.startswith("--") else "null"
        for python, written in (("None", none), ("True", "true"), ("False", "false")):
            text = re.sub(rf"\b{python}\b", written, text)
        return text

    def check_names(self) -> None:
        """Report keys that do not exist, and sections that are not mappings."""
        top = {*BY_NAME, *SECTIONS, *(key.name for key in KEYS if not key.section)}
        for name, value in self.document.values.items():
            if name not in top:
                self.add((name,), f"unknown key {name!r}{suggest_key(name, top)}", key=True)
            elif name in SECTIONS and not isinstance(value, Mapping):
                if name == "early_stopping" or (name == "model" and isinstance(value, str)):
                    continue
                example = ", ".join(key.name for key in KEYS if key.section == name)
                self.add((name,), f"{name} must be a section with the keys {example}")
            elif name in SECTIONS and name != "model":
                known = [key.name for key in KEYS if key.section == name]
                for inner in value:
                    if inner not in known:
                        text = f"unknown key {inner!r} in {name}{suggest_key(inner, known)}"
                        self.add((name, inner), text, key=True)

    def check_values(self) -> None:
        """Report values of a wrong type."""
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


def _choices(schemas: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for schema in schemas:
        yield from schema.get("enum", ())


def suggest_key(name: str, known: Iterable[str]) -> str:
    """Return a hint with the key that was probably meant."""
    hint = suggest_name(name, known)
    if hint:
        return hint
    inside = [key for key in KEYS if key.name == name]
    if inside:
        return f". Did you mean {inside[0].title}?"
    if name in BY_NAME:
        return f". {name} belongs to the top level"
    if len(names := sorted(known)) > MAX_NAMES:  # the top level
        return ". Parameters of the model belong in the section model"
    return f". Expected one of: {', '.join(names)}"

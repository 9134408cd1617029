"""Read a YAML file into plain values, with the line and column of each one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from sktrainer.exceptions import InputError
from sktrainer.files.paths import as_path

KeyPath = tuple[str | int, ...]

MAX_BYTES = 1_000_000
# A file of a few lines can contain billions of values through nested aliases.
MAX_VALUES = 10_000
MAX_DEPTH = 30

_PREFIX = "tag:yaml.org,2002:"

# Messages of the parser that do not say how to fix the file.
_EXPLANATIONS = (
    (r"found character '\\t'", "tabs cannot indent lines. Use spaces"),
    (
        r"mapping values are not allowed",
        "unexpected ':'. Put a value that contains ': ' in quotes",
    ),
    (r"could not find expected ':'", "expected 'key: value'. Add the ':' and a space"),
    (
        r"found undefined alias",
        "'*' refers to a name that is not defined. Put the value in quotes",
    ),
    (r"expected <block end>", "unexpected indentation. Indent keys of one section equally"),
    (r"found unexpected end of stream", "a quote or bracket is not closed. Close it"),
    (r"expected ',' or", "a bracket is not closed, or a comma is missing. Add it"),
    (r"cannot start any token", "a value cannot start with this character. Put it in quotes"),
)


@dataclass(frozen=True)
class Document:
    """Nested plain values, and where each one was set.

    Attributes
    ----------
    values : dict
    source : str
        Name of the file for messages. Empty for a dict.
    folder : Path
        Folder that relative paths in the values refer to.
    places : dict
        Place of the value at each path of keys, such as "run.yaml:7:15".
    key_places : dict
        The same for the key itself.
    """

    values: dict[str, Any]
    source: str = ""
    folder: Path = field(default_factory=Path)
    places: Mapping[KeyPath, str] = field(default_factory=dict)
    key_places: Mapping[KeyPath, str] = field(default_factory=dict)

    def place(self, path: KeyPath, *, key: bool = False) -> str:
        """Return the place of a value or its key, or of the section if it was not set."""
        places = self.key_places if key else self.places
        while path and path not in places:
            path = path[:-1]
        return places.get(path, "")

    def problem(self, path: KeyPath, text: str, *, key: bool = False) -> str:
        """Return an error text that starts with the place."""
        place = self.place(path, key=key) or self.source
        return f"{place}: {text}" if place else text

    def without(self, path: KeyPath) -> Document:
        """Return a copy without a value."""
        *parents, name = map(str, path)
        values = section = dict(self.values)
        for key in parents:
            if not isinstance(section.get(key), Mapping):
                return self
            section[key] = section = dict(section[key])
        section.pop(name, None)
        return replace(self, values=values)

    def with_value(self, path: KeyPath, value: Any, place: str) -> Document:
        """Return a copy with another value, which was set at another place."""
        *parents, name = map(str, path)
        values = section = dict(self.values)
        for key in parents:
            inner = section.get(key)
            section[key] = section = dict(inner) if isinstance(inner, Mapping) else {}
        section[name] = value
        places = {p: at for p, at in self.places.items() if p[: len(path)] != path}
        return replace(
            self,
            values=values,
            places={**places, path: place},
            key_places={**self.key_places, path: place},
        )


def read_document(source: str | Path) -> Document:
    """Read a YAML file. It can hold plain values only, and no code is run.

    Raises
    ------
    InputError
        If the file does not exist or is not valid. The message has the line and column.
    """
    path = as_path(source)
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected a YAML file")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        hint = "Create one with: sktrainer init"
        raise InputError(f"the configuration {str(path)!r} does not exist. {hint}") from None
    if len(raw) > MAX_BYTES:
        raise InputError(f"{path} has {len(raw):,} bytes, expected at most {MAX_BYTES:,}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place(raw[: error.start].decode("latin-1"))
        raise InputError(f"{path}:{place}: not text in UTF-8. Save the file as UTF-8") from None
    return parse_document(text, source=str(source), folder=path.parent)


def _place(before: str) -> str:
    """Return line and column of the character after a text."""
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def parse_document(text: str, *, source: str = "", folder: Path | None = None) -> Document:
    r"""Parse YAML text.

    Examples
    --------
    >>> document = parse_document("model:\n  name: forest", source="run.yaml")
    >>> document.values, document.place(("model", "name"))
    ({'model': {'name': 'forest'}}, 'run.yaml:2:9')
    """
    try:
        nodes = list(yaml.compose_all(text, Loader=PlainLoader))
    except yaml.MarkedYAMLError as error:
        raise InputError(_syntax_problem(error, source)) from None
    except ReaderError as error:
        what = f"unacceptable character #x{error.character:04x}. Remove it"
        raise InputError(f"{source}:{_place(text[: error.position])}: {what}") from None
    except RecursionError:
        raise InputError(f"{source}:1:1: the values are nested too deeply") from None
    folder = Path() if folder is None else folder
    if not nodes or nodes[0] is None:
        return Document({}, source, folder)
    reader = _NodeReader(source)
    if len(nodes) > 1:
        reader.add(nodes[1], "a second document starts here. Remove the line '---'")
    if not isinstance(nodes[0], yaml.MappingNode):
        reader.add(nodes[0], "expected 'key: value' lines, such as 'test_size: 0.2'")
        raise InputError(reader.problems)
    values = reader.read(nodes[0], ())
    if reader.problems:
        raise InputError([*dict.fromkeys(reader.problems)])
    return Document(values, source, folder, reader.places, reader.key_places)


def as_document(config: Mapping[str, Any]) -> Document:
    """Return a nested dict as a document. The dict is copied."""

    def copied(value: Any, depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            raise InputError(f"the configuration is nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, Mapping):
            return {key: copied(each, depth + 1) for key, each in value.items()}
        return [copied(v, depth + 1) for v in value] if isinstance(value, list) else value

    return Document(copied(config), places=_DottedPlaces(), key_places=_DottedPlaces())


def parse_value(text: str) -> Any:
    """Parse one value as it would be read from a file.

    Raises
    ------
    InputError
        If the text is not valid YAML.

    Examples
    --------
    >>> parse_value("1e-3"), parse_value("true"), parse_value("[1, 2]"), parse_value("a b")
    (0.001, True, [1, 2], 'a b')
    """
    try:
        node = yaml.compose(text, Loader=PlainLoader)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or str(error)
        raise InputError(
            f"{text!r} is not a valid value: {problem}. Put it in quotes"
        ) from None
    reader = _NodeReader("")
    value = None if node is None else reader.read(node, ())
    if reader.problems:
        raise InputError(reader.problems)
    return value


class _DottedPlaces(dict[KeyPath, str]):
    """Places in a dict: the keys, separated by dots, for keys inside of sections."""

    def __contains__(self, path: object) -> bool:
        return isinstance(path, tuple) and len(path) > 1

    def get(self, path: KeyPath, default: Any = None) -> Any:
        return ".".join(map(str, path[:-1])) if len(path) > 1 else default


class PlainLoader(yaml.SafeLoader):
    """Loader with the scalars of YAML 1.2: no dates, `yes` is a string, `1e-3` is a number."""


PlainLoader.yaml_implicit_resolvers = {}


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
):
    PlainLoader.add_implicit_resolver(
        _PREFIX + _tag,
        re.compile(rf"(?:{_pattern})\Z"),
        ["" if c == "\0" else c for c in _first],
    )


class _NodeReader:
    """Converts nodes to plain values, and collects places and problems."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.places: dict[KeyPath, str] = {}
        self.key_places: dict[KeyPath, str] = {}
        self.problems: list[str] = []
        self.n_values = 0

    def at(self, node: yaml.Node) -> str:
        mark = node.start_mark
        return f"{self.source}:{mark.line + 1}:{mark.column + 1}" if self.source else ""

    def add(self, node: yaml.Node, text: str) -> None:
        self.problems.append(f"{at}: {text}" if (at := self.at(node)) else text)

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        self.n_values += 1
        if self.n_values > MAX_VALUES or len(path) > MAX_DEPTH:
            # Raised at once, because collecting problems would take forever.
            limit = f"more than {MAX_VALUES:,} values or {MAX_DEPTH} levels"
            place = self.at(node)
            text = f"{limit}, perhaps through aliases ('*name'). Write the values out"
            raise InputError(f"{place}: {text}" if place else text)
        self.places[path] = self.at(node)
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, path))
        if isinstance(node, yaml.SequenceNode):
            if node.tag != _PREFIX + "seq":
                self._refuse_tag(node)
            return [self.read(each, (*path, i)) for i, each in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node)

    def _items(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, Any]]:
        if node.tag != _PREFIX + "map":
            self._refuse_tag(node)
        seen: set[str] = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.add(key_node, "a key must be a name")
                continue
            key = str(key_node.value)
            if key == "<<" and key_node.style is None:
                self.add(key_node, "'<<' (merge) is not supported. Write the keys out")
            elif key in seen:
                self.add(key_node, f"{key!r} is set twice. Remove one of the two")
            else:
                seen.add(key)
                self.key_places[(*path, key)] = self.at(key_node)
                yield key, self.read(value_node, (*path, key))

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text, kind = node.value, node.tag.removeprefix(_PREFIX)
        try:
            match kind:
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    based = text[:2] in ("0x", "0o")
                    return int(text, 0) if based else int(text.replace("_", ""))
                case "float":
                    value = float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
                    if not math.isfinite(value):
                        self.add(node, f"{text} is not a finite number")
                    return value
                case "str":
                    return text
        except ValueError:
            self.add(node, f"{text[:30]!r} is not a valid {kind}")
            return None
        self._refuse_tag(node)
        return None

    def _refuse_tag(self, node: yaml.Node) -> None:
        tag = node.tag.replace(_PREFIX, "!!")
        self.add(
            node, f"the tag {tag!r} is not supported. Remove it; only plain values are read"
        )


def _syntax_problem(error: yaml.MarkedYAMLError, source: str) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
    message = f"{error.problem or ''}"
    for pattern, text in _EXPLANATIONS:
        if re.search(pattern, message):
            return f"{place}: {text}"
    return f"{place}: {message or error}"

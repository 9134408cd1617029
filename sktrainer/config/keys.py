"""Keys of a configuration file that are not parameters of `ManagedTrainer`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sktrainer.training.parameter_table import BOOL, NAMES, NULL, TEXT, Schema, integer


@dataclass(frozen=True)
class Key:
    """One key of a configuration file.

    Attributes
    ----------
    section : str
        Name of the section that contains the key. Empty for a key at the top level.
    name : str
    help : str
        What the key sets, in one sentence.
    expected : str
        The values that are accepted, for error messages.
    schemas : tuple of dict
        The same as JSON schemas.
    default : object
    option : str
        Name on the command line, if it is not the name of the key.
    is_path : bool
        Whether the value is a path, which may contain environment variables.
    """

    section: str
    name: str
    help: str
    expected: str
    schemas: tuple[Schema, ...]
    default: object = None
    option: str = ""
    is_path: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The keys that lead to the value."""
        return (self.section, self.name) if self.section else (self.name,)

    @property
    def title(self) -> str:
        """The keys, separated by a dot."""
        return ".".join(self.path)

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the value."""
        forms = [dict(form) for form in self.schemas]
        values = forms[0] if len(forms) == 1 else {"anyOf": forms}
        return {"description": self.help, "default": self.default, **values}

    def accepts(self, value: Any) -> bool:
        """Return whether the value is accepted."""
        return any(matches(value, schema) for schema in self.schemas)


STRATEGIES = {
    "kfold": "random",
    "stratified": "stratified",
    "group": "group",
    "timeseries": "time",
}
METHODS = ("smote", "undersample", "oversample", "class_weight")

SECTIONS = {
    "data": "The table and the meaning of its columns.",
    "model": "The model by name, and its parameters under their own names.",
    "cross_validation": "Cross-validation on the training rows, before the final fit.",
    "imbalance_handling": "What to do about imbalanced classes.",
    "early_stopping": "When to stop an iterative model; instead, true, false or auto.",
}

_DEFAULT_STRATEGY = "stratified"
_COLUMN = "a column name"

KEYS: tuple[Key, ...] = (
    Key("data", "path", "File with the rows.", "a path", (TEXT,), is_path=True),
    Key("data", "target", "Column to predict.", _COLUMN, (TEXT,)),
    Key(
        "data",
        "time_column",
        "Column of dates or numbers; test rows are the last ones.",
        _COLUMN,
        (TEXT, NULL),
    ),
    Key(
        "data",
        "group_column",
        "Column of groups; rows of one group stay together, and it is not a feature.",
        _COLUMN,
        (TEXT, NULL),
    ),
    Key("data", "weight_column", "Column of sample weights.", _COLUMN, (TEXT, NULL)),
    Key(
        "data",
        "drop_columns",
        "Columns that are not features, such as identifiers.",
        "a list of column names",
        (NAMES, {"type": "array", "maxItems": 0}),
        (),
        "--drop",
    ),
    Key(
        "model",
        "name",
        "Short name, name in a Python file (FILE.py:NAME), or package.module:NAME.",
        "the name of a model",
        (TEXT,),
        option="--model",
    ),
    Key(
        "",
        "stratify",
        "Keep the class proportions in every set; times and groups take precedence.",
        "true or false",
        (BOOL,),
        True,
    ),
    Key(
        "cross_validation",
        "enabled",
        "Whether to cross-validate.",
        "true or false",
        (BOOL,),
        True,
    ),
    Key(
        "cross_validation",
        "folds",
        "Number of folds.",
        "an integer of at least 2",
        (integer(2),),
        5,
    ),
    Key(
        "cross_validation",
        "strategy",
        "How rows are split, for folds, test rows and validation rows.",
        ", ".join(STRATEGIES),
        ({"enum": [*STRATEGIES]},),
        _DEFAULT_STRATEGY,
    ),
    Key(
        "imbalance_handling",
        "auto_detect",
        "Whether to apply the method only if the classes are imbalanced.",
        "true or false",
        (BOOL,),
        True,
    ),
    Key(
        "imbalance_handling",
        "method",
        "The method; null: none.",
        ", ".join(METHODS) + " or null",
        ({"enum": [*METHODS]}, NULL),
        "class_weight",
    ),
    Key(
        "early_stopping",
        "enabled",
        "Whether to stop early; auto: boosting and networks.",
        "true, false or auto",
        (BOOL, {"enum": ["auto"]}),
        "auto",
    ),
    Key(
        "early_stopping",
        "rounds",
        "Rounds or epochs without improvement before the fit stops.",
        "an integer of at least 1",
        (integer(1),),
    ),
    Key("", "save_model", "Whether to save the model.", "true or false", (BOOL,), True),
    Key(
        "",
        "save_path",
        "Folder of a model store, or a file that ends in .skt, .joblib or .pkl.",
        "a path",
        (TEXT,),
        "models/",
        "--out",
        is_path=True,
    ),
    Key(
        "",
        "report",
        "HTML file that the report is written to.",
        "a path that ends in .html",
        ({"type": "string", "pattern": r"\.html?$"}, NULL),
        is_path=True,
    ),
)

KEY_BY_PATH: dict[tuple[str, ...], Key] = {key.path: key for key in KEYS}


def matches(value: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a value matches one of the JSON schemas in `KEYS`.

    Examples
    --------
    >>> matches(3, {"type": "integer", "minimum": 2}), matches(True, {"type": "integer"})
    (True, False)
    """
    if "enum" in schema:
        return isinstance(value, str) and value in schema["enum"]
    match schema["type"]:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            is_integer = isinstance(value, int) and not isinstance(value, bool)
            return is_integer and value >= schema.get("minimum", value)
        case "array":
            few = isinstance(value, list) and len(value) <= schema.get("maxItems", len(value))
            return few and all(matches(each, schema.get("items", {})) for each in value)
        case _:
            import re

            return (
                isinstance(value, str)
                and value != ""
                and re.search(schema.get("pattern", ""), value) is not None
            )

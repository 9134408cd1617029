"""Table of the parameters of `ManagedTrainer` that a file or a command can set.

Configuration files, the command line, the JSON schema and the reference page are made from
it. It imports no library, so that the command line can show its help at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

BOOL: Schema = {"type": "boolean"}
NULL: Schema = {"type": "null"}
TEXT: Schema = {"type": "string", "minLength": 1}
FRACTION: Schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
NAMES: Schema = {"type": "array", "items": TEXT, "minItems": 1}


def integer(minimum: int) -> Schema:
    """Return the JSON schema of an integer of at least `minimum`."""
    return {"type": "integer", "minimum": minimum}


@dataclass(frozen=True)
class Parameter:
    """One parameter, with the values that can be written in a file.

    Attributes
    ----------
    name : str
    default : object
        The default of `ManagedTrainer`.
    help : str
        What the parameter does, in one sentence.
    choices : tuple of str
        Strings that are accepted.
    schemas : tuple of dict
        JSON schemas of the other values that are accepted.
    option : str
        Another name on the command line.
    """

    name: str
    default: object
    help: str
    choices: tuple[str, ...] = ()
    schemas: tuple[Schema, ...] = ()
    option: str = ""

    @property
    def shown_option(self) -> str:
        """Shortest name of the option on the command line."""
        return self.option or f"--{self.name.replace('_', '-')}"

    @property
    def is_flag(self) -> bool:
        """Whether the option has no value; a dict for `audit` needs a file."""
        return not self.choices and BOOL in self.schemas

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of all values that a file can set."""
        listed = ({"enum": [*self.choices]},) if self.choices else ()
        forms = [dict(form) for form in (*listed, *self.schemas)]
        values = forms[0] if len(forms) == 1 else {"anyOf": forms}
        return {"description": self.help, "default": self.default, **values}


_IMBALANCE = ("class_weight", "smote", "oversample", "undersample")


CHECKPOINT: Schema = {
    "type": "object",
    "required": ["folder"],
    "additionalProperties": False,
    "properties": {
        "folder": TEXT,
        "every": {"anyOf": [integer(1), NULL]},
        "seconds": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, NULL]},
        "keep": integer(1),
        "per_fit": BOOL,
    },
}

AUDIT: Schema = {
    "type": "object",
    "required": ["ignore"],
    "additionalProperties": False,
    "properties": {"ignore": {"type": "array", "items": TEXT}},
}

TRACKERS: Schema = {
    "type": "array",
    "items": {
        "anyOf": [
            {"enum": ["jsonl", "mlflow", "wandb"]},
            {
                "type": "object",
                "required": ["name"],
                "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
                "properties": {"name": {"enum": ["jsonl", "mlflow", "wandb"]}},
            },
        ]
    },
}

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "task",
        "auto",
        "Kind of target; auto: the model's task, or inferred from the values of the target.",
        ("auto", "classification", "regression"),
    ),
    Parameter(
        "preprocessor",
        "auto",
        "auto: the encoding that this model needs for these columns; null: none.",
        ("auto",),
        (NULL,),
    ),
    Parameter(
        "categorical_encoding",
        "auto",
        "Encoding of categorical columns.",
        ("auto", "native", "onehot", "ordinal", "target"),
    ),
    Parameter(
        "scaling",
        "auto",
        "Whether to scale the columns; auto: if the model is sensitive to scale.",
        ("auto",),
        (BOOL,),
    ),
    Parameter(
        "handle_imbalance",
        None,
        "What to do about imbalanced classes, in the training rows only; auto: weight the "
        "classes if they are imbalanced, auto_smote and so on: resample them in this case.",
        ("auto", *_IMBALANCE, *(f"auto_{name}" for name in _IMBALANCE if name[0] != "c")),
        (NULL,),
        "--imbalance",
    ),
    Parameter(
        "correct_probabilities",
        False,
        "Correct predicted probabilities for the shift that resampling or weights cause.",
        (),
        (BOOL,),
    ),
    Parameter(
        "pos_label",
        "auto",
        "Positive class of precision, recall and F1; auto: 1 or true, else the rarer class.",
        ("auto",),
        ({"type": ["string", "number", "boolean"]},),
    ),
    Parameter(
        "split",
        "auto",
        "How test rows, validation rows and folds are drawn; auto: by time with time_column, "
        "by group with groups, stratified for classes, otherwise random.",
        ("auto", "random", "stratified", "group", "time"),
    ),
    Parameter(
        "time_column",
        None,
        "Column of dates or numbers that orders the rows; test rows are the last ones.",
        (),
        ({"type": ["string", "integer"]}, NULL),
    ),
    Parameter(
        "gap",
        0,
        "Rows, or a duration such as 7D, left out before each test set of a time split.",
        (),
        (integer(0), TEXT),
    ),
    Parameter(
        "shuffle",
        True,
        "Shuffle the rows before a random or stratified split.",
        (),
        (BOOL,),
    ),
    Parameter(
        "test_size",
        None,
        "Fraction or number of rows held out for the test scores.",
        (),
        (FRACTION, integer(1), NULL),
    ),
    Parameter(
        "validation_size",
        "auto",
        "Fraction or number of rows held out for early stopping; cv: choose the number of "
        "rounds by inner folds.",
        ("auto", "cv"),
        (FRACTION, integer(1), NULL),
    ),
    Parameter(
        "cv",
        None,
        "Number of cross-validation folds.",
        (),
        (integer(2), NULL),
    ),
    Parameter(
        "scoring",
        None,
        "Scorer names for the scores; null: a set of common metrics for the task.",
        (),
        (
            TEXT,
            NAMES,
            {"type": "object", "additionalProperties": TEXT, "minProperties": 1},
            NULL,
        ),
    ),
    Parameter(
        "early_stopping",
        "auto",
        "Stop when the validation metric no longer improves; auto: boosting and networks.",
        ("auto",),
        (BOOL,),
    ),
    Parameter(
        "eval_metric",
        "loss",
        "Metric monitored on the validation rows: the model's own loss, or a scorer name.",
        (),
        (TEXT,),
    ),
    Parameter(
        "n_iter_no_change",
        None,
        "Iterations without improvement before the fit stops; null: the model's own patience, "
        "or 50.",
        (),
        (integer(1), NULL),
        "--patience",
    ),
    Parameter(
        "tol",
        0.0,
        "Minimum improvement of the monitored metric.",
        (),
        ({"type": "number", "minimum": 0},),
    ),
    Parameter(
        "refit",
        False,
        "Fit again on training and validation rows for the best number of rounds.",
        (),
        (BOOL,),
    ),
    Parameter(
        "n_retries",
        0,
        "Retries with other seeds after a fit that failed or diverged.",
        (),
        (integer(0),),
    ),
    Parameter(
        "audit",
        True,
        "Check the data for leakage and mistakes before training.",
        (),
        (BOOL, AUDIT),
    ),
    Parameter(
        "random_state",
        None,
        "Seed of everything that is random.",
        (),
        (integer(0), NULL),
        "--seed",
    ),
    Parameter(
        "n_jobs",
        None,
        "Folds fitted in parallel; -1: one per core.",
        (),
        ({"type": "integer", "not": {"const": 0}}, NULL),
    ),
    Parameter(
        "checkpoint",
        None,
        "Folder from which a run that was killed resumes.",
        (),
        (TEXT, CHECKPOINT, NULL),
    ),
    Parameter(
        "device",
        "auto",
        "Device to train on: auto, cpu, cuda, cuda:1 or mps.",
        ("auto", "cpu", "cuda", "mps"),
        ({"type": "string", "pattern": r"^cuda:\d+$"},),
    ),
    Parameter(
        "trackers",
        (),
        "Where to record the run: jsonl, mlflow, wandb.",
        (),
        (TRACKERS,),
        "--tracker",
    ),
    Parameter(
        "verbose",
        0,
        "0: silent; 1: stages and scores; 2: every iteration.",
        (),
        ({"type": "integer", "minimum": 0, "maximum": 2},),
    ),
)

# Defaults of `train_model`, configuration files and the command line that differ.
RUN_DEFAULTS: dict[str, object] = {
    "handle_imbalance": "auto",
    "test_size": 0.2,
    "random_state": 42,
    "verbose": 1,
}

BY_NAME: dict[str, Parameter] = {parameter.name: parameter for parameter in PARAMETERS}

"""Messages in the words of the command line: options instead of Python arguments."""

from __future__ import annotations

import ast
import re
import shlex

from sktrainer.training.parameter_table import PARAMETERS

_OPTIONS = {p.name: p.shown_option for p in PARAMETERS}
_FLAGS = {p.name for p in PARAMETERS if p.is_flag}
_LITERAL = r"'[^']*'|\"[^\"]*\"|True|False|None|-?\d+(?:\.\d+)?(?:e-?\d+)?"

#: A parameter of the trainer or of the model with a value, such as test_size=0.2. A list of
#: values, such as "split='group' or 'time'", keeps its quotes.
_ASSIGNMENT = re.compile(
    rf"(?<![\w.-])(?:estimator__(\w+)|({'|'.join(_OPTIONS)}))=({_LITERAL})"
    r"(?![\w([])((?:,| or) ['\"])?"
)
_DROP = re.compile(r"X\.drop\(columns=(\[.*?\])\)")
_GROUPS = re.compile(r"groups=X\[('[^']*'|\"[^\"]*\")\] to fit")

#: Calls without a value that an option has.
_PHRASES = {
    " and drop the column": "",  # --group-column leaves it out
    "audit={'ignore': ['SKT101']}": "audit: {ignore: [SKT101]} in the file of --config",
    "pass groups= that keep copies": "pass a --group-column that keeps copies",
    "X.drop_duplicates()": "pandas.DataFrame.drop_duplicates",
    "Use a regressor, or pass y.astype(str) if the numbers are labels": "Use --task "
    "regression, unless the numbers are labels",
    "Pass fit(X, y, groups=...)": "Pass --group-column COLUMN",
    "Use a classifier": "Use --task classification",
}


def one_line(text: str) -> str:
    r"""Return a message as one line that names options in place of Python arguments.

    Examples
    --------
    >>> one_line("Wrong values:\n- test_size=1.5\n- early_stopping=True\n")
    'Wrong values: - --test-size 1.5 - --early-stopping true'
    >>> one_line("Drop it with X.drop(columns=['id', 'net price'])")
    "Drop it with --drop id --drop 'net price'"
    """
    text = " ".join(text.split())
    text = _GROUPS.sub(lambda found: f"--group-column {_quoted(found[1])}", text)
    for phrase, replacement in _PHRASES.items():
        text = text.replace(phrase, replacement)
    text = _DROP.sub(_drop_options, text)
    return _ASSIGNMENT.sub(_option, text)


def _quoted(literal: str) -> str:
    return shlex.quote(str(ast.literal_eval(literal)))


def _drop_options(found: re.Match[str]) -> str:
    names = ast.literal_eval(found[1])
    return " ".join(f"--drop {shlex.quote(str(name))}" for name in names)


def _option(found: re.Match[str]) -> str:
    model_parameter, name, value, more = found.groups(default="")
    if name in _FLAGS and value in ("True", "False"):
        return f"--{'no-' * (value == 'False')}{_OPTIONS[name][2:]}{more}"
    if value in ("True", "False", "None"):
        value = value.lower()
    elif value[0] in "'\"" and not more:
        value = _quoted(value)
    name = f"--set {model_parameter}=" if model_parameter else f"{_OPTIONS[name]} "
    return f"{name}{value}{more}"

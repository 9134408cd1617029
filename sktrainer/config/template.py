"""Commented configuration file, as a start for the user's own."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from sktrainer.config.keys import KEYS, SECTIONS
from sktrainer.config.writer import to_yaml
from sktrainer.training.parameter_table import BY_NAME, PARAMETERS, RUN_DEFAULTS

WIDTH = 88

# Values that are set in the file. All other keys are comments.
_SET: dict[str, Any] = {
    "data": {"path": "data.csv", "target": "target"},
    "model": {"name": "hgb"},
    "test_size": 0.2,
    "validation_size": "auto",
    "stratify": True,
    "shuffle": True,
    "random_state": 42,
    "cross_validation": {"enabled": False, "folds": 5, "strategy": "stratified"},
    "imbalance_handling": {"auto_detect": True, "method": "class_weight"},
    "early_stopping": {"enabled": "auto", "rounds": 50},
    "save_model": True,
    "save_path": "models/",
    "report": "report.html",
    "verbose": 1,
}

# Set by a section above.
_IN_SECTIONS = ("cv", "handle_imbalance", "n_iter_no_change", "time_column", "split")


def template(values: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    r"""Return a commented configuration file.

    `values` of keys in sections replace those of the template.

    Examples
    --------
    >>> print("\n".join(template({"data": {"path": "loans.csv"}}).splitlines()[:4]))
    # Configuration of a training run. Start it with: sktrainer train --config FILE
    # Relative paths refer to the folder of this file.
    <BLANKLINE>
    # The table and the meaning of its columns.
    """
    return "\n".join(_lines(values or {}))


def _lines(values: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "# Configuration of a training run. Start it with: sktrainer train --config FILE"
    yield "# Relative paths refer to the folder of this file."
    helps = {key.name: key.help for key in KEYS if not key.section}
    for name, default in _SET.items():
        yield ""
        if name not in SECTIONS:
            yield from _comment(helps.get(name) or BY_NAME[name].help)
            yield _entry(name, default)
            continue
        yield from _comment(SECTIONS[name])
        yield f"{name}:"
        section = {**default, **values.get(name, {})}
        for key in KEYS:
            if key.section == name:
                yield from _comment(key.help, "  ")
                if key.name in section:
                    yield f"  {_entry(key.name, section[key.name])}"
                else:
                    yield f"  # {_entry(key.name, key.default)}"
        for parameter in section.keys() - {key.name for key in KEYS if key.section == name}:
            yield f"  {_entry(parameter, section[parameter])}"
    yield ""
    yield from _comment("Further parameters, with their defaults:")
    for parameter in PARAMETERS:
        if parameter.name not in (*_SET, *_IN_SECTIONS):
            yield ""
            yield from _comment(parameter.help)
            default = RUN_DEFAULTS.get(parameter.name, parameter.default)
            yield f"# {_entry(parameter.name, default)}"
    yield ""


def _entry(name: str, value: Any) -> str:
    if value in ((), []):
        return f"{name}: []"
    return to_yaml({name: value}).strip()


def _comment(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
    )

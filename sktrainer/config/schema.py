"""JSON schema of configuration files, for completion and checks in editors."""

from __future__ import annotations

from typing import Any

from sktrainer.config.keys import KEYS, SECTIONS
from sktrainer.training.parameter_table import PARAMETERS, RUN_DEFAULTS, TEXT


def config_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a configuration file.

    Examples
    --------
    >>> schema = config_schema()
    >>> schema["properties"]["cross_validation"]["properties"]["folds"]["minimum"]
    2
    """
    properties: dict[str, Any] = {section: _section(section) for section in SECTIONS}
    for key in KEYS:
        if not key.section:
            properties[key.name] = key.schema
    for parameter in PARAMETERS:
        default = RUN_DEFAULTS.get(parameter.name, parameter.default)
        schema = {**parameter.schema, "default": default}
        if parameter.name in SECTIONS:  # `early_stopping` is a parameter and a section
            schema = {"anyOf": [schema, properties[parameter.name]]}
        properties[parameter.name] = schema
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sktrainer configuration",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _section(name: str) -> dict[str, Any]:
    keys = {key.name: key.schema for key in KEYS if key.section == name}
    section = {"type": "object", "properties": keys, "additionalProperties": False}
    if name == "model":  # its other keys are the parameters of the model
        section |= {"additionalProperties": True, "required": ["name"]}
        return {"description": SECTIONS[name], "anyOf": [section, dict(TEXT)]}
    return {"description": SECTIONS[name], **section}

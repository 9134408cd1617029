"""JSON schema: valid, complete, and in agreement with the reader."""

from __future__ import annotations

import re

import jsonschema
import pytest

from sktrainer import ParameterError
from sktrainer.config.document import parse_document
from sktrainer.config.keys import KEYS
from sktrainer.config.reader import make_config
from sktrainer.config.schema import config_schema
from sktrainer.config.template import template
from sktrainer.training.parameter_table import BY_NAME

VALIDATOR = jsonschema.Draft202012Validator(config_schema())


def test_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(config_schema())


def test_template_is_valid_with_every_key_set() -> None:
    names = {*BY_NAME, *(key.name for key in KEYS)}

    def set_key(match: re.Match[str]) -> str:
        indent, name, value = match.groups()
        is_entry = name in names and value != "null"
        return f"{indent}{name}: {value}" if is_entry else match[0]

    text = re.sub(r"^( *)# (\w+): (.*)$", set_key, template(), flags=re.MULTILINE)
    values = parse_document(text).values
    assert set(values) >= {*BY_NAME} - {
        "cv",
        "handle_imbalance",
        "n_iter_no_change",
        "split",
    } - {
        "time_column",
        "scoring",
        "n_jobs",
        "checkpoint",
    }
    VALIDATOR.validate(values)
    make_config(parse_document(text))


@pytest.mark.parametrize(
    "config",
    [
        "tset_size: 0.2",
        "data: {pth: a.csv}",
        "model: {n_estimators: 5}",
        "stratify: yes",
        "cross_validation: {folds: 1}",
        "cross_validation: {strategy: stratifid}",
        "imbalance_handling: smote",
        "early_stopping: {rounds: 0}",
        "early_stopping: sometimes",
        "test_size: 1.5",
        "report: r.pdf",
        "checkpoint: {every: 5}",
    ],
)
def test_schema_and_reader_refuse_the_same(config: str) -> None:
    document = parse_document(config)
    assert not VALIDATOR.is_valid(document.values)
    with pytest.raises(ParameterError):
        make_config(document)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.title)
def test_every_key_has_a_description(key) -> None:
    properties = config_schema()["properties"]
    if key.section:
        section = properties[key.section]
        forms = section.get("anyOf", [section])
        properties = next(form["properties"] for form in forms if "properties" in form)
    assert properties[key.name]["description"] == key.help

"""The table of parameters agrees with the trainer, the functions and the rules for values."""

from __future__ import annotations

import inspect
import itertools

import jsonschema
import pytest

from sktrainer import Checkpoint, ManagedTrainer, train_model
from sktrainer.training.parameter_table import BY_NAME, PARAMETERS, RUN_DEFAULTS
from sktrainer.training.parameters import TrainerParams, parameter_problems

SIGNATURE = inspect.signature(ManagedTrainer).parameters

# Values of every type that a YAML file can contain, and every choice of a parameter.
VALUES = [
    *(None, True, False, -1, 0, 1, 2, 3, 50, 0.2, 1.5, -0.5),
    *("", "a", "7D", "cuda:1", "cuda:x", "accuracy", "1"),
    *([], ["accuracy"], ["accuracy", "f1"], [1], {}, {"f": "f1"}, {"ignore": ["SKT101"]}),
    *({"folder": "runs/a"}, {"folder": "runs/a", "every": 0}, {"every": 5}),
]


def test_table_contains_every_parameter_in_the_order_of_the_trainer() -> None:
    python_only = {"estimator", "callbacks"}
    assert [p.name for p in PARAMETERS] == [n for n in SIGNATURE if n not in python_only]


@pytest.mark.parametrize("name", BY_NAME)
def test_defaults_are_those_of_the_trainer(name: str) -> None:
    assert BY_NAME[name].default == SIGNATURE[name].default
    assert type(BY_NAME[name].default) is type(SIGNATURE[name].default)


@pytest.mark.parametrize("name", RUN_DEFAULTS)
def test_defaults_of_runs_are_those_of_train_model(name: str) -> None:
    assert RUN_DEFAULTS[name] == inspect.signature(train_model).parameters[name].default


def test_option_names_are_unique() -> None:
    options = [p.option for p in PARAMETERS if p.option]
    options += [f"--{p.name.replace('_', '-')}" for p in PARAMETERS]
    assert len(options) == len(set(options))


def _accepted_by_schema(name: str, value: object) -> bool:
    return jsonschema.Draft202012Validator(BY_NAME[name].schema).is_valid(value)


def _accepted_by_rules(name: str, value: object) -> bool:
    if name == "checkpoint" and isinstance(value, dict):
        if "folder" not in value:
            return False
        value = Checkpoint(**value)
    return not parameter_problems(TrainerParams(None, **{name: value}))


# Only Python can pass a list of (train, test) pairs, or a NumPy bool.
PYTHON_ONLY = {("cv", list), ("verbose", bool)}

# Whether a duration or a scorer exists is checked by its library, not by the schema.
UNCHECKED = {
    ("gap", str),
    ("scoring", str),
    ("scoring", list),
    ("scoring", dict),
    ("eval_metric", str),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_schema_and_rules_accept_the_same_values(name: str) -> None:
    values = [*VALUES, *itertools.chain.from_iterable(p.choices for p in PARAMETERS)]
    for value in values:
        if (name, type(value)) in PYTHON_ONLY:
            continue
        by_rules = _accepted_by_rules(name, value)
        if by_rules or (name, type(value)) not in UNCHECKED:
            assert _accepted_by_schema(name, value) == by_rules, (name, value)

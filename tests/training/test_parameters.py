"""Rules for the values of the trainer's parameters."""

from __future__ import annotations

import inspect
from dataclasses import fields
from datetime import timedelta

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import KFold

from sktrainer import ManagedTrainer
from sktrainer.training.parameters import (
    CHOICES,
    TrainerParams,
    parameter_problems,
)
from sktrainer.training.scorer_parameters import METRIC_ALIASES


def test_parameters_and_defaults_equal_those_of_the_trainer():
    signature = inspect.signature(ManagedTrainer).parameters.values()
    theirs = {p.name: p.default for p in signature if p.name != "estimator"}
    ours = {f.name: f.default for f in fields(TrainerParams)}
    own = {"estimator": ours["estimator"], "output": None, "parent_id": None}
    assert {**theirs, **own} == ours


def test_default_values_are_valid():
    assert parameter_problems(TrainerParams(Ridge())) == {}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *[("test_size", bad, "a fraction between 0 and 1") for bad in (0, 0.0, 1.0, -1, True)],
        *[("validation_size", bad, "a number of rows") for bad in (1.5, "0.2", float("nan"))],
        *[("cv", bad, "a number of folds of at least 2") for bad in (0, -3, True, 2.5, "five")],
        ("cv", KFold, "a splitter"),
        ("split", "stratifed", "Did you mean 'stratified'"),
        ("split", "splitter", "or a splitter"),
        ("split", 3, "or a splitter"),
        ("split", KFold, "or a splitter"),
        *[("n_jobs", bad, "an integer other than 0") for bad in (0, 1.5, "two", True)],
        ("scoring", ["accuracy", "accuracy"], "contains a scorer twice"),
        ("scoring", [], "at least one scorer"),
        ("scoring", {1: "accuracy"}, "at least one scorer"),
        *[("gap", bad, "'7D' or a timedelta") for bad in (-1, 1.5, True, "7", "a week", "-1D")],
        ("eval_metric", "auc", "Did you mean 'roc_auc'"),
        ("handle_imbalance", "adasyn", "'oversample'"),
    ],
)
def test_invalid_value_is_described(name, value, message):
    ((found, (problem,)),) = parameter_problems(TrainerParams(Ridge(), **{name: value})).items()
    assert found == name
    assert message in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("test_size", np.float32(0.5)),
        ("test_size", np.int64(3)),
        ("validation_size", None),
        ("cv", [(np.arange(3), np.arange(3, 6))]),
        ("cv", KFold()),
        ("split", KFold()),
        *[("gap", good) for good in (7, "7D", "12h", timedelta(1), np.timedelta64(3, "D"))],
        ("n_jobs", -1),
        ("verbose", True),
    ],
)
def test_valid_value_is_accepted(name, value):
    assert parameter_problems(TrainerParams(Ridge(), **{name: value})) == {}


def test_with_defaults_resets_only_the_named_parameters():
    params = TrainerParams(Ridge(), cv=3, tol=-1.0).with_defaults(["tol"])
    assert (params.cv, params.tol) == (3, 0.0)


def test_every_alias_maps_to_a_known_name():
    known = {*get_scorer_names(), *CHOICES["device"]}
    assert set(METRIC_ALIASES.values()) <= known
    assert not set(METRIC_ALIASES) & known

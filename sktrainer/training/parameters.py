"""Parameters of a trainer, and the rule for the value of each one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from sktrainer.callbacks.base import is_callback, is_fit_callback
from sktrainer.checkpoints.schedule import with_per_fit
from sktrainer.data.audit.audit import audit_problems
from sktrainer.exceptions import describe_value, suggest_name
from sktrainer.runtime.devices import is_device_name
from sktrainer.splitting.plan import gap_duration
from sktrainer.tracking.registry import tracker_problems
from sktrainer.training.parameter_table import PARAMETERS
from sktrainer.training.scorer_parameters import (
    METRIC_ALIASES,
    eval_metric_problems,
    scoring_problems,
)


@dataclass(frozen=True)
class TrainerParams:
    """Parameters of a trainer as the user set them; `ManagedTrainer` documents them.

    The defaults equal those of `ManagedTrainer`. `output` is the output container of the
    steps, as passed to `set_output`, and `parent_id` what the fits of a search have in common.
    """

    estimator: Any
    task: str = "auto"
    preprocessor: Any = "auto"
    categorical_encoding: str = "auto"
    scaling: bool | str = "auto"
    handle_imbalance: Any = None
    correct_probabilities: bool = False
    pos_label: Any = "auto"
    split: Any = "auto"
    time_column: str | int | None = None
    gap: Any = 0
    shuffle: bool = True
    test_size: float | int | None = None
    validation_size: float | int | str | None = "auto"
    cv: Any = None
    scoring: Any = None
    early_stopping: bool | str = "auto"
    eval_metric: Any = "loss"
    n_iter_no_change: int | None = None
    tol: float = 0.0
    refit: bool = False
    n_retries: int = 0
    audit: Any = True
    random_state: Any = None
    n_jobs: int | None = None
    checkpoint: Any = None
    device: str = "auto"
    trackers: Sequence[object] = ()
    callbacks: Any = ()
    verbose: int = 0
    output: str | None = None
    parent_id: str | None = None

    def values(self) -> dict[str, Any]:
        """Return the values by name that describe the fit.

        Without the estimator, the output container, the trackers and the callbacks.
        """
        others = {"estimator", "output", "parent_id", "trackers", "callbacks"}
        names = sorted({field.name for field in fields(self)} - others)
        return {name: getattr(self, name) for name in names}

    def with_defaults(self, names: Iterable[str]) -> TrainerParams:
        """Return a copy in which these parameters have their default values."""
        defaults: dict[str, Any] = {field.name: field.default for field in fields(self)}
        return replace(self, **{name: defaults[name] for name in names})


def params_of(trainer: Any) -> TrainerParams:
    """Return the parameters of a trainer for one fit."""
    known = TrainerParams.__dataclass_fields__  # a subclass may have further parameters
    values = {n: v for n, v in trainer.get_params(deep=False).items() if n in known}
    private = vars(trainer)
    if private.get("_is_clone", False):
        values["checkpoint"] = with_per_fit(values["checkpoint"])
    output = private.get("_sklearn_output_config", {}).get("transform")
    return TrainerParams(**values, output=output, parent_id=private.get("_parent_id"))


# Parameters that `partial_fit` ignores, because it holds out no rows and does not stop early.
FIT_ONLY_PARAMS = (
    "split",
    "time_column",
    "gap",
    "test_size",
    "validation_size",
    "cv",
    "early_stopping",
    "refit",
    "audit",
)

CHOICES: dict[str, tuple[str, ...]] = {
    parameter.name: parameter.choices for parameter in PARAMETERS if parameter.choices
}


@dataclass(frozen=True)
class ParameterRule:
    """Constraint on one parameter: a description of valid values and the test for them."""

    expected: str
    accepts: Callable[[Any], bool]


def parameter_problems(params: TrainerParams) -> dict[str, list[str]]:
    """Return the problems of parameters with an invalid value, by parameter name.

    Each text has the expected value, the value received and the closest valid value.

    Examples
    --------
    >>> parameter_problems(TrainerParams(None, split="stratifed"))["split"][0]
    "split must be 'auto', 'random', 'stratified', 'group', 'time' or a splitter, got \
'stratifed'. Did you mean 'stratified'?"
    """
    problems = {}
    for name, rule in RULES.items():
        value = getattr(params, name)
        if not rule.accepts(value):
            hint = suggest_name(value, CHOICES.get(name, ()), METRIC_ALIASES)
            problems[name] = [
                f"{name} must be {rule.expected}, got {describe_value(value)}{hint}"
            ]
    for name, found in (
        ("scoring", scoring_problems(params.scoring)),
        ("eval_metric", eval_metric_problems(params.eval_metric)),
        ("checkpoint", _checkpoint_problems(params.checkpoint)),
        ("audit", audit_problems(params.audit)),
        ("trackers", tracker_problems(params.trackers)),
    ):
        if found:
            problems[name] = [*problems.get(name, ()), *found]
    return problems


def _listed(name: str, *more: str) -> str:
    words = [repr(choice) for choice in CHOICES.get(name, ())] + list(more)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _one_of(name: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in CHOICES[name]


def _either(*tests: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: any(test(value) for test in tests)


def _is_none(value: object) -> bool:
    return value is None


def _is_bool(value: object) -> bool:
    return isinstance(value, (bool, np.bool_))


def _is_int(value: object, at_least: int) -> bool:
    # bool is a subclass of int, and timedelta64 of NumPy's integers.
    others = (bool, np.bool_, np.timedelta64)
    return (
        isinstance(value, Integral) and not isinstance(value, others) and int(value) >= at_least
    )


def _is_size(value: object) -> bool:
    if isinstance(value, Integral):
        return _is_int(value, 1)
    return isinstance(value, Real) and not _is_bool(value) and 0.0 < float(value) < 1.0


def _has_attributes(*names: str) -> Callable[[Any], bool]:
    return lambda value: (
        not isinstance(value, (type, str)) and all(hasattr(value, name) for name in names)
    )


def _is_random_state(value: object) -> bool:
    generators = (np.random.RandomState, np.random.Generator)
    return value is None or _is_int(value, 0) or isinstance(value, generators)


def _is_cv(value: object) -> bool:
    iterable = isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
    return _is_int(value, 2) or _has_attributes("split")(value) or iterable


SIZE = "a fraction between 0 and 1 (both excluded) or a number of rows of at least 1"

RULES: dict[str, ParameterRule] = {
    "task": ParameterRule(_listed("task"), _one_of("task")),
    "preprocessor": ParameterRule(
        _listed("preprocessor", "None", "a transformer with fit and transform"),
        _either(_is_none, _one_of("preprocessor"), _has_attributes("fit", "transform")),
    ),
    "categorical_encoding": ParameterRule(
        _listed("categorical_encoding"), _one_of("categorical_encoding")
    ),
    **{
        name: ParameterRule(_listed(name, "True", "False"), _either(_one_of(name), _is_bool))
        for name in ("scaling", "early_stopping")
    },
    "handle_imbalance": ParameterRule(
        _listed("handle_imbalance", "None", "an imblearn sampler with fit_resample"),
        _either(_is_none, _one_of("handle_imbalance"), _has_attributes("fit_resample")),
    ),
    "correct_probabilities": ParameterRule("True or False", _is_bool),
    "pos_label": ParameterRule(
        "'auto' or a class label",
        lambda value: (
            value is not None and np.ndim(value) == 0 and not isinstance(value, (set, dict))
        ),
    ),
    "split": ParameterRule(
        _listed("split", "a splitter"), _either(_one_of("split"), _has_attributes("split"))
    ),
    "time_column": ParameterRule(
        "None or the name of a column of X (its position, for an array)",
        _either(_is_none, lambda v: isinstance(v, (str, Integral)) and not _is_bool(v)),
    ),
    "gap": ParameterRule(
        "a number of rows of at least 0, or a duration such as '7D' or a timedelta",
        lambda value: _is_int(value, 0) or gap_duration(value) is not None,
    ),
    "shuffle": ParameterRule("True or False", _is_bool),
    "test_size": ParameterRule(f"None, {SIZE}", _either(_is_none, _is_size)),
    "validation_size": ParameterRule(
        f"'auto', 'cv', None, {SIZE}", _either(_is_none, _one_of("validation_size"), _is_size)
    ),
    "cv": ParameterRule(
        "None, a number of folds of at least 2, a splitter, or (train, test) pairs",
        _either(_is_none, _is_cv),
    ),
    "n_iter_no_change": ParameterRule(
        "None or an integer of at least 1", _either(_is_none, lambda value: _is_int(value, 1))
    ),
    "tol": ParameterRule(
        "a number of at least 0",
        lambda value: isinstance(value, Real) and not _is_bool(value) and float(value) >= 0.0,
    ),
    "refit": ParameterRule("True or False", _is_bool),
    "n_retries": ParameterRule("an integer of at least 0", lambda value: _is_int(value, 0)),
    "random_state": ParameterRule(
        "None, an integer of at least 0, or a NumPy RandomState or Generator",
        _is_random_state,
    ),
    "n_jobs": ParameterRule(
        "None or an integer other than 0",
        _either(_is_none, lambda v: isinstance(v, Integral) and not _is_bool(v) and v != 0),
    ),
    "checkpoint": ParameterRule(
        "None, a folder, or a Checkpoint(folder, every=50)",
        _either(
            _is_none,
            lambda value: isinstance(value, (str, os.PathLike)) and str(value) != "",
            _has_attributes("folder", "every", "seconds", "keep"),
        ),
    ),
    "device": ParameterRule(
        "'auto', 'cpu', 'cuda', 'cuda:1' (or another number) or 'mps'",
        lambda value: is_device_name(value) or (isinstance(value, str) and value == "auto"),
    ),
    "callbacks": ParameterRule(
        "a list of objects with a method such as on_iteration, or callbacks of scikit-learn",
        lambda value: (
            isinstance(value, (list, tuple))
            and all(is_callback(each) or is_fit_callback(each) for each in value)
        ),
    ),
    "verbose": ParameterRule(
        "0 (silent), 1 (stages and report) or 2 (every iteration)",
        lambda value: isinstance(value, (Integral, np.bool_)) and 0 <= int(value) <= 2,
    ),
}


def _checkpoint_problems(checkpoint: Any) -> list[str]:
    if not _has_attributes("folder", "every", "seconds", "keep")(checkpoint):
        return []
    folder = checkpoint.folder
    rules = {
        "folder": ParameterRule(
            "a path", lambda v: isinstance(v, (str, os.PathLike)) and str(v) != ""
        ),
        "every": ParameterRule(
            "None or an integer of at least 1", lambda v: v is None or _is_int(v, 1)
        ),
        "seconds": ParameterRule(
            "None or a number above 0",
            lambda v: v is None or (isinstance(v, Real) and not _is_bool(v) and float(v) > 0),
        ),
        "keep": ParameterRule("an integer of at least 1", lambda v: _is_int(v, 1)),
        "per_fit": ParameterRule("True or False", _is_bool),
    }
    return [
        f"{name} of Checkpoint({folder!r}) must be {rule.expected}, "
        f"got {getattr(checkpoint, name)!r}"
        for name, rule in rules.items()
        if not rule.accepts(getattr(checkpoint, name))
    ]

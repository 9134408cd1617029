"""Check the arguments of `fit` and turn them into one frozen value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier

from sktrainer.data.indexing import (
    as_array,
    as_input_dict,
    count_rows,
    is_input_dict,
)
from sktrainer.data.metadata import (
    ProblemList,
    check_groups,
    check_sample_weight,
    check_time,
    length_problem,
    warn_index_order,
)
from sktrainer.data.named_columns import drop_columns, pop_columns
from sktrainer.data.schema import differences
from sktrainer.data.tables import check_indexable, check_table, count_samples
from sktrainer.data.targets import (
    check_no_missing_labels,
    encode_chunk_target,
    encode_new_target,
    encode_target,
    lookup_codes,
    resolve_task,
)
from sktrainer.exceptions import InputError, suggest_name
from sktrainer.types import Array, FitData, Rows, Task

FIT_ARGUMENTS = ("sample_weight", "groups", "X_val", "y_val", "sample_weight_val")


@dataclass(frozen=True)
class FitInputs:
    """Arguments of one `fit` or `partial_fit`, as the user passed them.

    `tabular` means that X must be a table, because the automatic preprocessor or the model
    reads it. Otherwise only the first user-defined step or the network reads X. `chunk`
    means that more rows follow, so that one row or rows of one class are enough. `classes`
    lists all classes that will occur (None: the classes in y).
    """

    X: Any
    y: Any
    sample_weight: Any = None
    groups: Any = None
    X_val: Any = None
    y_val: Any = None
    sample_weight_val: Any = None
    time_column: Any = None
    tabular: bool = True
    multi_output: bool = False
    chunk: bool = False
    classes: Any = None


_ARGUMENTS_OF_OTHERS = {
    "cat_features": "convert these columns to the dtype 'category'",
    "categorical_feature": "convert these columns to the dtype 'category'",
    "early_stopping_rounds": "set n_iter_no_change of the trainer",
    "epochs": "set estimator__epochs or estimator__max_epochs of the trainer",
    "eval_sample_weight": "pass sample_weight_val",
    "eval_set": "pass X_val and y_val",
    "sample_weight_eval_set": "pass sample_weight_val",
    "validation_data": "pass X_val and y_val",
    "validation_split": "set validation_size of the trainer",
    "weights": "pass sample_weight",
}


def unknown_argument_problem(name: str, parameters: Iterable[str]) -> str:
    """Return the error message for an argument that `fit` does not have.

    Examples
    --------
    >>> unknown_argument_problem("eval_set", ())
    "'eval_set' is not a parameter of ManagedTrainer or of fit; pass X_val and y_val"
    """
    if name in parameters:
        return f"{name!r} is a parameter of ManagedTrainer, not of fit; set it there"
    text = f"{name!r} is not a parameter of ManagedTrainer or of fit"
    if name in _ARGUMENTS_OF_OTHERS:
        return f"{text}; {_ARGUMENTS_OF_OTHERS[name]}"
    return f"{text}{suggest_name(name, [*parameters, *FIT_ARGUMENTS])}"


def validate_inputs(
    raw: FitInputs, task: str, estimator: Any, name: str | None = None
) -> FitData:
    """Validate all arguments of `fit` and return them in the form that the stages use.

    If `task` is "auto", the estimator determines the task, else the target. `name` is the name
    of the model in error messages; None is the name of its class.

    Raises
    ------
    InputError
        With all problems that were found.
    """
    problems = ProblemList()
    X, given = pop_columns(raw.X, y=raw.y, sample_weight=raw.sample_weight, groups=raw.groups)
    y = given["y"]
    least = 1 if raw.chunk else 2
    X = check_table(X, problems, least) if raw.tabular else check_indexable(X, problems)
    n_samples = count_samples(X, problems)
    kind, target, classes = None, None, None
    with problems.collect():
        kind = resolve_task(task, estimator, y, name)
        guessed = task == "auto" and not is_classifier(estimator)
        target, classes = _encode_target(raw, y, kind, guessed=guessed)
        if n_samples is not None and len(target) != n_samples:
            problems.append(length_problem("y", len(target), n_samples))
    weight = check_sample_weight("sample_weight", given["sample_weight"], n_samples, problems)
    groups = check_groups(given["groups"], n_samples, problems)
    time = check_time(X, raw.time_column, n_samples, problems)
    validation = _check_validation(raw, X, kind, classes, problems)
    if problems:
        raise InputError(problems)
    assert kind is not None and target is not None
    if not raw.chunk:
        _check_weighted_classes(target, classes, weight)
    warn_index_order(X, **given)
    warn_index_order(
        raw.X_val, "X_val", y_val=raw.y_val, sample_weight_val=raw.sample_weight_val
    )
    return FitData(
        X,
        target,
        kind,
        classes,
        weight,
        groups,
        time,
        validation,
        target_name=_target_name(raw.y),
        target_column=raw.y if isinstance(raw.y, str) else None,
        metadata_columns=tuple(
            name for name in (raw.sample_weight, raw.groups) if isinstance(name, str)
        ),
    )


def _encode_target(
    raw: FitInputs, y: Any, task: Task, *, guessed: bool
) -> tuple[Array, Array | None]:
    if raw.chunk:
        return encode_chunk_target(y, task, raw.classes, multi_output=raw.multi_output)
    return encode_target(y, task, multi_output=raw.multi_output, guessed=guessed)


def _target_name(y: Any) -> str | None:
    """Return the name of the target column, of the Series, or of the columns of y."""
    columns = list(getattr(y, "columns", ()))
    if len(columns) > 1:
        return ", ".join(map(str, columns))
    name = columns[0] if columns else getattr(y, "name", None)
    name = y if isinstance(y, str) else name
    return str(name) if isinstance(name, (str, int)) and name != "" else None


def scoring_rows(
    X: Any,
    y: Any,
    task: Task,
    classes: Array | None,
    sample_weight: npt.ArrayLike | None = None,
) -> tuple[Rows, Array]:
    """Return rows to score after the fit, with encoded targets, and the original targets.

    A label that did not occur in training is not an error. It gets the code after the last
    class, so that every prediction for it counts as wrong.

    Raises
    ------
    InputError
        If y and X have different lengths, or y contains NaN.
    """
    X, given = pop_columns(X, y=y, sample_weight=sample_weight)
    y, sample_weight = given["y"], given["sample_weight"]
    if task == "regression" or classes is None:
        target = encode_new_target(y, task, classes)
    else:
        check_no_missing_labels(np.ravel(np.asarray(y)))
        target = lookup_codes(y, classes)
        target = np.where(target < 0, len(classes), target)
    original = target if classes is None else np.ravel(np.asarray(y))
    X = as_input_dict(X) if is_input_dict(X) else as_array(X)
    n_samples = count_rows(X)
    if len(target) != n_samples:
        raise InputError(length_problem("y", len(target), n_samples))
    problems = ProblemList()
    weight = check_sample_weight("sample_weight", sample_weight, n_samples, problems)
    if problems:
        raise InputError(problems)
    warn_index_order(X, y=y, sample_weight=sample_weight)
    return Rows(X, target, weight), original


def _check_validation(
    raw: FitInputs, X: Any, task: Task | None, classes: Array | None, problems: ProblemList
) -> Rows | None:
    if raw.X_val is None and raw.y_val is None:
        if raw.sample_weight_val is not None:
            problems.append(
                "sample_weight_val requires X_val and y_val. Pass them, or leave it out."
            )
        return None
    if raw.X_val is None or (raw.y_val is None and not isinstance(raw.y, str)):
        passed, other = ("y_val", "X_val") if raw.X_val is None else ("X_val", "y_val")
        problems.append(f"{passed} requires {other}. Pass both or neither.")
        return None
    # If y is a column name, the target of the validation rows is in the same column of X_val.
    y_val, weight = raw.y if raw.y_val is None else raw.y_val, raw.sample_weight_val
    if weight is None and isinstance(raw.sample_weight, str):
        weight = raw.sample_weight
    X_val, given = pop_columns(raw.X_val, y_val=y_val, sample_weight_val=weight)
    y_val = given["y_val"]
    X_val = drop_columns(X_val, [raw.groups] if isinstance(raw.groups, str) else [])
    own = ProblemList()
    X_val = check_table(X_val, own) if raw.tabular else check_indexable(X_val, own)
    n_rows = count_samples(X_val, own)
    weight = check_sample_weight(
        "sample_weight_val", given["sample_weight_val"], n_rows, own, "X_val"
    )
    target = None
    if task is not None:
        with own.collect():
            target = encode_new_target(y_val, task, classes)
            if n_rows is not None and len(target) != n_rows:
                own.append(length_problem("y_val", len(target), n_rows, "X_val"))
    own.extend(differences(X, X_val))
    problems.extend(f"validation rows: {problem}" for problem in own)
    return None if target is None else Rows(X_val, target, weight)


def _check_weighted_classes(y: Array, classes: Array | None, weight: Array | None) -> None:
    """Raise an error if only rows of one class have a positive weight."""
    if classes is None or weight is None:
        return
    used = np.unique(y[weight > 0])
    if len(used) < 2:
        raise InputError(
            "the rows with positive sample_weight must have at least 2 classes, got one class"
            f" only: {classes.tolist()[used[0]]!r}. Give rows of another class a weight > 0."
        )

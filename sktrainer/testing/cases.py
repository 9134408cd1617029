"""Cases and tables for the contract tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from unittest import SkipTest

import numpy as np
import numpy.typing as npt
import pandas as pd

from sktrainer.backends.estimators import clone_network
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array, Task


class CheckNotApplicable(SkipTest):
    """A contract check does not apply to the model. Test runners report it as a skip."""


@dataclass(frozen=True)
class Case:
    """A model to check, with the parameters of its trainer.

    Parameters
    ----------
    estimator : estimator
        Unfitted. Use few iterations to keep the checks fast.
    task : {"classification", "regression"}
    parameters : mapping, default={}
        Additional parameters of the trainer, including nested ones.
    n_samples : int, default=240
        Number of rows of the training table.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer.testing import Case
    >>> from sktrainer.testing.fit_checks import check_numpy_arrays
    >>> check_numpy_arrays(Case(Ridge(), "regression"))
    """

    estimator: Any
    task: Task
    parameters: Mapping[str, Any] = field(default_factory=dict)
    n_samples: int = 240

    def trainer(self, **parameters: Any) -> ManagedTrainer:
        """Return a new trainer for a clone of the estimator."""
        given = {"random_state": 0, "n_iter_no_change": 5, **self.parameters, **parameters}
        nested = {name: given.pop(name) for name in list(given) if "__" in name}
        return ManagedTrainer(clone_network(self.estimator), **given).set_params(**nested)

    @cached_property
    def fitted(self) -> ManagedTrainer:
        """Trainer fitted on `table()`, shared by all checks that only read it."""
        return self.trainer().fit(*self.table())

    def table(self, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
        """Return the training table and its target."""
        return mixed_table(self.n_samples, self.task, seed=seed)

    def probe(self) -> pd.DataFrame:
        """Return 60 rows that are never used for fitting."""
        return mixed_table(60, self.task, seed=99)[0]


def mixed_table(
    n_samples: int, task: Task, *, n_classes: int = 2, seed: int = 0
) -> tuple[pd.DataFrame, pd.Series]:
    """Generate a table with every kind of column and with missing values.

    Parameters
    ----------
    n_samples : int
    task : {"classification", "regression"}
    n_classes : int, default=2
        Ignored for regression.
    seed : int, default=0

    Returns
    -------
    X : DataFrame of shape (n_samples, 9)
    y : Series of shape (n_samples,)
        Imbalanced string labels for classification, floats for regression.

    Examples
    --------
    >>> X, y = mixed_table(100, "classification")
    >>> sorted(y.unique())
    ['c0', 'c1']
    """
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=n_samples)
    size = rng.normal(10, 3, n_samples)
    color = rng.choice(["red", "green", "blue"], n_samples)
    shop = rng.integers(0, 60, n_samples)
    target = signal + 0.2 * size + (color == "red") + shop / 30 + rng.normal(0, 0.5, n_samples)
    size[rng.random(n_samples) < 0.1] = np.nan
    X = pd.DataFrame(
        {
            "signal": signal,
            "size": size,
            "count": rng.poisson(3, n_samples),
            "color": pd.Series(color).where(rng.random(n_samples) > 0.1),
            "shop": [f"shop {number}" for number in shop],
            "open": rng.random(n_samples) < 0.5,
            "day": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 700, n_samples), "D"),
            "same": "x",
            "mixed": pd.Series(
                [1 if r < 0.4 else "one" for r in rng.random(n_samples)], dtype=object
            ),
        }
    )
    if task == "regression":
        return X, pd.Series(target, name="target")
    cuts = np.quantile(target, np.cumsum([0.7] + [0.3 / (n_classes - 1)] * (n_classes - 2)))
    return X, pd.Series([f"c{code}" for code in np.searchsorted(cuts, target)], name="target")


def replace_with_noise(
    X: pd.DataFrame, y: pd.Series, rows: Array, seed: int = 5
) -> tuple[pd.DataFrame, pd.Series]:
    """Replace rows by random values of the same type, including unseen categories.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_features)
    y : Series of shape (n_samples,)
        Its values are permuted within `rows`.
    rows : ndarray of int
        Positions of the rows to replace.
    seed : int, default=5

    Returns
    -------
    X, y : DataFrame, Series
        Copies.
    """
    rng = np.random.default_rng(seed)
    noise, labels = X.copy(), y.copy()
    for name in X.columns:
        column = X[name]
        if pd.api.types.is_bool_dtype(column):
            fresh: Any = rng.random(len(rows)) < 0.5
        elif pd.api.types.is_numeric_dtype(column):
            fresh = rng.normal(1e4, 1e3, len(rows)).astype(column.to_numpy().dtype)
        elif pd.api.types.is_datetime64_any_dtype(column):
            fresh = pd.Timestamp("1999-12-31") + pd.to_timedelta(
                rng.integers(0, 99, len(rows)), "D"
            )
        else:
            fresh = [f"unseen {number}" for number in rng.integers(0, 9, len(rows))]
        column = column.copy()
        column.iloc[rows] = fresh
        noise[name] = column
    labels.iloc[rows] = rng.permutation(y.iloc[rows].to_numpy())
    return noise, labels


def with_parameters(case: Case, **parameters: Any) -> Case:
    """Return a copy of the case with additional parameters of the trainer.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> with_parameters(Case(Ridge(), "regression"), scaling=True).parameters
    {'scaling': True}
    """
    return replace(case, parameters={**case.parameters, **parameters})


def model_outputs(trainer: ManagedTrainer, X: Any) -> Array:
    """Return the most detailed predictions of a fitted trainer as a numeric array.

    These are probabilities, else decision values, else class codes or numbers.

    Parameters
    ----------
    trainer : ManagedTrainer
        Fitted.
    X : table or array of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_outputs)
    """
    if hasattr(trainer, "predict_proba"):
        return np.asarray(trainer.predict_proba(X))
    if hasattr(trainer, "decision_function"):
        return np.asarray(trainer.decision_function(X))
    predicted = trainer.predict(X)
    if hasattr(trainer, "classes_"):
        return np.searchsorted(trainer.classes_, predicted)
    return np.asarray(predicted)


def bit_identical(left: npt.ArrayLike, right: npt.ArrayLike) -> bool:
    """Return whether two arrays are bit-identical, with the same dtype and shape.

    Examples
    --------
    >>> bit_identical([0.1, 0.2], [0.1, 0.2]), bit_identical([1], [1.0])
    (True, False)
    """
    a, b = np.asarray(left), np.asarray(right)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def transform_rows(trainer: ManagedTrainer, X: Any) -> Array:
    """Return the preprocessed rows that the model receives, as a dense array."""
    rows = trainer._predictor.encode(X)
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows)

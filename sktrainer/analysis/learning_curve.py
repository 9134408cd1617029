"""Scores against the number of training rows, and a forecast for more rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.data.inputs import FitInputs
from sktrainer.exceptions import InputError
from sktrainer.reporting.formats import format_number
from sktrainer.reporting.key_metrics import rank_metrics
from sktrainer.reporting.text import text_table
from sktrainer.resampling.class_weight import is_imbalanced
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.runtime.seeds import derive_seed
from sktrainer.scoring.scorers import lower_is_better
from sktrainer.splitting.split import split_used_rows
from sktrainer.training.cross_validation import cross_validate, make_folds
from sktrainer.training.log import FitLog
from sktrainer.training.plan_builder import make_plan
from sktrainer.training.validation import validate
from sktrainer.types import Array, FitData

DEFAULT_FOLDS = 5
MIN_SIZES = 3  # a power law has three parameters
_EXPONENTS = np.linspace(0.1, 2.0, 96)


@dataclass(frozen=True)
class PowerLaw:
    """The curve ``limit - slope * rows ** -exponent``, fitted by least squares."""

    limit: float
    slope: float
    exponent: float

    def predict(self, rows: float) -> float:
        """Return the score for a number of training rows."""
        return float(self.limit - self.slope * rows**-self.exponent)


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurve:
    """Scores of models that were trained on different numbers of rows.

    Attributes
    ----------
    table : DataFrame
        One row per size: `rows` (mean number of training rows of a fold), `mean` and `std` of
        the metric over the folds, its 95 % interval (`low`, `high`), and mean `seconds` of a
        fit.
    metric : str
        The metric that the report shows first: the first one of `scoring`, by default R2 or
        accuracy, or balanced accuracy for imbalanced classes.
    scores : DataFrame
        Mean of every metric, one row per size.
    power_law : PowerLaw or None
        None for fewer than three sizes.
    answer : str
        Whether more rows would help.
    """

    table: pd.DataFrame
    metric: str
    scores: pd.DataFrame
    power_law: PowerLaw | None
    answer: str

    def __repr__(self) -> str:
        return f"<LearningCurve of {self.metric}: {len(self.table)} sizes>"

    def __str__(self) -> str:
        shown = self.table.rename(columns={"mean": self.metric}).set_index("rows")
        return f"{text_table(shown)}\n\n{self.answer}"

    def plot(self, ax: Any = None) -> Any:
        """Plot score against rows, with the interval and the power law up to twice the rows.

        Parameters
        ----------
        ax : Axes or None, default=None
            Axes to draw on. None creates a new figure.

        Returns
        -------
        Axes

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from sktrainer.reporting.plots import INK, MUTED, VALIDATION, new_axes

        axes = new_axes(ax, (5.2, 3.2))
        rows = self.table["rows"].to_numpy(dtype=float)
        axes.fill_between(
            rows, self.table["low"], self.table["high"], color=VALIDATION, alpha=0.18, lw=0
        )
        axes.plot(rows, self.table["mean"], "o-", color=VALIDATION, ms=4, label="mean of folds")
        if self.power_law is not None:
            x = np.geomspace(rows[0], 2 * rows[-1], 100)
            y = [self.power_law.predict(n) for n in x]
            axes.plot(x, y, color=MUTED, lw=1, ls=(0, (3, 3)), label="power law")
        axes.set_xlabel("training rows")
        axes.set_ylabel(self.metric, parse_math=False)
        axes.legend(frameon=False, labelcolor=INK)
        return axes


@preserve_global_state()
def compute_learning_curve(
    trainer: Any, X: Any, y: Any, sizes: Any, cv: Any, sample_weight: Any, groups: Any
) -> LearningCurve:
    """Cross-validate the trainer on nested parts of the training rows of each fold."""
    shares = sorted({float(size) for size in sizes})
    if not shares or shares[0] <= 0 or shares[-1] > 1:
        raise InputError(f"sizes must be shares above 0 and at most 1, got {list(sizes)!r}")
    params = trainer._params()
    folds_param = params.cv if cv is None else cv
    params = replace(
        params,
        cv=DEFAULT_FOLDS if folds_param is None else folds_param,
        checkpoint=None,
        verbose=0,
    )
    checked = validate(params, FitInputs(X, y, sample_weight, groups))
    data, plan = checked.data, make_plan(params, checked, None)
    split, _ = split_used_rows(data, plan.first_split)
    folds = make_folds(plan, data, split)
    seed = derive_seed(plan.seed, "learning curve")
    ordered = [
        (_nested_order(data, train, split.kind, derive_seed(seed, number)), test)
        for number, (train, test) in enumerate(folds)
    ]
    rows, means = [], []
    metric = ""
    for share in shares:
        part = [(_first_rows(train, share, split.kind), test) for train, test in ordered]
        result = cross_validate(plan, data, part, None, FitLog())
        summary = result.summary
        metric = metric or _first_metric([str(name) for name in summary.index], data)
        values = summary.loc[metric]
        n_rows = round(float(np.mean([len(train) for train, _ in part])))
        seconds = float(np.mean([fold.fit_seconds for fold in result.folds]))
        shown = {name: values[name] for name in ("mean", "std", "low", "high")}
        rows.append({"rows": n_rows, **shown, "seconds": seconds})
        means.append({"rows": n_rows, **summary["mean"].to_dict()})
    table = pd.DataFrame(rows)
    law = fit_power_law(
        table["rows"].to_numpy(dtype=float), table["mean"].to_numpy(dtype=float)
    )
    is_loss = plan.scoring.is_default and lower_is_better(metric)
    answer = describe_forecast(table, metric, law, is_loss=is_loss)
    return LearningCurve(table, metric, pd.DataFrame(means), law, answer)


def _first_metric(names: list[str], data: FitData) -> str:
    """Return the metric that the report shows first."""
    imbalanced = data.classes is not None and is_imbalanced(np.bincount(data.y))
    return rank_metrics(names, 1, imbalanced=imbalanced)[0]


def _nested_order(data: FitData, rows: Array, kind: str, seed: int) -> Array:
    """Return the rows in an order of which every first part is a fair sample.

    A part has the class shares of all rows, contains groups as a whole as far as possible,
    and holds the latest rows of a split by time.
    """
    if kind == "time":
        return rows[::-1]
    generator = np.random.default_rng(seed)
    if data.groups is not None:
        labels, codes = np.unique(data.groups[rows], return_inverse=True)
        return rows[np.argsort(generator.permutation(len(labels))[codes], kind="stable")]
    mixed = generator.permutation(rows)
    if data.classes is None:
        return mixed
    position = np.empty(len(mixed))
    for code in np.unique(data.y[mixed]):
        of_class = np.flatnonzero(data.y[mixed] == code)
        position[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    return mixed[np.argsort(position, kind="stable")]


def _first_rows(ordered: Array, share: float, kind: str) -> Array:
    """Return a share of the rows, in the order that the split gave them."""
    part = ordered[: max(2, round(share * len(ordered)))]
    return part[::-1] if kind == "time" else np.sort(part)


def fit_power_law(rows: Array, scores: Array) -> PowerLaw | None:
    """Fit a power law by least squares, or return None for too few or missing scores.

    For each exponent of a grid, limit and slope are a linear regression, so that the fit
    cannot fail to converge.

    Examples
    --------
    >>> rows = np.array([100.0, 200.0, 400.0, 800.0])
    >>> law = fit_power_law(rows, 0.9 - 2.0 * rows**-0.5)
    >>> round(law.limit, 3), round(law.slope, 2), round(law.exponent, 2)
    (0.9, 2.0, 0.5)
    """
    if len(np.unique(rows)) < MIN_SIZES or not np.isfinite(scores).all():
        return None
    best, smallest = None, np.inf
    for exponent in _EXPONENTS:
        # Scaled, so that both columns have the same magnitude.
        design = np.column_stack([np.ones(len(rows)), -((rows / rows[0]) ** -exponent)])
        solution = np.linalg.lstsq(design, scores, rcond=None)[0]
        error = float(((design @ solution - scores) ** 2).sum())
        if error < smallest:
            slope = float(solution[1] * rows[0] ** exponent)
            best, smallest = PowerLaw(float(solution[0]), slope, float(exponent)), error
    return best


def describe_forecast(
    table: pd.DataFrame, metric: str, law: PowerLaw | None, *, is_loss: bool
) -> str:
    """Return a sentence on whether more rows would help.

    The gain of twice the rows counts if it exceeds the standard error of the last mean.
    """
    if law is None:
        return f"No forecast: a power law needs at least {MIN_SIZES} sizes with scores."
    last = table.iloc[-1]
    n_rows = int(last["rows"])
    change = law.predict(2 * n_rows) - law.predict(n_rows)
    gain = -change if is_loss else change
    error = float(last["high"] - last["low"]) / 4
    forecast = f"{metric} would change by {format_number(change, 2)} to about "
    forecast += format_number(float(last["mean"]) + change)
    uncertain = f"the uncertainty of the folds ({format_number(error, 2)})"
    if not np.isfinite(error):
        return f"With twice the training rows ({2 * n_rows:,}), {forecast}."
    if gain > error:
        return (
            f"More rows would help: with twice the training rows ({2 * n_rows:,}), {forecast}, "
            f"which is more than {uncertain}."
        )
    return (
        f"More rows would hardly help: with twice the training rows ({2 * n_rows:,}), "
        f"{forecast}, which is within {uncertain}."
    )

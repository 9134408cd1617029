"""Parameters of the split: their problems, and the plan made from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sktrainer.backends.base import Capabilities
from sktrainer.runtime.seeds import derive_seed
from sktrainer.splitting.plan import SplitPlan, gap_duration, n_rows_of, resolve_kind
from sktrainer.training.model_settings import OwnPatience
from sktrainer.training.parameters import TrainerParams
from sktrainer.types import FitData

AUTO_VALIDATION_SIZE = 0.1
MIN_ROWS_FOR_EARLY_STOPPING = 20

# Below this number of training rows, validation_size="auto" chooses the rounds of a boosting
# model by inner folds. In benchmarks/small_tables.py, this lowers the log loss by 22 % at 200
# rows and by 2 to 4 % from 1,500 rows on, for four to five times the CPU time.
SMALL_TABLE_ROWS = 1500

N_INNER_FOLDS = 5

# Inner folds by group need enough groups, also in the training rows of a fold.
MIN_GROUPS_FOR_INNER_FOLDS = 10


@dataclass(frozen=True)
class ValidationRows:
    """How the rows are chosen on which early stopping monitors the model.

    `size` is a fraction or number of held-out rows (None: no rows are held out), and
    `inner_folds` the number of inner folds of the training rows that choose the number of
    iterations, or 0. `reason` states why, if the user did not choose and the size of the table
    matters.
    """

    size: float | int | None = None
    inner_folds: int = 0
    reason: str = ""


def split_problems(params: TrainerParams, data: FitData) -> list[str]:
    """Return an error text for each parameter that is incompatible with the split."""
    split, problems = params.split if isinstance(params.split, str) else None, []
    if split == "stratified" and data.task == "regression":
        problems.append(
            "split='stratified' needs classes, but the task is regression. Use split='random'"
        )
    if split == "group" and data.groups is None:
        problems.append("split='group' needs groups. Pass fit(X, y, groups=...)")
    if data.time is not None and split not in (None, "auto", "time"):
        problems.append(
            f"time_column={params.time_column!r} is only used by split='time', got "
            f"split={split!r}. Use split='time' or remove time_column"
        )
    duration = gap_duration(params.gap)
    if split != "time" and (split != "auto" or data.time is None) and params.gap != 0:
        problems.append(
            f"gap={params.gap!r} is only used by time splits. Use split='time' or time_column, "
            "or pass the gap to your splitter, as in TimeSeriesSplit(gap=7)"
        )
    elif duration is not None and (data.time is None or data.time.dtype.kind not in "mM"):
        problems.append(
            f"gap={params.gap!r} is a duration, which needs a time_column of dates. Use a "
            "number of rows, or convert the time column to dates"
        )
    return problems


def inner_fold_problems(
    params: TrainerParams, data: FitData, max_iter: int | None, name: str
) -> list[str]:
    """Return the reasons why inner folds cannot choose the number of rounds of the model."""
    if params.validation_size != "cv":
        return []
    problems = {
        f"but {name} with these parameters is not an iterative estimator. Use "
        "validation_size='auto'": max_iter is None,
        "but early_stopping=False. Use early_stopping='auto'": params.early_stopping is False,
        "so X_val and y_val would not be used. Remove them, or use validation_size='auto'": (
            data.validation is not None
        ),
    }
    what = "validation_size='cv' chooses the number of rounds by inner folds"
    return [f"{what}, {text}" for text, is_problem in problems.items() if is_problem]


def resolve_early_stopping(
    params: TrainerParams, data: FitData, capabilities: Capabilities, own: OwnPatience | None
) -> tuple[bool, tuple[str, ...]]:
    """Return whether training stops early, and a note if it lacks validation rows."""
    if isinstance(params.early_stopping, bool) or capabilities.max_iter is None:
        return params.early_stopping is True, ()
    if params.validation_size == "cv":
        return True, ()
    if not capabilities.early_stopping_by_default and not (own is not None and own.stops):
        return False, ()
    if data.validation is None and params.validation_size is None:
        return False, ("no early stopping: validation_size=None, so no rows are held out",)
    if (
        data.validation is None
        and params.validation_size == "auto"
        and data.n_samples < MIN_ROWS_FOR_EARLY_STOPPING
    ):
        note = (
            f"no early stopping: holding out validation rows needs at least "
            f"{MIN_ROWS_FOR_EARLY_STOPPING} rows, got {data.n_samples}"
        )
        return False, (note,)
    return True, ()


def resolve_validation_rows(
    params: TrainerParams, data: FitData, capabilities: Capabilities, *, stops: bool
) -> ValidationRows:
    """Return how validation rows are chosen; `stops` is whether training stops early."""
    size = params.validation_size
    if data.validation is not None:
        return ValidationRows()
    if not isinstance(size, str):
        return ValidationRows(size)
    if size == "cv" or not stops:
        return ValidationRows(inner_folds=N_INNER_FOLDS if stops else 0)
    n_train = data.n_samples
    if params.test_size is not None:
        n_train -= n_rows_of(params.test_size, data.n_samples)
    by_default = capabilities.inner_folds_by_default and params.early_stopping == "auto"
    if not by_default or n_train >= SMALL_TABLE_ROWS:
        return ValidationRows(AUTO_VALIDATION_SIZE)
    obstacle = _inner_folds_obstacle(params, data)
    if obstacle:
        reason = f"; no inner folds for this small table, because {obstacle}"
        return ValidationRows(AUTO_VALIDATION_SIZE, reason=reason)
    reason = f", because there are fewer than {SMALL_TABLE_ROWS:,}"
    return ValidationRows(inner_folds=N_INNER_FOLDS, reason=reason)


def _inner_folds_obstacle(params: TrainerParams, data: FitData) -> str:
    """Return why rows are held out from a small table, or an empty string."""
    if params.refit:
        return "refit=True trains on the held-out rows too"
    if not isinstance(params.split, str):
        return f"{type(params.split).__name__} may be unable to split the training rows again"
    if params.gap != 0:
        return f"gap={params.gap!r} leaves too few rows in them"
    by_group = data.time is None and params.split in ("auto", "group")
    if by_group and data.groups is not None:
        n_groups = len(np.unique(data.groups))
        if n_groups < MIN_GROUPS_FOR_INNER_FOLDS:
            return f"there are only {n_groups} groups"
    return ""


def make_split_plan(
    params: TrainerParams, data: FitData, seed: int, validation_size: float | int | None
) -> SplitPlan:
    """Return the split options."""
    duration = gap_duration(params.gap)
    return SplitPlan(
        kind=resolve_kind(
            params.split,
            task=data.task,
            has_groups=data.groups is not None,
            has_time=data.time is not None,
        ),
        splitter=None if isinstance(params.split, str) else params.split,
        shuffle=bool(params.shuffle),
        seed=derive_seed(seed, "split"),
        test_size=params.test_size,
        validation_size=validation_size,
        gap=int(params.gap) if duration is None else duration,
    )


def split_reason(params: TrainerParams, data: FitData) -> str:
    """Return why this kind of split is used."""
    if not isinstance(params.split, str):
        reason = f"split={type(params.split).__name__}"
    elif params.split != "auto":
        reason = f"split={params.split!r}"
    elif data.time is not None:
        reason = "time_column is set"
    elif data.groups is not None:
        reason = "groups were passed"
    else:
        reason = f"{data.task} task"
    if params.gap != 0:
        reason += f"; gap={params.gap!r}"
    return reason if data.validation is None else f"{reason}; X_val was passed"

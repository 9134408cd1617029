"""Results of the folds of a cross-validation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sktrainer.reporting.content import LibraryWarning
from sktrainer.scoring.score_ranges import score_range
from sktrainer.scoring.scorers import Scoring
from sktrainer.training.out_of_fold import (
    MIN_FOLD_ROWS,
    FoldPredictions,
    PooledScores,
    join_predictions,
)

_INTERVAL = (
    "95% interval of the mean: Student's t distribution, corrected for training rows that the "
    "folds share (Nadeau and Bengio, 2003)"
)


@dataclass(frozen=True)
class FoldResult:
    """Result of one fold; folds are counted from 1, and a failed fold has NaN scores.

    `constants` holds the scores of a constant prediction, `problems` why scores could not be
    computed, and `notes` and `warnings` those of the fit. `curve` is the validation curve: its
    "metric", and "iteration" and "value" as lists. CPU time and memory are NaN if they are
    unknown, as the memory of folds in threads.
    """

    fold: int
    n_train: int
    n_test: int
    scores: dict[str, float]
    fit_seconds: float
    score_seconds: float
    n_iter: int | None = None
    best_iteration: int | None = None
    stop_reason: str | None = None
    error: str | None = None
    n_attempts: int = 1
    divergence: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    metric_for_unknown_loss: str | None = None
    predictions: FoldPredictions | None = None
    curve: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[LibraryWarning] = field(default_factory=list)
    cpu_seconds: float = math.nan
    memory_increase_mb: float = math.nan
    gpu_memory_mb: float = math.nan


@dataclass(frozen=True)
class CrossValidationResult:
    """Results of all folds of one cross-validation, in order.

    `pooled` has the scores that are computed on the test rows of all folds together, and
    `oof_predictions` one row per row of X. `n_workers` folds were fitted in parallel, with
    `n_threads` threads each.
    """

    folds: tuple[FoldResult, ...]
    scoring: Scoring
    pooled: PooledScores
    oof_predictions: pd.DataFrame
    n_workers: int
    n_threads: int

    @property
    def results(self) -> dict[str, Any]:
        """The keys of `GridSearchCV.cv_results_`, for one candidate."""
        results: dict[str, Any] = {}
        for key, values in (
            ("fit_time", [f.fit_seconds for f in self.folds]),
            ("score_time", [f.score_seconds for f in self.folds]),
        ):
            results[f"mean_{key}"] = np.array([np.mean(values)])
            results[f"std_{key}"] = np.array([np.std(values)])
        results["params"] = [{}]
        summary = self.summary
        for metric in self.scoring.scorers:
            name = "score" if self.scoring.single else metric
            scores = np.array([fold.scores[metric] for fold in self.folds])
            for i, score in enumerate(scores):
                results[f"split{i}_test_{name}"] = np.array([score])
            results[f"mean_test_{name}"] = np.array([summary.loc[metric, "mean"]])
            results[f"std_test_{name}"] = np.array([summary.loc[metric, "std"]])
            results[f"rank_test_{name}"] = np.array([1], dtype=np.int32)
        return results

    @property
    def to_frame(self) -> pd.DataFrame:
        """One row per fold, for the report."""
        retried = any(fold.n_attempts > 1 for fold in self.folds)
        # Scores of one row, or of a few, say nothing if they are no means over rows.
        left_out = set(self.pooled.values) if self._has_small_folds else set()
        rows = [
            {
                "fold": fold.fold,
                "train_rows": fold.n_train,
                "test_rows": fold.n_test,
                **{name: v for name, v in fold.scores.items() if name not in left_out},
                "best_iteration": fold.best_iteration,
                "fit_seconds": fold.fit_seconds,
                "cpu_seconds": fold.cpu_seconds,
                "memory_increase_mb": fold.memory_increase_mb,
                "gpu_memory_mb": fold.gpu_memory_mb,
                "n_attempts": fold.n_attempts if retried else None,
                "error": fold.error,
            }
            for fold in self.folds
        ]
        return pd.DataFrame(rows).dropna(axis=1, how="all")

    @property
    def _has_small_folds(self) -> bool:
        return min(fold.n_test for fold in self.folds) < MIN_FOLD_ROWS

    @property
    def summary(self) -> pd.DataFrame:
        """One row per metric: `mean` and `std` over the `n_folds` folds that have this score.

        `constant` is the mean score of a constant prediction, and `low` and `high` bound the
        95 % interval of the mean, within the range of the metric. A `pooled` score and its
        constant are those of the test rows of all folds together.
        """
        names = list(self.scoring.scorers)
        scores = pd.DataFrame([fold.scores for fold in self.folds], columns=names)
        constants = pd.DataFrame([fold.constants for fold in self.folds], columns=names).mean()
        of_all = pd.DataFrame([self.pooled.values, self.pooled.constants], columns=names)
        pooled = pd.Series([name in self.pooled.values for name in names], names)
        n_fitted = sum(fold.error is None for fold in self.folds)
        mean, std = scores.mean().mask(pooled, of_all.iloc[0]), scores.std(ddof=0)
        half = self._half_width(scores).mask(pooled)
        ranges = [score_range(scorer) for scorer in self.scoring.scorers.values()]
        lowest, highest = (pd.Series(side, names) for side in zip(*ranges, strict=True))
        return pd.DataFrame(
            {
                "mean": mean,
                "std": std.mask(pooled) if self._has_small_folds else std,
                "constant": of_all.iloc[1].fillna(constants).where(mean.notna()),
                "n_folds": scores.notna().sum().mask(pooled, n_fitted),
                "pooled": pooled,
                "low": (mean - half).clip(lower=lowest),
                "high": (mean + half).clip(upper=highest),
            }
        )

    @property
    def interval_note(self) -> str:
        """How the intervals of the means were computed, and why a metric has none."""
        summary, shown = self.summary, self.scoring.shown
        missing = {
            "it is computed on the rows of all folds together": summary["pooled"],
            "fewer than two folds have this score": summary["low"].isna() & ~summary["pooled"],
        }
        parts = [_INTERVAL] if summary["low"].notna().any() else []
        parts += [
            f"no interval of {', '.join(map(shown, summary.index[which]))}, because {why}"
            for why, which in missing.items()
            if which.any()
        ]
        return "; ".join(parts)

    def _half_width(self, scores: pd.DataFrame) -> pd.Series:
        """Return half the width of the 95 % interval of the mean score of new folds.

        Folds share training rows, so their scores depend on each other. The variance is that
        of Nadeau and Bengio (2003), "Inference for the generalization error".
        """
        n_folds = scores.notna().sum()
        fitted = [fold for fold in self.folds if fold.error is None]
        ratio = float(np.mean([fold.n_test / fold.n_train for fold in fitted]))
        quantile = stats.t.ppf(0.975, (n_folds - 1).where(n_folds > 1))
        return scores.std(ddof=1) * np.sqrt(1 / n_folds + ratio) * quantile

    @property
    def fold_history(self) -> pd.DataFrame | None:
        """Validation curve of each fold, one row per point. None without curves."""
        tables = [
            pd.DataFrame({"fold": fold.fold, **fold.curve}) for fold in self.folds if fold.curve
        ]
        if not tables:
            return None
        return pd.concat(tables, ignore_index=True)[["fold", "iteration", "metric", "value"]]

    def joined_predictions(self) -> FoldPredictions | None:
        """Return the predictions of the test rows of all folds, one after the other."""
        kept = [fold.predictions for fold in self.folds if fold.predictions is not None]
        return join_predictions(kept) if kept else None

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence on the scores that could not be computed in some folds, per reason."""
        found: dict[str, list[str]] = {}
        for metric, why in self.pooled.problems.items():
            text = f"of the out-of-fold rows could not be computed: {why}"
            found.setdefault(text, []).append(self.scoring.shown(metric))
        for metric in self.scoring.scorers:
            reasons = {f.fold: f.problems[metric] for f in self.folds if metric in f.problems}
            if reasons and metric not in self.pooled.values:
                fold, reason = next(iter(reasons.items()))
                text = (
                    f"could not be computed in {len(reasons)} of {len(self.folds)} folds "
                    f"(fold {fold}: {reason})"
                )
                found.setdefault(text, []).append(self.scoring.shown(metric))
        return tuple(f"{', '.join(names)} {text}" for text, names in found.items())

    def is_known_problem(self, metric: str, reason: str) -> bool:
        """Return whether a score could not be computed in any fold, for this reason."""
        return all(fold.problems.get(metric) == reason for fold in self.folds)

    @property
    def divergence(self) -> str:
        """Number of diverged folds and the problem of the first one; empty if none diverged."""
        diverged = [fold for fold in self.folds if fold.divergence]
        if not diverged:
            return ""
        first = f"in fold {diverged[0].fold} {diverged[0].divergence}"
        return f"Training diverged in {len(diverged)} of {len(self.folds)} folds: {first}"

    @property
    def settings(self) -> dict[str, Any]:
        """Parameters that were changed in most folds because training diverged."""
        repaired = [fold.settings for fold in self.folds if fold.settings]
        return repaired[0] if 2 * len(repaired) > len(self.folds) else {}

    @property
    def best_iteration(self) -> int | None:
        """Median of the folds' best iterations; None if no fold stopped early."""
        found = [f.best_iteration for f in self.folds if f.best_iteration is not None]
        return max(1, round(float(np.median(found)))) if found else None

"""Training of a LightGBM model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer.backends._boosting.recorder import RoundRecorder, train_curve_rows
from sktrainer.backends._boosting.segments import SegmentHistory
from sktrainer.backends.base import FitRequest
from sktrainer.backends.lightgbm.callback import RoundCallback
from sktrainer.backends.lightgbm.checkpoint import SegmentedTraining
from sktrainer.backends.lightgbm.metrics import EvalMetricParam
from sktrainer.types import Rows

if TYPE_CHECKING:
    import lightgbm


def train_in_segments(
    request: FitRequest,
    recorder: RoundRecorder,
    max_iter: int,
    metric: EvalMetricParam,
    *,
    cuts: bool,
) -> None:
    """Train in segments of rounds and save a checkpoint after each."""

    def fit(
        rows: Rows, booster: lightgbm.Booster | None, callback: RoundCallback | None
    ) -> None:
        train_rounds(replace(request, train=rows), callback, metric, booster)

    history = SegmentHistory(keep_best=recorder.stops_early and not cuts)
    SegmentedTraining(request, recorder, history, fit, metric).train(max_iter)


def train_rounds(
    request: FitRequest,
    callback: RoundCallback | None = None,
    metric: EvalMetricParam = None,
    booster: lightgbm.Booster | None = None,
) -> None:
    """Train the model in one call of its `fit`."""
    model, train = request.model, request.train
    arguments: dict[str, Any] = {} if booster is None else {"init_model": booster}
    if callback is not None:
        parts = {"train": train_curve_rows(request)}
        if request.validation is not None:
            parts["validation"] = request.validation
        arguments |= {"eval_metric": metric, "callbacks": [callback]}
        arguments |= _eval_arguments(request, parts)
    if request.categorical:
        arguments["categorical_feature"] = list(request.categorical)
    model.fit(train.X, train.y, sample_weight=train.sample_weight, **arguments)


def _eval_arguments(request: FitRequest, parts: Mapping[str, Rows]) -> dict[str, Any]:
    rows = list(parts.values())
    arguments: dict[str, Any] = {
        "eval_names": list(parts),
        "eval_sample_weight": [part.sample_weight for part in rows],
    }
    if getattr(request.model, "class_weight", None) is not None:
        # Use the class weights for the training curve, as the training objective does.
        arguments["eval_class_weight"] = [request.model.class_weight, *[None] * len(rows[1:])]
    if not _accepts_eval_x():
        arguments["eval_set"] = [(part.X, part.y) for part in rows]
        return arguments
    targets = [part.y for part in rows]
    if request.task == "classification" and not _encodes_eval_y():
        classes = np.unique(request.train.y)
        targets = [np.searchsorted(classes, y) for y in targets]
    eval_X = tuple(part.X for part in rows)
    return {**arguments, "eval_X": eval_X, "eval_y": tuple(targets)}


@functools.cache
def _accepts_eval_x() -> bool:
    """Return whether `fit` has eval_X and eval_y; LightGBM 4.7 deprecates eval_set."""
    from lightgbm import LGBMModel

    return "eval_X" in inspect.signature(LGBMModel.fit).parameters


@functools.cache
def _encodes_eval_y() -> bool:
    """Return whether LightGBM encodes the labels in `eval_y`, tested with a fit on four rows.

    LightGBM 4.7.0 interprets them as class codes: integer labels other than 0 to k - 1
    silently give wrong validation scores. Remove this function when no supported version has
    the bug: https://github.com/lightgbm-org/LightGBM/issues/7400
    """
    from lightgbm import LGBMClassifier

    X, y = np.arange(4.0).reshape(-1, 1), np.array(["a", "b", "a", "b"])
    probe = LGBMClassifier(n_estimators=1, n_jobs=1, verbosity=-1)
    try:
        probe.fit(X, y, eval_X=(X,), eval_y=(y,))
    except ValueError:
        return False
    return True

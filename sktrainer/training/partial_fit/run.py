"""Training on one chunk: validation, encoding, model update and report update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.callbacks.progress import Progress
from sktrainer.data.indexing import take_rows
from sktrainer.data.schema import record_columns
from sktrainer.reporting.report import TrainingReport
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.runtime.resources import split_cores
from sktrainer.runtime.seeds import derive_seed
from sktrainer.runtime.stopwatch import Stopwatch
from sktrainer.scoring.predictor import Predictor
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.fit_model import partial_fit_model, unfitted_predictor
from sktrainer.training.fit_state import Facts
from sktrainer.training.messages import log_imbalance, warn_if_pretrained
from sktrainer.training.partial_fit.report import PartialFitProgress, update_report
from sktrainer.training.partial_fit.state import (
    PartialFitInputs,
    PartialFitResult,
    PartialFitState,
    PreviousFit,
    column_decisions,
)
from sktrainer.training.partial_fit.validation import (
    FIT_ONLY_PARAMS,
    check_class_weight,
    validate_first_chunk,
    validate_next_chunk,
)
from sktrainer.training.prepare import prepare
from sktrainer.training.report_builder import build_report
from sktrainer.types import FitData, PreparedData, Rows, Scores, Split

__all__ = ["run_partial_fit"]


def run_partial_fit(
    parameters: Mapping[str, Any],
    estimator: Any,
    chunk: PartialFitInputs,
    before: PreviousFit | None = None,
    output: str | None = None,
) -> PartialFitResult:
    """Validate a chunk, encode it, and update the model with it.

    Parameters
    ----------
    parameters : mapping of str to object
        The parameters of the trainer by name, without those of the estimator.
    estimator : estimator
        Not modified.
    chunk : Chunk
    before : Before or None, default=None
        State after the previous chunk or fit (None: this is the first chunk). Not modified.
    output : str or None, default=None
        Output container of the steps, as set by `set_output`.

    Raises
    ------
    InputError
        Before training starts, with all problems in the parameters and the data.
    """
    if before is None:
        learned = _fit_first_chunk(parameters, estimator, chunk, output)
    else:
        learned = _fit_next_chunk(chunk, before)
    _log_chunk(Progress(int(parameters["verbose"])), learned)
    return learned


def _fit_first_chunk(
    parameters: Mapping[str, Any], estimator: Any, chunk: PartialFitInputs, output: str | None
) -> PartialFitResult:
    watch = Stopwatch()
    with watch.stage("check"):
        parts, plan, data = validate_first_chunk(parameters, estimator, chunk)
        plan = replace(plan, steps=replace(plan.steps, output=output))
    split, progress = _all_training_rows(data), Progress(int(parameters["verbose"]))
    notes = (
        *log_imbalance(progress, plan, data, split),
        *warn_if_pretrained(progress, parts),
    )
    with watch.stage("prepare"), preserve_global_state(derive_seed(plan.seed, "global")):
        prepared = prepare(plan.steps, data, split.train, None, plan.seed, all_classes=True)
    check_class_weight(prepared, data)
    stream = PartialFitState(
        record_columns(data.X, column_decisions(prepared.steps)),
        plan.seed,
        outputs=data.y.shape[1:],
        class_weight=prepared.class_weight,
    )
    fitted = unfitted_predictor(plan.model, data, prepared)
    run, stream = _train_chunk(
        fitted, stream, prepared.train, watch, plan.model.device.override
    )
    run = replace(run, class_counts=prepared.class_counts, imbalance=prepared.imbalance)
    stream = _count_rows(stream, data, split)
    notes = (*notes, *prepared.notes, *_first_notes(parameters, prepared, split))
    facts = Facts(parameters, parts, plan, data, split, run, None, notes, watch)
    report = _report(build_report(facts), run, stream, data, watch)
    return PartialFitResult(run, split, report, stream)


def _first_notes(
    parameters: Mapping[str, Any], prepared: PreparedData, split: Split
) -> tuple[str, ...]:
    """Return notes on what the first chunk determines for all later chunks."""
    learned = f"the first chunk ({len(split.train):,} rows)"
    notes = [f"partial_fit: the steps before the model are fitted on {learned} only"]
    dropped = [d.name for d in column_decisions(prepared.steps) if d.treatment == "drop"]
    if dropped:
        notes.append(
            f"columns without information in the first chunk are dropped from all chunks: "
            f"{', '.join(dropped[:10])}{', ...' if len(dropped) > 10 else ''}"
        )
    for_fit = [
        f"{name}={value!r}"
        for name, default in FIT_ONLY_PARAMS.items()
        # Only strings are compared by value, because `cv` may hold arrays.
        if (value := parameters[name]) is not default
        and not (isinstance(value, str) and value == default)
    ]
    if for_fit:
        notes.append(
            f"partial_fit ignores {', '.join(for_fit)}: it holds out no rows and does not stop "
            "early"
        )
    return tuple(notes)


def _fit_next_chunk(chunk: PartialFitInputs, before: PreviousFit) -> PartialFitResult:
    fitted, stream, watch = before.fitted, before.stream, Stopwatch()
    with watch.stage("check"):
        data = validate_next_chunk(chunk, fitted, stream)
    split = _all_training_rows(data)
    with watch.stage("prepare"):
        weight = None if data.sample_weight is None else data.sample_weight[split.train]
        y = data.y[split.train]
        # Class weights of the first chunk apply to all chunks, so that they are comparable.
        if stream.class_weight is not None:
            of_class = stream.class_weight[fitted.class_codes][y]
            weight = of_class if weight is None else weight * of_class
        rows = Rows(fitted.encode(take_rows(data.X, split.train)), y, weight)
    run, stream = _train_chunk(fitted, stream, rows, watch)
    stream = _count_rows(stream, data, split)
    return PartialFitResult(
        run, split, _report(before.report, run, stream, data, watch), stream
    )


def _all_training_rows(data: FitData) -> Split:
    """Return a split with all rows in the training set, except those with weight zero."""
    none = np.empty(0, dtype=np.intp)
    weight = data.sample_weight
    used = np.arange(data.n_samples) if weight is None else np.flatnonzero(weight > 0)
    return Split(used, none, none, kind="chunk")


def _train_chunk(
    fitted: Predictor,
    stream: PartialFitState,
    rows: Rows,
    watch: Stopwatch,
    device: str | None = None,
) -> tuple[FitResult, PartialFitState]:
    """Train a copy of the model on encoded rows, and update the counts of the stream."""
    number, n_iter = stream.n_chunks + 1, stream.n_iter + 1
    # The global seed differs per chunk, so that a library does not draw the same numbers again.
    with (
        watch.stage("fit"),
        preserve_global_state(derive_seed(stream.seed, "chunk", number, "global")),
    ):
        outcome = partial_fit_model(
            fitted,
            rows,
            seed=derive_seed(stream.seed, "model"),
            number=number,
            n_threads=split_cores(1, 1)[1],
            device=device,
        )
    found = tuple(
        replace(value, iteration=n_iter, seconds=stream.seconds + value.seconds)
        for value in outcome.fit.evaluations
    )
    stream = replace(
        stream,
        n_iter=n_iter,
        n_chunks=number,
        seconds=stream.seconds + watch.seconds("fit"),
        evaluations=(*stream.evaluations, *found),
    )
    fit = replace(
        outcome.fit, n_iter=n_iter, best_iteration=n_iter, evaluations=stream.evaluations
    )
    return FitResult(outcome.fitted, fit, Scores(pd.DataFrame())), stream


def _count_rows(stream: PartialFitState, data: FitData, split: Split) -> PartialFitState:
    counts = None
    if data.classes is not None:
        counts = np.bincount(data.y[split.train], minlength=data.n_classes)
        counts = counts if stream.class_counts is None else counts + stream.class_counts
    return replace(stream, n_rows=stream.n_rows + len(split.train), class_counts=counts)


def _report(
    report: TrainingReport,
    run: FitResult,
    stream: PartialFitState,
    data: FitData,
    watch: Stopwatch,
) -> TrainingReport:
    counts = None
    if stream.class_counts is not None and data.classes is not None:
        labels = map(str, data.classes.tolist())
        counts = dict(zip(labels, stream.class_counts.tolist(), strict=True))
    progressed = PartialFitProgress(
        run.fitted.pipeline,
        columns=getattr(data.X, "columns", None),
        n_iter=stream.n_iter,
        n_chunks=stream.n_chunks,
        n_rows=stream.n_rows,
        class_counts=counts,
        seconds=stream.seconds,
        n_threads=split_cores(1, 1)[1],
        evaluations=stream.evaluations,
        stages=watch.to_frame(),
    )
    return update_report(report, progressed)


def _log_chunk(progress: Progress, learned: PartialFitResult) -> None:
    stream = learned.stream
    losses = [e.value for e in stream.evaluations[-1:] if e.iteration == stream.n_iter]
    loss = "".join(f", train loss {value:.4g}" for value in losses)
    progress.show(f"Chunk {stream.n_chunks:,}: {len(learned.split.train):,} rows{loss}")

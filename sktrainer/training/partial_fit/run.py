"""Training on one chunk: validation, encoding, model update and report update.

The first chunk fits the steps before the model; later chunks are transformed by them. A chunk
produces new values and does not modify the trainer, so the trainer is unchanged after a chunk
that is invalid or fails.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sktrainer.backends.base import PartialFitRequest
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.data.indexing import take_rows
from sktrainer.data.inputs import FitInputs
from sktrainer.data.schema import record_columns
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.runtime.resources import split_cores
from sktrainer.runtime.seeds import derive_seed
from sktrainer.runtime.threads import limit_threads
from sktrainer.scoring.predictor import Predictor
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.fit_model import make_predictor, model_for_codes
from sktrainer.training.log import FitLog
from sktrainer.training.messages import log_imbalance, warn_if_pretrained
from sktrainer.training.parameters import FIT_ONLY_PARAMS, TrainerParams
from sktrainer.training.partial_fit.report import update_report
from sktrainer.training.partial_fit.state import (
    PartialFitResult,
    PartialFitState,
    PreviousFit,
    column_decisions,
)
from sktrainer.training.partial_fit.validation import check_class_weight, validate_next_chunk
from sktrainer.training.plan_builder import make_plan
from sktrainer.training.prepare import prepare
from sktrainer.training.report_builder import build_report
from sktrainer.training.validation import validate
from sktrainer.types import (
    Array,
    FitData,
    ModelFit,
    PreparedData,
    PreparedSummary,
    Rows,
    Scores,
    Split,
)


@preserve_global_state()
def run_partial_fit(
    params: TrainerParams, inputs: FitInputs, previous: PreviousFit | None = None
) -> PartialFitResult:
    """Validate a chunk, encode it, and update the model with it.

    `previous` is the state after the previous chunk or fit (None: this is the first chunk). It
    is not modified.

    Raises
    ------
    InputError
        Before training starts, with all problems in the parameters and the data.
    """
    log = FitLog(params.verbose)
    with log.record_warnings():
        if previous is None:
            result = _fit_first_chunk(params, inputs, log)
        else:
            result = _fit_next_chunk(inputs, previous, log)
    state = result.state
    losses = [e.value for e in state.evaluations[-1:] if e.iteration == state.n_iter]
    loss = "".join(f", train loss {value:.4g}" for value in losses)
    log.show(f"Chunk {state.n_chunks:,}: {len(result.split.train):,} rows{loss}")
    return result


def _fit_first_chunk(params: TrainerParams, inputs: FitInputs, log: FitLog) -> PartialFitResult:
    with log.stage("check"):
        checked = validate(params, inputs)
        plan = make_plan(params, checked).without_early_stopping()
    data = checked.data
    split = _all_training_rows(data)
    log_imbalance(log, plan, data, split)
    warn_if_pretrained(log, plan.model)
    with log.stage("prepare"), preserve_global_state(derive_seed(plan.seed, "global")):
        prepared = prepare(plan.steps, data, split, plan.seed, all_classes=True)
    check_class_weight(prepared, data)
    log.add_notes(*prepared.summary.notes, *_first_notes(params, prepared, split))
    state = PartialFitState(
        record_columns(data.X, column_decisions(prepared.steps)),
        plan.seed,
        outputs=data.y.shape[1:],
        class_weight=prepared.summary.class_weight,
    )
    model = model_for_codes(plan.model, data, prepared)
    unfitted = make_predictor(ModelFit(model, "partial_fit"), plan.model, data, prepared)
    device = plan.model.device.override
    result, state = _train_chunk(unfitted, state, prepared.train, log, device)
    result = replace(result, prepared=prepared.summary)
    state = _count_rows(state, data, split)
    report = build_report(plan, data, split, result, log)
    report = update_report(report, state, result, data, log)
    return PartialFitResult(result, split, report, state)


def _first_notes(
    params: TrainerParams, prepared: PreparedData, split: Split
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
    values, defaults = params.values(), params.with_defaults(FIT_ONLY_PARAMS).values()
    ignored = [
        f"{name}={values[name]!r}"
        for name in FIT_ONLY_PARAMS
        if repr(values[name]) != repr(defaults[name])  # arrays have no single truth value
    ]
    if ignored:
        notes.append(
            f"partial_fit ignores {', '.join(ignored)}: it holds out no rows and does not stop "
            "early"
        )
    return tuple(notes)


def _fit_next_chunk(inputs: FitInputs, previous: PreviousFit, log: FitLog) -> PartialFitResult:
    predictor, state = previous.predictor, previous.state
    with log.stage("check"):
        data = validate_next_chunk(inputs, predictor, state)
    split = _all_training_rows(data)
    with log.stage("prepare"):
        weight = None if data.sample_weight is None else data.sample_weight[split.train]
        y = data.y[split.train]
        # Class weights of the first chunk apply to all chunks, so that they are comparable.
        if state.class_weight is not None and predictor.decoded is not None:
            of_class = state.class_weight[predictor.decoded.class_codes][y]
            weight = of_class if weight is None else weight * of_class
        rows = Rows(predictor.encode(take_rows(data.X, split.train)), y, weight)
    result, state = _train_chunk(predictor, state, rows, log)
    state = _count_rows(state, data, split)
    report = update_report(previous.report, state, result, data, log)
    return PartialFitResult(result, split, report, state)


def _all_training_rows(data: FitData) -> Split:
    """Return a split with all rows in the training set, except those with weight zero."""
    none = np.empty(0, dtype=np.intp)
    weight = data.sample_weight
    used = np.arange(data.n_samples) if weight is None else np.flatnonzero(weight > 0)
    return Split(used, none, none, kind="chunk")


def _train_chunk(
    predictor: Predictor,
    state: PartialFitState,
    rows: Rows,
    log: FitLog,
    device: str | None = None,
) -> tuple[FitResult, PartialFitState]:
    """Train a copy of the model on encoded rows, and update the counts of the state.

    `y` of the rows holds positions in the classes of the model, or numbers. `device` is that
    of a model that is not fitted yet (None: the library's default).
    """
    number, n_iter = state.n_chunks + 1, state.n_iter + 1
    classes: Array | None = None
    decoded = predictor.decoded
    if decoded is not None:
        known = decoded.classes[decoded.class_codes]
        classes = known if decoded.reads_labels else np.arange(len(known))
        rows = replace(rows, y=classes[rows.y])
    n_threads = split_cores(1, 1)[1]
    request = PartialFitRequest(
        model=predictor.model,
        task=predictor.task,
        train=rows,
        monitor=Monitor(EvalMetric()),
        seed=derive_seed(state.seed, "model"),
        n_threads=n_threads,
        device=device,
        classes=classes,
        number=number,
    )
    fit_chunk = find_backend(predictor.model).fit_chunk
    assert fit_chunk is not None  # checked before the first chunk
    # The global seed differs per chunk, so that a library does not draw the same numbers again.
    with (
        log.stage("fit"),
        preserve_global_state(derive_seed(state.seed, "chunk", number, "global")),
        limit_threads(n_threads),
    ):
        fit = fit_chunk(request)
    found = tuple(
        replace(value, iteration=n_iter, seconds=state.seconds + value.seconds)
        for value in fit.evaluations
    )
    state = replace(
        state,
        n_iter=n_iter,
        n_chunks=number,
        seconds=state.seconds + log.seconds("fit"),
        evaluations=(*state.evaluations, *found),
    )
    fit = replace(fit, n_iter=n_iter, best_iteration=n_iter, evaluations=state.evaluations)
    return _chunk_result(predictor, fit), state


def _chunk_result(predictor: Predictor, fit: ModelFit) -> FitResult:
    fitted = predictor.with_model(fit.model)
    return FitResult(fitted, fit, Scores(pd.DataFrame()), PreparedSummary())


def _count_rows(state: PartialFitState, data: FitData, split: Split) -> PartialFitState:
    counts = None
    if data.classes is not None:
        counts = np.bincount(data.y[split.train], minlength=data.n_classes)
        counts = counts if state.class_counts is None else counts + state.class_counts
    return replace(state, n_rows=state.n_rows + len(split.train), class_counts=counts)

"""One `partial_fit`: a chunk of rows, from its checks to the report.

    chunk ─ check ─► CheckedData ─ encode ─► Rows ─ step ─► FittedModel ─► TrainingReport

The first chunk fits the steps before the model; later ones go through them as they are.
Nothing of the trainer is changed on the way: what a chunk leaves is a new value, so that a
chunk that is refused, or a step that fails, leaves what was there before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_regressor

from sktrainer.anatomy import Anatomy, dissect
from sktrainer.encoding.table.schema import Schema, schema_of
from sktrainer.encoding.table_encoder import TableEncoder
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.flow import Run
from sktrainer.parameters import parameter_problems
from sktrainer.recipe import Recipe, make_recipe
from sktrainer.reporting import Facts, build_report
from sktrainer.results.chunks import Progressed, report_after
from sktrainer.results.fitted import FittedModel
from sktrainer.results.report import TrainingReport
from sktrainer.running.caller_state import kept
from sktrainer.running.progress import Progress
from sktrainer.running.resources import Stopwatch, plan_jobs
from sktrainer.running.seeding import derive_seed, root_seed
from sktrainer.stages.checks import RawInput, check_data
from sktrainer.stages.fitting import fit_chunk, untrained
from sktrainer.stages.preparing import prepare, take_rows
from sktrainer.training import (
    Trained,
    check_all,
    for_the_network_alone,
    tell_imbalance,
    tell_trained,
)
from sktrainer.types import Array, CheckedData, Evaluation, Prepared, Rows, Scores, Split

__all__ = ["Before", "Chunk", "Learned", "Stream", "learn_chunk", "stream_after"]

OF_FIT_ALONE: dict[str, Any] = {
    "split": "auto",
    "time_column": None,
    "test_size": None,
    "validation_size": "auto",
    "cv": None,
    "early_stopping": "auto",
    "refit": False,
}
"""Parameters that `partial_fit` leaves alone, with their defaults."""


@dataclass(frozen=True)
class Chunk:
    """The arguments of one `partial_fit`, as they came."""

    X: Any
    y: Any
    classes: Any = None
    sample_weight: Any = None
    multi_output: bool = False

    def raw(self, *, tabular: bool = True, classes: Any = None) -> RawInput:
        """Return them as the checks take them."""
        return RawInput(
            self.X,
            self.y,
            sample_weight=self.sample_weight,
            tabular=tabular,
            multi_output=self.multi_output,
            chunk=True,
            classes=classes,
        )


@dataclass(frozen=True)
class Stream:
    """What the chunks (or the fit) before leave for the next, besides the fitted pipeline.

    Attributes
    ----------
    schema : Schema
        What the columns of the first rows held.
    seed : int
        The one that all others come from.
    outputs : tuple of int
        The shape of one row's target.
    class_weight : ndarray of shape (n_classes,) or None
        The weights that the first rows gave the classes, where they did.
    class_counts : ndarray of shape (n_classes,) or None
        Rows of each class in the chunks so far.
    n_iter : int
        Iterations of the fit before, if there was one, and chunks.
    n_chunks, n_rows : int
        Of `partial_fit` alone; rows of weight zero do not count.
    seconds : float
        That the steps of the model have taken.
    evaluations : tuple of Evaluation
    """

    schema: Schema
    seed: int
    outputs: tuple[int, ...] = ()
    class_weight: Array | None = None
    class_counts: Array | None = None
    n_iter: int = 0
    n_chunks: int = 0
    n_rows: int = 0
    seconds: float = 0.0
    evaluations: tuple[Evaluation, ...] = ()


@dataclass(frozen=True)
class Before:
    """A trainer as it stands before a chunk that is not its first."""

    fitted: FittedModel
    stream: Stream
    report: TrainingReport


@dataclass(frozen=True)
class Learned:
    """All that one `partial_fit` leaves behind."""

    run: Run
    split: Split
    report: TrainingReport
    stream: Stream
    cv: None = None


def stream_after(trained: Trained) -> Stream:
    """Return what an ordinary fit leaves for chunks that may follow."""
    run, data = trained.run, trained.data
    return Stream(
        schema=schema_of(data.X, _decisions(run.fitted.pipeline.steps)),
        seed=trained.recipe.seed,
        outputs=data.y.shape[1:],
        class_weight=run.class_weight,
        n_iter=run.fit.n_iter or 0,
        evaluations=tuple(run.fit.evaluations),
    )


def learn_chunk(
    parameters: Mapping[str, Any],
    estimator: Any,
    chunk: Chunk,
    before: Before | None = None,
    output: str | None = None,
) -> Learned:
    """Check a chunk, encode it, and take the model one step further.

    Parameters
    ----------
    parameters : mapping of str to object
        The trainer's own parameters but the estimator, by name.
    estimator : estimator
        Read, never changed.
    chunk : Chunk
    before : Before or None, default=None
        None: this is the first chunk. Never changed.
    output : str or None, default=None
        The container that `set_output` asked the steps for.

    Returns
    -------
    Learned

    Raises
    ------
    InputError
        Before anything is trained, with every mistake in parameters and data.
    """
    if before is None:
        learned = _first(parameters, estimator, chunk, output)
    else:
        learned = _next(chunk, before)
    _tell(Progress(int(parameters["verbose"])), learned)
    return learned


def _first(
    parameters: Mapping[str, Any], estimator: Any, chunk: Chunk, output: str | None
) -> Learned:
    watch = Stopwatch()
    with watch.stage("check"):
        anatomy, recipe, data = _check_first(parameters, estimator, chunk)
        recipe = replace(recipe, steps=replace(recipe.steps, output=output))
    split, progress = _all_rows(data), Progress(int(parameters["verbose"]))
    notes = (
        *tell_imbalance(progress, recipe, data, split),
        *tell_trained(progress, anatomy),
    )
    with watch.stage("prepare"), kept(derive_seed(recipe.seed, "global")):
        prepared = prepare(recipe.steps, data, split.train, None, recipe.seed, all_classes=True)
    _check_class_weight(prepared, data)
    stream = Stream(
        schema_of(data.X, _decisions(prepared.steps)),
        recipe.seed,
        outputs=data.y.shape[1:],
        class_weight=prepared.class_weight,
    )
    run, stream = _step(untrained(recipe.model, data, prepared), stream, prepared.train, watch)
    run = replace(run, class_counts=dict(prepared.class_counts), imbalance=prepared.imbalance)
    stream = _counted(stream, data, split)
    notes = (*notes, *prepared.notes, *_first_notes(parameters, prepared, split))
    facts = Facts(parameters, anatomy, recipe, data, split, run, None, notes, watch)
    report = _report(build_report(facts), run, stream, data, watch)
    return Learned(run, split, report, stream)


def _check_first(
    parameters: Mapping[str, Any], estimator: Any, chunk: Chunk
) -> tuple[Anatomy, Recipe, CheckedData]:
    """Check parameters, estimator and chunk, and decide what needs no row of it."""
    problems = parameter_problems(parameters)
    if problems:
        raise ParameterError(problems)
    parameters = for_the_network_alone({**parameters, **OF_FIT_ALONE}, estimator, chunk.X)
    names_classes = chunk.classes is not None and parameters["task"] == "auto"
    if names_classes and not is_regressor(dissect(estimator).model):
        parameters = {**parameters, "task": "classification"}
    anatomy, data = check_all(parameters, estimator, chunk.raw(classes=chunk.classes))
    seed = root_seed(parameters["random_state"])
    recipe = make_recipe(parameters, anatomy, data, seed).without_stopping()
    drawn = [step for _, step in anatomy.steps if hasattr(step, "fit_resample")]
    method = recipe.steps.imbalance
    if method is not None and not (
        method == "class_weight" or (method == "auto" and recipe.steps.weights)
    ):
        drawn.append(method)
    if drawn:
        raise ParameterError([_sampling_problem(method) for method in drawn])
    return anatomy, recipe, data


def _sampling_problem(method: Any) -> str:
    name = type(method).__name__
    if isinstance(method, str):
        name = f"handle_imbalance={method!r}"
    return (
        f"{name} would resample for this model, and partial_fit cannot: a chunk is a part of "
        "the rows, which may lack a class; use handle_imbalance='class_weight', whose weights "
        "come from the first chunk (where the model takes weights), or None"
    )


def _check_class_weight(prepared: Prepared, data: CheckedData) -> None:
    if prepared.class_weight is None or data.classes is None:
        return
    missing = np.flatnonzero(np.asarray(prepared.class_counts["before"]) == 0)
    if len(missing):
        raise InputError(
            "the weights of the classes come from the first chunk, which has no row of "
            f"{data.classes.tolist()[missing[0]]!r}; begin with a chunk that has every class, "
            "or leave out handle_imbalance"
        )


def _first_notes(
    parameters: Mapping[str, Any], prepared: Prepared, split: Split
) -> tuple[str, ...]:
    """Say what the first chunk decided for all that follow."""
    learned = f"the first chunk ({len(split.train):,} rows)"
    notes = [f"partial_fit: the steps before the model were fitted on {learned} and stay so"]
    dropped = [d.name for d in _decisions(prepared.steps) if d.treatment == "drop"]
    if dropped:
        notes.append(
            f"columns that told nothing in the first chunk are left out for good: "
            f"{', '.join(dropped[:10])}{', ...' if len(dropped) > 10 else ''}"
        )
    for_fit = [
        f"{name}={parameters[name]!r}"
        for name, default in OF_FIT_ALONE.items()
        if not (parameters[name] is default or isinstance(parameters[name], str))
    ]
    if for_fit:
        notes.append(
            f"{', '.join(for_fit)}: of fit alone; partial_fit holds out no rows and stops "
            "nothing"
        )
    return tuple(notes)


def _next(chunk: Chunk, before: Before) -> Learned:
    fitted, stream, watch = before.fitted, before.stream, Stopwatch()
    with watch.stage("check"):
        data = _check_next(chunk, fitted, stream)
    split = _all_rows(data)
    with watch.stage("prepare"):
        weight = None if data.sample_weight is None else data.sample_weight[split.train]
        y = data.y[split.train]
        if stream.class_weight is not None:
            of_class = stream.class_weight[fitted.class_codes][y]
            weight = of_class if weight is None else weight * of_class
        rows = Rows(fitted.encode(take_rows(data.X, split.train)), y, weight)
    run, stream = _step(fitted, stream, rows, watch)
    stream = _counted(stream, data, split)
    return Learned(run, split, _report(before.report, run, stream, data, watch), stream)


def _check_next(chunk: Chunk, fitted: FittedModel, stream: Stream) -> CheckedData:
    """Check a chunk against those before; its `y` are positions into the known classes."""
    samplers = [s for _, s in fitted.pipeline.steps if hasattr(s, "fit_resample")]
    problems = [_sampling_problem(sampler) for sampler in samplers]
    known, tabular = None, bool(_decisions(fitted.pipeline.steps))
    if fitted.classes is not None:
        known = fitted.classes[fitted.class_codes]
        problems += _classes_problems(chunk.classes, fitted.classes)
    data = None
    try:
        data = check_data(chunk.raw(tabular=tabular, classes=known), fitted.task, fitted.model)
    except InputError as error:
        problems += error.problems
    else:
        problems += stream.schema.problems(data.X)
        if data.y.shape[1:] != stream.outputs:
            problems.append(
                f"y must have as many columns as before, {_width(stream.outputs)}, got "
                f"{_width(data.y.shape[1:])}; pass the same targets in every chunk"
            )
    if problems or data is None:
        raise InputError(problems)
    return data


def _width(outputs: tuple[int, ...]) -> int:
    return outputs[0] if outputs else 1


def _classes_problems(classes: Any, before: Array) -> list[str]:
    if classes is None or set(np.asarray(classes).tolist()) == set(before.tolist()):
        return []
    problem = (
        f"classes must be those of the first call, {before.tolist()!r}, got "
        f"{np.asarray(classes).tolist()!r}; leave it out after the first call"
    )
    return [problem]


def _all_rows(data: CheckedData) -> Split:
    """Count every row as a training row, but for rows of weight zero."""
    none = np.empty(0, dtype=np.intp)
    weight = data.sample_weight
    used = np.arange(data.n_samples) if weight is None else np.flatnonzero(weight > 0)
    return Split(used, none, none, kind="chunk")


def _step(
    fitted: FittedModel, stream: Stream, rows: Rows, watch: Stopwatch
) -> tuple[Run, Stream]:
    """Train a copy of the model on encoded rows, and count the chunk."""
    number, n_iter = stream.n_chunks + 1, stream.n_iter + 1
    with (
        watch.stage("fit"),
        kept(derive_seed(stream.seed, "chunk", number, "global")),
    ):
        outcome = fit_chunk(
            fitted,
            rows,
            seed=derive_seed(stream.seed, "model"),
            number=number,
            n_threads=plan_jobs(1, 1)[1],
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
    return Run(outcome.fitted, fit, Scores(pd.DataFrame()), class_weight=stream.class_weight), (
        stream
    )


def _counted(stream: Stream, data: CheckedData, split: Split) -> Stream:
    counts = None
    if data.classes is not None:
        counts = np.bincount(data.y[split.train], minlength=data.n_classes)
        counts = counts if stream.class_counts is None else counts + stream.class_counts
    return replace(stream, n_rows=stream.n_rows + len(split.train), class_counts=counts)


def _report(
    report: TrainingReport, run: Run, stream: Stream, data: CheckedData, watch: Stopwatch
) -> TrainingReport:
    counts = None
    if stream.class_counts is not None and data.classes is not None:
        labels = map(str, data.classes.tolist())
        counts = dict(zip(labels, stream.class_counts.tolist(), strict=True))
    progressed = Progressed(
        run.fitted.pipeline,
        columns=getattr(data.X, "columns", None),
        n_iter=stream.n_iter,
        n_chunks=stream.n_chunks,
        n_rows=stream.n_rows,
        class_counts=counts,
        seconds=stream.seconds,
        n_threads=plan_jobs(1, 1)[1],
        evaluations=stream.evaluations,
        stages=watch.frame(),
    )
    return report_after(report, progressed)


def _decisions(steps: Sequence[tuple[str, Any]]) -> tuple[Any, ...]:
    """Return what the automatic preprocessor found in each column, () where there is none."""
    encoders = (step for _, step in steps if isinstance(step, TableEncoder))
    return next((encoder.decisions_ for encoder in encoders), ())


def _tell(progress: Progress, learned: Learned) -> None:
    stream = learned.stream
    losses = [e.value for e in stream.evaluations[-1:] if e.iteration == stream.n_iter]
    loss = "".join(f", train loss {value:.4g}" for value in losses)
    progress.done(f"Chunk {stream.n_chunks:,}: {len(learned.split.train):,} rows{loss}")

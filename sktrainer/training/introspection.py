"""Facts read from a fitted pipeline: steps, column treatments, seeds and packages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sktrainer.backends.registry import find_backend
from sktrainer.reporting.content import ColumnTreatment


def step_classes(pipeline: Any) -> dict[str, str]:
    """Return the class name of each step by step name, in order.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import Pipeline
    >>> step_classes(Pipeline([("none", "passthrough"), ("model", Ridge())]))
    {'none': 'passthrough', 'model': 'Ridge'}
    """
    return {
        name: step if isinstance(step, str) else type(step).__name__
        for name, step in pipeline.steps
    }


def column_treatments(pipeline: Any, *, most: int = 1000) -> tuple[ColumnTreatment, ...]:
    """Return the treatment of each column, or () without an automatic preprocessor.

    A step with a `decisions_` attribute is the automatic preprocessor. With more columns than
    `most`, columns with the same treatment share one entry.
    """
    found = (getattr(step, "decisions_", None) for _, step in pipeline.steps[:-1])
    decisions = next((some for some in found if some is not None), ())
    if len(decisions) > most:
        return _grouped(decisions)
    return tuple(
        ColumnTreatment(
            name=decision.name,
            kind=decision.kind,
            treatment=decision.treatment,
            n_levels=decision.n_levels,
            n_missing=decision.n_missing,
            detail=decision.detail,
        )
        for decision in decisions
    )


def _grouped(decisions: Iterable[Any]) -> tuple[ColumnTreatment, ...]:
    groups: dict[tuple[str, str], list[Any]] = {}
    for decision in decisions:
        groups.setdefault((decision.kind, decision.treatment), []).append(decision)
    return tuple(
        ColumnTreatment(
            name=alike[0].name if len(alike) == 1 else f"{alike[0].name} … {alike[-1].name}",
            n_columns=len(alike),
            kind=kind,
            treatment=treatment,
            n_missing=sum(decision.n_missing for decision in alike),
        )
        for (kind, treatment), alike in groups.items()
    )


def fitted_seeds(pipeline: Any) -> dict[str, int]:
    """Return the seeds of the steps and the model, by step name.

    The seed of a nested estimator is listed under a dotted name, as "model.estimator".

    Examples
    --------
    >>> from sklearn.ensemble import BaggingRegressor
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import Pipeline
    >>> inside = BaggingRegressor(Ridge(random_state=2), random_state=1)
    >>> fitted_seeds(Pipeline([("model", inside)]))
    {'model': 1, 'model.estimator': 2}
    """
    seeds: dict[str, int] = {}
    for name, step in pipeline.steps:
        parameters = step.get_params(deep=True) if hasattr(step, "get_params") else {}
        for path in sorted(parameters, key=lambda path: (path.count("__"), path)):
            *within, last = path.split("__")
            owner = parameters.get("__".join(within), step)
            is_seed = last in find_backend(owner).parameters.seeds
            if is_seed and hasattr(parameters[path], "__index__"):
                seeds[".".join([name, *within])] = int(parameters[path])
    return seeds


def target_scaling(pipeline: Any) -> dict[str, list[float]] | None:
    """Return "mean" and "deviation" of each target column if the target was standardized.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import Pipeline
    >>> target_scaling(Pipeline([("model", Ridge())])) is None
    True
    """
    scale = getattr(pipeline.steps[-1][1], "target_scale_", None)
    if scale is None:
        return None
    return {"mean": scale.mean.tolist(), "deviation": scale.deviation.tolist()}

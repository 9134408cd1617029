"""Open the checkpoint folder of a fit, identified by its data, parameters and versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import joblib
import numpy as np

from sktrainer.anatomy import EstimatorParts
from sktrainer.backends.registry import find_backend
from sktrainer.results.inventory import root_packages
from sktrainer.running.checkpoint import as_checkpoint, resolve_schedule
from sktrainer.running.checkpoints.identity import RunIdentity, describe_value
from sktrainer.running.checkpoints.store import RunDirectory, open_run_directory
from sktrainer.running.progress import Progress
from sktrainer.running.resources import library_versions
from sktrainer.stages.checks import FitInputs
from sktrainer.storage.fingerprint import fingerprint
from sktrainer.types import FitData

__all__ = ["open_run"]

_LIBRARIES = ("sktrainer", "sklearn", "imblearn", "numpy", "pandas", "scipy")
_BELOW = {"skorch": ("torch",), "scikeras": ("keras",)}
# These parameters change speed and output text, but not the fitted model.
_EXCLUDED_PARAMS = frozenset({"checkpoint", "n_jobs", "verbose"})
_THREADS = frozenset(
    {"n_jobs", "nthread", "nthreads", "num_thread", "num_threads", "thread_count", "verbose"}
)
_DATA = ("X", "y", "sample_weight", "groups", "X_val", "y_val", "sample_weight_val")


@contextmanager
def open_run(
    parameters: Mapping[str, Any],
    estimator: Any,
    raw: FitInputs,
    parts: EstimatorParts,
    data: FitData,
    seed: int,
) -> Iterator[RunDirectory | None]:
    """Lock and yield the checkpoint folder of a fit; yield None without a checkpoint.

    Parameters
    ----------
    parameters : mapping of str to object
        Parameters of the trainer by name.
    estimator : estimator
    raw : RawInput
        The arguments of `fit` as they were passed.
    anatomy : Anatomy
    data : CheckedData
        Only its task is used.
    seed : int
        Drawn from `random_state` for this call.

    Raises
    ------
    CheckpointMismatchError
        If the folder holds a run with other data, parameters or library versions.
    CheckpointError
        If another fit is writing to the folder, or it cannot be written.
    """
    if parameters.get("checkpoint") is None:
        yield None
        return
    checkpoint = as_checkpoint(parameters["checkpoint"])
    in_segments = (
        find_backend(parts.model).capabilities(parts.model, data.task).segmented_training
    )
    rhythm = resolve_schedule(checkpoint, in_segments=in_segments)
    described = _parameters(parameters, estimator, seed)
    if in_segments:  # each segment has a seed of its own, so its length affects the model
        described["checkpoint's every"] = rhythm.every
    identity = RunIdentity(_data(raw), described, _versions(parts))
    with open_run_directory(checkpoint, rhythm, identity, seed) as store:
        _log_resume(store, int(parameters["verbose"]))
        yield store


def _log_resume(store: RunDirectory, verbose: int) -> None:
    what = f"resumed ({store.progress})" if store.progress else "started"
    Progress(verbose).show(f"Checkpoint {str(store.folder)!r}: {what}")


def _parameters(parameters: Mapping[str, Any], estimator: Any, seed: int) -> dict[str, Any]:
    """Describe every parameter that affects the model; nested parameters by nested names."""
    described: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in _EXCLUDED_PARAMS:
            _describe_param(name, value, described)
    _describe_param("estimator", estimator, described)
    if isinstance(parameters["random_state"], (np.random.RandomState, np.random.Generator)):
        described["random_state"] = f"a generator that drew the seed {seed}"
    return described


def _describe_param(name: str, value: Any, into: dict[str, Any]) -> None:
    """Describe a parameter; an estimator by its class and one entry per nested parameter."""
    if not _is_estimator(value):
        into[name] = describe_value(value)
        return
    inside = value.get_params(deep=True)
    into[name] = _class_name(value)
    for inner, of_inner in inside.items():
        if inner.rpartition("__")[2] not in _THREADS:
            into[f"{name}__{inner}"] = _describe_nested(of_inner, inside)


def _describe_nested(value: Any, inside: Mapping[str, Any]) -> Any:
    """Describe a parameter, without sub-estimators that have entries of their own."""
    if _is_estimator(value):
        return _class_name(value)
    if isinstance(value, (list, tuple)):
        named = [item for item in value if isinstance(item, tuple) and len(item) >= 2]
        if named and all(isinstance(n[0], str) and n[0] in inside for n in named):
            return [[item[0], *map(_class_or_value, item[1:])] for item in named]
    return describe_value(value)


def _class_or_value(value: Any) -> Any:
    return _class_name(value) if _is_estimator(value) else describe_value(value)


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _class_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _data(raw: FitInputs) -> dict[str, str]:
    values = {name: getattr(raw, name) for name in _DATA}
    return {
        name: value if isinstance(value, str) else _fingerprint(value)
        for name, value in values.items()
        if value is not None
    }


def _fingerprint(value: Any) -> str:
    try:
        return fingerprint(value)
    except Exception:  # X may be anything that the first step of a Pipeline accepts
        return str(joblib.hash(value))


def _versions(parts: EstimatorParts) -> dict[str, str]:
    names = [*_LIBRARIES, *root_packages([parts.model, *(step for _, step in parts.steps)])]
    names += [below for name in names for below in _BELOW.get(name, ())]
    versions = library_versions(dict.fromkeys(names))
    # A new patch release of Python must not prevent a resume: keep major and minor only.
    python = library_versions(["python"])["python"].split(".")
    return {"python": ".".join(python[:2]), **versions}

"""Identity of a checkpointed run, and its folder."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from types import CodeType
from typing import Any

import joblib
import numpy as np

from sktrainer.backends.estimators import EstimatorParts, is_raw_network
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.progress import Progress
from sktrainer.checkpoints.identity import RunIdentity
from sktrainer.checkpoints.run import RunDirectory, open_run_directory
from sktrainer.checkpoints.schedule import as_checkpoint, resolve_schedule
from sktrainer.data.fingerprint.fingerprint import fingerprint
from sktrainer.data.inputs import FitInputs
from sktrainer.runtime.signatures import import_path
from sktrainer.training.provenance import library_versions, root_packages
from sktrainer.types import FitData


def describe_value(value: object) -> Any:
    """Convert a value to JSON types, such that equal values give equal results.

    Numbers, strings and containers are kept. A class is replaced by its name; a function or
    network class by its name and a digest of its code; any other object by its class name
    and a digest of its content.

    Examples
    --------
    >>> describe_value({"depth": np.int64(3), "classes": (0, "a", None)})
    {'depth': 3, 'classes': [0, 'a', None]}
    >>> from sklearn.linear_model import Ridge
    >>> describe_value(Ridge)
    'sklearn.linear_model._ridge.Ridge'
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return "nan" if math.isnan(number) else number  # NaN is not equal to itself
    if isinstance(value, (list, tuple)):
        return [describe_value(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): describe_value(item) for key, item in value.items()}
    if isinstance(value, type):
        # The class of a network is user code: a change must be detected.
        methods = f" #{_methods(value)}" if is_raw_network(value) else ""
        return import_path(value) + methods
    code = getattr(value, "__code__", None)
    if isinstance(code, CodeType):
        return f"{import_path(value)} #{_short_digest(_code(code))}"
    if hasattr(value, "get_params"):
        return {
            "class": import_path(type(value)),
            **describe_value(value.get_params(deep=False)),
        }
    content = _content(_network_content(value))
    return f"{import_path(type(value))} #{content}".rstrip("# ")


def _short_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _methods(cls: type) -> str:
    """Return a digest of the code of the methods of a class."""
    codes = {name: getattr(value, "__code__", None) for name, value in vars(cls).items()}
    parts = [name.encode() + _code(c) for name, c in sorted(codes.items()) if c is not None]
    return _short_digest(b"|".join(parts))


def _code(code: CodeType) -> bytes:
    """Return the bytecode, names and constants of a function, without its location."""
    parts: Sequence[Any] = [code.co_code, repr(code.co_names).encode()]
    return b"|".join([*parts, *map(_constant, code.co_consts)])


def _constant(value: object) -> bytes:
    if isinstance(value, CodeType):
        return _code(value)
    # The iteration order of a set of strings differs between processes.
    return repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value).encode()


def _network_content(value: object) -> Any:
    """Decompose a network or a part of one, because its pickle is not deterministic."""
    networks = find_backend(value).networks
    described = None if networks is None else networks.describe(value)
    return value if described is None else described


def _content(value: object) -> str:
    """Return a digest of an object, or an empty string if it cannot be pickled."""
    try:
        return str(joblib.hash(value))[:12]
    except Exception:  # pickling can raise anything; the class name is then used alone
        return ""


_LIBRARIES = ("sktrainer", "sklearn", "imblearn", "numpy", "pandas", "scipy")

# These parameters change speed, checks and output text, but not the fitted model.
_EXCLUDED_PARAMS = frozenset({"audit", "checkpoint", "n_jobs", "verbose"})
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

    `parameters` are those of the trainer by name, and `raw` the arguments of `fit` as they were
    passed. Of `data`, only the task is used. `seed` was drawn from `random_state` for this
    call.

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
    segmented_training = (
        find_backend(parts.model).capabilities(parts.model, data.task).segmented_training
    )
    schedule = resolve_schedule(checkpoint, segmented_training=segmented_training)
    described = _parameters(parameters, estimator, seed)
    if (
        segmented_training
    ):  # each segment has a seed of its own, so its length affects the model
        described["checkpoint's every"] = schedule.every
    identity = RunIdentity(_data(raw), described, _versions(parts))
    with open_run_directory(checkpoint, schedule, identity, seed) as store:
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
    into[name] = import_path(type(value))
    for inner, of_inner in inside.items():
        path, _, last = inner.rpartition("__")
        spec = find_backend(inside.get(path, value)).parameters
        if last not in (*spec.threads, *spec.verbosity):
            into[f"{name}__{inner}"] = _describe_nested(of_inner, inside)


def _describe_nested(value: object, inside: Mapping[str, Any]) -> Any:
    """Describe a parameter, without sub-estimators that have entries of their own."""
    if _is_estimator(value):
        return import_path(type(value))
    if isinstance(value, (list, tuple)):
        named = [item for item in value if isinstance(item, tuple) and len(item) >= 2]
        if named and all(isinstance(n[0], str) and n[0] in inside for n in named):
            return [[item[0], *map(_class_or_value, item[1:])] for item in named]
    return describe_value(value)


def _class_or_value(value: object) -> Any:
    return import_path(type(value)) if _is_estimator(value) else describe_value(value)


def _is_estimator(value: object) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _data(raw: FitInputs) -> dict[str, str]:
    values = {name: getattr(raw, name) for name in _DATA}
    return {
        name: value if isinstance(value, str) else _fingerprint(value)
        for name, value in values.items()
        if value is not None
    }


def _fingerprint(value: object) -> str:
    try:
        return fingerprint(value)
    except Exception:  # X may be anything that the first step of a Pipeline accepts
        return str(joblib.hash(value))


def _versions(parts: EstimatorParts) -> dict[str, str]:
    names = [*_LIBRARIES, *root_packages([parts.model, *(step for _, step in parts.steps)])]
    versions = library_versions(dict.fromkeys(names))
    # A new patch release of Python must not prevent a resume: keep major and minor only.
    python = library_versions(["python"])["python"].split(".")
    return {"python": ".".join(python[:2]), **versions}

"""What a fit was made from: parameters as text, library versions, data fingerprint."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from typing import Any

from sktrainer.backends.estimators import EstimatorParts, iter_nested_models
from sktrainer.backends.registry import find_backend
from sktrainer.data.fingerprint.fingerprint import Fingerprint, fingerprint_inputs
from sktrainer.data.inputs import FIT_ARGUMENTS, FitInputs
from sktrainer.exceptions import InputError
from sktrainer.reporting.formats import short_repr
from sktrainer.training.log import FitLog

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the installed libraries among `names`, without importing them.

    Use import names; "python" stands for the interpreter.

    Examples
    --------
    >>> list(library_versions(["sklearn", "no_such_library"]))
    ['sklearn']
    """
    found = {name: _version(name) for name in names}
    return {name: version for name, version in found.items() if version is not None}


@lru_cache(maxsize=256)
def _version(name: str) -> str | None:
    if name == "python":
        return platform.python_version()
    loaded = getattr(sys.modules.get(name), "__version__", None)
    if isinstance(loaded, str):
        return loaded
    try:
        return metadata.version(_DISTRIBUTIONS.get(name, name))
    except metadata.PackageNotFoundError:
        return None


def root_packages(objects: Iterable[Any]) -> list[str]:
    """Return the top-level packages of the classes of these objects, without duplicates.

    Nested estimators are included. Networks have further packages below the library of their
    class.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> root_packages([Ridge(), Ridge(), "passthrough"])
    ['sklearn']
    """
    names: list[str] = []
    for item in (each for outer in objects for each in (outer, *iter_nested_models(outer))):
        names.append(type(item).__module__.partition(".")[0])
        networks = find_backend(item).networks
        names += () if networks is None else networks.runtime_packages(item)
    return [name for name in dict.fromkeys(names) if name not in ("builtins", "__main__")]


_LIBRARIES = ("python", "sktrainer", "scikit-learn", "numpy", "pandas", "scipy")


def fingerprint_or_note(inputs: FitInputs, log: FitLog) -> Fingerprint | None:
    """Return the fingerprint of the data. If there is none, note the reason.

    Data that cannot be hashed must not prevent training.
    """
    others = {name: getattr(inputs, name) for name in FIT_ARGUMENTS}
    try:
        return fingerprint_inputs(inputs.X, inputs.y, **others)
    except Exception as error:  # X may be anything that the first step of a Pipeline accepts
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        log.add_notes(f"no fingerprint of the data: {kind}{error}")
        return None


def versions_used(X: Any, pipeline: Any) -> dict[str, str]:
    """Return the versions of the libraries that define the table and the fitted steps."""
    steps = [step for _, step in pipeline.steps]
    used = [_DISTRIBUTIONS.get(name, name) for name in root_packages([X, *steps])]
    return library_versions(dict.fromkeys([*_LIBRARIES, *used]))


def describe_params(parameters: Mapping[str, Any], parts: EstimatorParts) -> dict[str, str]:
    """Return the parameters as text, under the names that `set_params` of the trainer accepts.

    `parameters` are those of the trainer by name, without the estimator.
    """
    prefix = "estimator__"
    strings = {name: _stable_repr(value) for name, value in parameters.items()}
    if parts.steps or parts.name != "model":
        for name, step in parts.steps:
            strings[prefix + name.replace(".", "__")] = _stable_repr(step)
        prefix += parts.name.replace(".", "__") + "__"
    model = parts.model.get_params(deep=True)
    return strings | {prefix + name: _stable_repr(value) for name, value in model.items()}


def _stable_repr(value: object) -> str:
    """Return a value as text, without memory addresses, which differ between processes."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", short_repr(value))

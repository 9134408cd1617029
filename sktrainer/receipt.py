"""Records of a fit that make it reproducible: data fingerprint, parameters and versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sktrainer.anatomy import EstimatorParts
from sktrainer.exceptions import InputError
from sktrainer.results.formats import short_repr
from sktrainer.results.inventory import root_packages
from sktrainer.running.resources import library_versions
from sktrainer.stages.checks import FitInputs
from sktrainer.storage.fingerprint import Fingerprint, fingerprint_inputs

__all__ = ["describe_params", "fingerprint_or_note", "versions_used"]

LIBRARIES = ("python", "sktrainer", "scikit-learn", "numpy", "pandas", "scipy")
DISTRIBUTIONS = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}
ARGUMENTS = ("sample_weight", "groups", "X_val", "y_val", "sample_weight_val")


def fingerprint_or_note(raw: FitInputs) -> tuple[Fingerprint | None, tuple[str, ...]]:
    """Return the fingerprint of the data, or a note that explains why there is none.

    Data that cannot be hashed must not prevent training.
    """
    others = {name: getattr(raw, name) for name in ARGUMENTS}
    try:
        return fingerprint_inputs(raw.X, raw.y, **others), ()
    except Exception as error:  # X may be anything that the first step of a Pipeline accepts
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        return None, (f"no fingerprint of the data: {kind}{error}",)


def versions_used(X: Any, pipeline: Any) -> dict[str, str]:
    """Return the versions of the libraries that define the table and the fitted steps."""
    steps = [step for _, step in pipeline.steps]
    used = [DISTRIBUTIONS.get(name, name) for name in root_packages([X, *steps])]
    return library_versions(dict.fromkeys([*LIBRARIES, *used]))


def describe_params(parameters: Mapping[str, Any], parts: EstimatorParts) -> dict[str, str]:
    """Return the parameters as text, under the names that `set_params` of the trainer accepts.

    Parameters
    ----------
    parameters : mapping of str to object
        Parameters of the trainer by name, without the estimator.
    anatomy : Anatomy
    """
    prefix = "estimator__"
    texts = {name: _stable_repr(value) for name, value in parameters.items()}
    if parts.steps or parts.name != "model":
        for name, step in parts.steps:
            texts[prefix + name.replace(".", "__")] = _stable_repr(step)
        prefix += parts.name.replace(".", "__") + "__"
    model = parts.model.get_params(deep=True)
    return texts | {prefix + name: _stable_repr(value) for name, value in model.items()}


def _stable_repr(value: Any) -> str:
    """Return a value as text, without memory addresses, which differ between processes."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", short_repr(value))

"""Records of a fit that make it reproducible: data fingerprint, parameters and versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sktrainer.anatomy import Anatomy
from sktrainer.exceptions import InputError
from sktrainer.results.formats import short_repr
from sktrainer.results.inventory import packages_of
from sktrainer.running.resources import library_versions
from sktrainer.stages.checks import RawInput
from sktrainer.storage.fingerprint import Fingerprint, data_fingerprint

__all__ = ["parameter_texts", "take_fingerprint", "versions_used"]

LIBRARIES = ("python", "sktrainer", "scikit-learn", "numpy", "pandas", "scipy")
DISTRIBUTIONS = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}
ARGUMENTS = ("sample_weight", "groups", "X_val", "y_val", "sample_weight_val")


def take_fingerprint(raw: RawInput) -> tuple[Fingerprint | None, tuple[str, ...]]:
    """Return the fingerprint of the data, or a note that explains why there is none.

    Data that cannot be hashed must not prevent training.
    """
    others = {name: getattr(raw, name) for name in ARGUMENTS}
    try:
        return data_fingerprint(raw.X, raw.y, **others), ()
    except Exception as error:  # X may be anything that the first step of a Pipeline accepts
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        return None, (f"no fingerprint of the data: {kind}{error}",)


def versions_used(X: Any, pipeline: Any) -> dict[str, str]:
    """Return the versions of the libraries that define the table and the fitted steps."""
    steps = [step for _, step in pipeline.steps]
    used = [DISTRIBUTIONS.get(name, name) for name in packages_of([X, *steps])]
    return library_versions(dict.fromkeys([*LIBRARIES, *used]))


def parameter_texts(parameters: Mapping[str, Any], anatomy: Anatomy) -> dict[str, str]:
    """Return the parameters as text, under the names that `set_params` of the trainer accepts.

    Parameters
    ----------
    parameters : mapping of str to object
        Parameters of the trainer by name, without the estimator.
    anatomy : Anatomy
    """
    prefix = "estimator__"
    texts = {name: _text(value) for name, value in parameters.items()}
    if anatomy.steps or anatomy.name != "model":
        for name, step in anatomy.steps:
            texts[prefix + name.replace(".", "__")] = _text(step)
        prefix += anatomy.name.replace(".", "__") + "__"
    model = anatomy.model.get_params(deep=True)
    return texts | {prefix + name: _text(value) for name, value in model.items()}


def _text(value: Any) -> str:
    """Return a value as text, without memory addresses, which differ between processes."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", short_repr(value))

"""Lookup of the backend for a model, without importing any framework.

Other packages register a backend as an entry point in the group `sktrainer.backends`. The
name of the entry point is the root package of the models. Its value is a class, or a
function without arguments, that returns a `Backend`. In the pyproject.toml of the package:

    [project.entry-points."sktrainer.backends"]
    mylib = "mylib.sktrainer_backend:MyLibBackend"
"""

from __future__ import annotations

import functools
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sktrainer.backends.base import Backend
from sktrainer.exceptions import SktrainerError

__all__ = ["find_backend"]


ENTRY_POINT_GROUP = "sktrainer.backends"


_BUILT_IN = {
    "xgboost": "sktrainer.backends.xgboost.backend:XGBoostBackend",
    "lightgbm": "sktrainer.backends.lightgbm.backend:LightGBMBackend",
    "catboost": "sktrainer.backends.catboost.backend:CatBoostBackend",
    "skorch": "sktrainer.backends.torch.backend:TorchBackend",
    "torch": "sktrainer.backends.torch.backend:TorchBackend",
    "keras": "sktrainer.backends.keras.backend:KerasBackend",
    "scikeras": "sktrainer.backends.keras.backend:KerasBackend",
    # By full module name, because the root package of KerasNet is sktrainer.
    "sktrainer.backends.keras.estimator": "sktrainer.backends.keras.backend:KerasBackend",
}


_SCIKIT_LEARN = "sktrainer.backends.sklearn.backend:SklearnBackend"


# Models with only these root packages cannot have an entry point.
_OF_SCIKIT_LEARN = {"sklearn", "builtins", "abc"}


def find_backend(model: Any) -> Backend:
    """Return the backend that trains this model.

    The lookup uses the root package of each class in ``type(model).__mro__``, so that a
    user-defined subclass gets the backend of its base class. The backends of sktrainer have
    precedence over entry points. The fallback is the scikit-learn backend.

    Parameters
    ----------
    model : object
        The estimator. It is neither modified nor called.

    Returns
    -------
    Backend

    Raises
    ------
    SktrainerError
        If the entry point for the package of the model cannot be loaded.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> find_backend(LogisticRegression()).name
    'sklearn'
    """
    modules = list(dict.fromkeys(c.__module__ for c in type(model).__mro__))
    roots = list(dict.fromkeys(module.partition(".")[0] for module in modules))
    for name in (*modules, *roots):
        if name in _BUILT_IN:
            return _load_built_in(_BUILT_IN[name])
    if not set(roots) <= _OF_SCIKIT_LEARN:
        for root in roots:
            if root in _entry_points():
                return _load_entry_point(_entry_points()[root])
    return _load_built_in(_SCIKIT_LEARN)


def _load_built_in(address: str) -> Backend:
    module, _, name = address.partition(":")
    backend: Backend = getattr(import_module(module), name)()
    return backend


# Reading the metadata of all installed packages takes milliseconds, so cache the result.
@functools.cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def _load_entry_point(point: EntryPoint) -> Backend:
    try:
        backend: Backend = point.load()()
    except Exception as error:
        raise SktrainerError(
            f"the entry point {point.name} = {point.value!r} in the group "
            f"{ENTRY_POINT_GROUP!r} cannot be loaded: {type(error).__name__}: {error}; "
            "update or uninstall the package that declares it"
        ) from error
    return backend

"""Backends by model, name and package, found without importing any framework.

Each subpackage of `sktrainer.backends` whose name has no leading underscore defines a `SPEC`.
Other distributions declare a backend by an entry point in the group `sktrainer.backends`,
which is named after the package of the models and loads to a `BackendSpec`. In its
pyproject.toml:

    [project.entry-points."sktrainer.backends"]
    mylib = "mylib.sktrainer_backend:SPEC"
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from itertools import accumulate
from pkgutil import iter_modules
from typing import Any

from sktrainer._optional import require
from sktrainer.backends.base import Backend
from sktrainer.backends.spec import BackendSpec
from sktrainer.backends.support import AllowedTypes, NetworkSupport
from sktrainer.exceptions import InputError, SktrainerError
from sktrainer.runtime.global_state import preserve_also

ENTRY_POINT_GROUP = "sktrainer.backends"
FALLBACK = "sklearn"

# Models with classes from these packages only cannot have an entry point.
_NEVER_EXTERNAL = {"sklearn", "builtins", "abc"}


def find_backend(model: Any) -> Backend:
    """Return the backend that trains this model.

    The lookup uses the packages of the classes in the MRO, so that a user-defined subclass gets
    the backend of its base class. The backends of sktrainer have precedence over entry points.
    The fallback is the scikit-learn backend. The model is an estimator, a network or its class,
    or a function that builds a model. It is neither modified nor called.

    Raises
    ------
    ImportError
        If a function builds a model of a library that is not installed.
    SktrainerError
        If the entry point for the package of the model cannot be loaded.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> find_backend(LogisticRegression()).spec.name
    'sklearn'
    """
    specs = built_in_specs()
    if is_builder(model):
        return backend_by_name(next(s.name for s in specs.values() if s.accepts_builders))
    mro = model.__mro__ if isinstance(model, type) else type(model).__mro__
    modules = list(dict.fromkeys(cls.__module__ for cls in mro))
    packages = [p for m in modules for p in accumulate(m.split("."), "{}.{}".format)]
    owners = _built_in_owners()
    for package in packages:
        if package in owners:
            return _load_backend(owners[package])
    if not {module.partition(".")[0] for module in modules} <= _NEVER_EXTERNAL:
        for package in packages:
            if package in _entry_points():
                return _load_backend(_external_spec(package))
    return _load_backend(specs[FALLBACK])


def is_builder(value: object) -> bool:
    """Return whether the value is a function, which builds a model."""
    return inspect.isroutine(value) or isinstance(value, functools.partial)


def backend_specs() -> tuple[BackendSpec, ...]:
    """Return the specs of all backends; no entry point can replace one of sktrainer.

    Raises
    ------
    SktrainerError
        If an entry point cannot be loaded.
    """
    external = {spec.name: spec for spec in map(_external_spec, _entry_points())}
    return tuple((external | built_in_specs()).values())


def backend_by_name(name: str) -> Backend:
    """Return a backend by the name in its spec.

    Raises
    ------
    ImportError
        If its library is not installed. The message names the extra to install.
    InputError
        If there is no backend of this name.
    """
    spec = built_in_specs().get(name) or next(
        (spec for spec in backend_specs() if spec.name == name), None
    )
    if spec is None:
        raise InputError(
            f"there is no backend {name!r}; install the package that provides it as an entry "
            f"point in the group {ENTRY_POINT_GROUP!r}"
        )
    if spec.extra:
        require(spec.packages[0], spec.extra)
    return _load_backend(spec)


def backend_for_package(package: str) -> Backend | None:
    """Return the backend for the classes of a package, or None if there is none.

    Raises
    ------
    ImportError
        If the package is not installed. The message names the extra to install.
    """
    for spec in built_in_specs().values():
        if package in spec.packages:
            if spec.extra:
                require(package, spec.extra)
            return _load_backend(spec)
    return _load_backend(_external_spec(package)) if package in _entry_points() else None


def imported_networks() -> Iterator[tuple[str, NetworkSupport]]:
    """Yield the name and networks of each backend whose library is imported.

    Entry points are included once `find_backend` or another function has loaded them.
    """
    for spec in (*built_in_specs().values(), *_loaded_external):
        if spec.holds_networks and any(package in sys.modules for package in spec.packages):
            networks = _load_backend(spec).networks
            if networks is not None:
                yield spec.name, networks


def allowed_types() -> tuple[AllowedTypes, ...]:
    """Return the types that each backend allows in files.

    Entry points are included once another function has loaded them. The backends of sktrainer
    are not loaded, since some of them import their library.
    """
    built_in = (
        import_module(f"{_own_package(spec)}.serialize") for spec in built_in_specs().values()
    )
    return (
        *(module.ALLOWED_TYPES for module in built_in),
        *(_load_backend(spec).allowed_types for spec in _loaded_external),
    )


def framework_random_states() -> dict[str, Any]:
    """Return the state of the random generators of each imported framework, by backend."""
    return {name: networks.random_state() for name, networks in imported_networks()}


@contextmanager
def _preserve_random_states() -> Iterator[None]:
    before = [(networks, networks.random_state()) for _, networks in imported_networks()]
    try:
        yield
    finally:
        for networks, state in before:
            networks.set_random_state(state)


preserve_also(_preserve_random_states)


@functools.cache
def built_in_specs() -> dict[str, BackendSpec]:
    """Return the specs of the backends of sktrainer, by name."""
    assert __package__ is not None
    folders = iter_modules(import_module(__package__).__path__, f"{__package__}.")
    names = [m.name for m in folders if m.ispkg and not m.name.startswith(f"{__package__}._")]
    return {spec.name: spec for spec in (import_module(name).SPEC for name in sorted(names))}


@functools.cache
def _built_in_owners() -> dict[str, BackendSpec]:
    """Return the specs by the packages of their models.

    Estimators that sktrainer itself defines for a library are in the backend's own package.
    """
    owners = {}
    for spec in built_in_specs().values():
        if spec.name != FALLBACK:  # its classes are in the MRO of most models
            owners.update(dict.fromkeys((*spec.packages, _own_package(spec)), spec))
    return owners


def _own_package(spec: BackendSpec) -> str:
    return spec.address.partition(":")[0].rpartition(".")[0]


# Reading the metadata of all installed packages takes milliseconds, so cache the result.
@functools.cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


_loaded_external: list[BackendSpec] = []


def _external_spec(package: str) -> BackendSpec:
    point = _entry_points()[package]
    try:
        spec = point.load()
        if not isinstance(spec, BackendSpec):
            raise TypeError(f"expected a BackendSpec, got {spec!r}")
        _load_backend(spec)
    except Exception as error:
        raise SktrainerError(
            f"the entry point {point.name} = {point.value!r} in the group "
            f"{ENTRY_POINT_GROUP!r} cannot be loaded: {type(error).__name__}: {error}; "
            "update or uninstall the package that declares it"
        ) from error
    if spec not in _loaded_external:
        _loaded_external.append(spec)
    return spec


@functools.cache
def _load_backend(spec: BackendSpec) -> Backend:
    module, _, name = spec.address.partition(":")
    backend: Backend = getattr(import_module(module), name)()
    return backend

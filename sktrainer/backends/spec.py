"""Description of a backend that is available without importing its library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sktrainer.types import Task


@dataclass(frozen=True)
class NamedModel:
    """Model with a short name, for configuration files and the command line.

    Attributes
    ----------
    name : str
    classifier, regressor : str
        "module:class".
    params : mapping of str to object
        Parameters that differ from the defaults of the library, such as less output.
    """

    name: str
    classifier: str
    regressor: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def address(self, task: Task) -> str:
        """Return "module:class" of the model for a task."""
        return self.classifier if task == "classification" else self.regressor


@dataclass(frozen=True)
class BackendSpec:
    """Description of a backend that is available without importing its library.

    Attributes
    ----------
    name : str
        Name of the backend in files and reports.
    packages : tuple of str
        Packages of the classes that the backend trains. One of them has to be in the MRO of
        a model or network. The first one is imported before the backend is loaded from a file.
    address : str
        "module:class" of the `Backend`, which is loaded at its first use.
    extra : str, default=""
        Extra of sktrainer that installs the library; empty if none is needed.
    accepts_builders : bool, default=False
        Whether a function builds a model of this library.
    holds_networks : bool, default=False
        Whether its objects are opaque: nothing but its `NetworkSerializer` looks inside them
        or writes them to a file.
    type_ids : tuple of (str, str) pairs, default=()
        Stable ids of the backend's own classes in files, with their import paths.
    models : tuple of NamedModel, default=()
        Models that a configuration file can name.
    import_noise : tuple of str, default=()
        Parts of the lines that the library logs when it is imported, and that would break the
        display of the folds in other processes.
    """

    name: str
    packages: tuple[str, ...]
    address: str
    extra: str = ""
    accepts_builders: bool = False
    holds_networks: bool = False
    type_ids: tuple[tuple[str, str], ...] = ()
    models: tuple[NamedModel, ...] = ()
    import_noise: tuple[str, ...] = ()

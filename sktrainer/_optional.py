"""Imports of optional packages, with errors that name the extra to install."""

from __future__ import annotations

import importlib
from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Full name of the module, as in an import statement.
    extra : str
        The extra of sktrainer that installs the package.

    Raises
    ------
    ImportError
        If the package is not installed. The message shows how to install it.

    Examples
    --------
    >>> require("json", "report").loads("1")
    1
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        # An installed package that lacks one of its own dependencies keeps its error.
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise missing_package(package, extra) from error


def missing_package(package: str, extra: str) -> ImportError:
    """Return the error for a package that is not installed."""
    return ImportError(
        f"{package} is required but not installed. "
        f'Install it with: pip install "sktrainer[{extra}]"',
        name=package,
    )

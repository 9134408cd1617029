"""Optional packages: imported where they are used, and named with their extra if missing."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["require"]


def require(module: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Its full name, as in an import statement.
    extra : str
        The extra of sktrainer that installs it.

    Raises
    ------
    ImportError
        It is not installed; the message says how to install it.

    Examples
    --------
    >>> require("json", "report").loads("1")
    1
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ImportError(
            f"{package} is needed for this and is not installed; "
            f'install it with: pip install "sktrainer[{extra}]"',
            name=package,
        ) from error

"""Errors and warnings of sktrainer, and how a warning finds the caller's line."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable, Sequence

__all__ = [
    "CheckpointError",
    "CheckpointMismatchError",
    "CheckpointWarning",
    "ClassImbalanceWarning",
    "DataWarning",
    "DivergenceWarning",
    "FileFormatError",
    "FitError",
    "InputError",
    "ParameterError",
    "SktrainerError",
    "SktrainerWarning",
    "SmallDataWarning",
    "TrainingInterrupted",
    "UntrustedFileError",
    "meant",
    "warn_caller",
]

# Frames of these stand between the caller's line and a warning; a thread's first frames
# are all that is left above them where a fold runs in a pool.
_INNER = frozenset({"sktrainer", "sklearn", "imblearn", "joblib", "contextlib"})


class SktrainerError(Exception):
    """Base of every error that sktrainer raises on purpose."""


class InputError(SktrainerError, ValueError):
    """The data or a parameter cannot be used.

    Every mistake that was found is in the one message, and in `problems`.

    Parameters
    ----------
    problems : sequence of str or str
        One entry a mistake: what was expected, what came, what to do.

    Examples
    --------
    >>> from sktrainer.exceptions import InputError
    >>> print(InputError(["test_size must be below 1, got 1.5", "y has 3 rows, X has 4"]))
    2 problems:
      1. test_size must be below 1, got 1.5
      2. y has 3 rows, X has 4
    """

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__(_numbered(self.problems))

    def __reduce__(self) -> tuple[type, tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class ParameterError(InputError):
    """A parameter of the trainer has a value that it cannot have."""


class FitError(SktrainerError):
    """A model, or every fold of a cross-validation, failed to fit."""


class CheckpointError(SktrainerError):
    """A checkpoint folder is in use, or cannot be written or read."""


class CheckpointMismatchError(CheckpointError, InputError):
    """A checkpoint folder holds a run of other data, parameters or library versions."""


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM ended a fit that has a checkpoint; the message says how to go on.

    It is a KeyboardInterrupt, so that what catches errors does not catch it.
    """


class UntrustedFileError(SktrainerError, ValueError):
    """Reading this file could run code that is in it, and nobody said to trust it.

    Parameters
    ----------
    message : str
    names : sequence of str, default=()
        What `trusted=` would have to name.
    """

    def __init__(self, message: str, names: Sequence[str] = ()) -> None:
        self.names = tuple(names)
        super().__init__(message)

    def __reduce__(self) -> tuple[type, tuple[str, tuple[str, ...]]]:
        return type(self), (str(self), self.names)


class FileFormatError(SktrainerError, ValueError):
    """A file is not what `save` wrote: cut short, changed, made to harm, or newer."""


class SktrainerWarning(UserWarning):
    """Base of the warnings of sktrainer."""


class ClassImbalanceWarning(SktrainerWarning):
    """Some classes have far fewer rows than others."""


class CheckpointWarning(SktrainerWarning):
    """A checkpoint could not be used, and the one before it was."""


class SmallDataWarning(SktrainerWarning):
    """There are so few rows that the sizes of the parts decide the scores."""


class DataWarning(SktrainerWarning):
    """Something in the data was handled in a way that the caller should know of."""


class DivergenceWarning(SktrainerWarning):
    """A fit ran away: its loss is NaN or grew, or it knows less than class frequencies."""


def _numbered(problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    lines = [f"  {number}. {problem}" for number, problem in enumerate(problems, start=1)]
    return "\n".join([f"{len(problems)} problems:", *lines])


def meant(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that tells which name was probably meant; empty for none.

    Examples
    --------
    >>> meant("hiden", ["hidden", "width"])
    "; did you mean 'hidden'?"
    """
    close = difflib.get_close_matches(name, sorted(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def warn_caller(text: str, category: type[Warning] = SktrainerWarning) -> None:
    """Warn, pointing at the line of the first caller outside sktrainer and scikit-learn.

    `skip_file_prefixes` of `warnings.warn` does this from Python 3.12 on.

    Parameters
    ----------
    text : str
    category : type of Warning, default=SktrainerWarning
    """
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and _is_inner(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def _is_inner(module: str) -> bool:
    return module.partition(".")[0] in _INNER

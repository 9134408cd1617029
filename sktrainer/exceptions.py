"""Exceptions and warnings of sktrainer, and helpers to issue them."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

__all__ = [
    "CallbackError",
    "CheckpointError",
    "CheckpointMismatchError",
    "CheckpointWarning",
    "ClassImbalanceWarning",
    "DataWarning",
    "DivergenceWarning",
    "FileFormatError",
    "FileWriteError",
    "FitError",
    "InputError",
    "LeakageWarning",
    "ParameterError",
    "SaveWarning",
    "SktrainerError",
    "SktrainerWarning",
    "SmallDataWarning",
    "TrackingError",
    "TrackingWarning",
    "TrainingInterrupted",
    "UntrustedFileError",
    "describe_value",
    "in_wording",
    "suggest_name",
    "use_wording",
    "warn_caller",
]

# Frames of these packages are skipped, so that a warning points at the user's line. In a
# fold that runs in a thread pool, only the first frames of the thread remain above them.
INTERNAL_PACKAGES = frozenset({"sktrainer", "sklearn", "imblearn", "joblib", "contextlib"})

MOST_CHARACTERS = 500  # of a value in a message


class SktrainerError(Exception):
    """Base class of all errors that sktrainer raises."""


class InputError(SktrainerError, ValueError):
    """Error for invalid data or an invalid parameter.

    All problems that were found are reported in one message and listed in `problems`.

    Parameters
    ----------
    problems : sequence of str or str
        One entry per problem: what is wrong, what was expected and how to fix it.

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
        message = "\n".join(self.problems)
        if len(self.problems) != 1:
            lines = [
                f"  {number}. {each}" for number, each in enumerate(self.problems, start=1)
            ]
            message = "\n".join([f"{len(self.problems)} problems:", *lines])
        super().__init__(message)

    def __reduce__(self) -> tuple[type, tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class ParameterError(InputError):
    """Error for an invalid value of a parameter."""


class FitError(SktrainerError):
    """Error when the model, or every fold of a cross-validation, fails to fit."""


class CallbackError(SktrainerError):
    """Error when a callback raised an exception. The message names the callback."""


class CheckpointError(SktrainerError):
    """Error when a checkpoint folder is in use or cannot be read or written."""


class TrackingError(SktrainerError):
    """Error when a tracker does not accept a run that is sent again."""


class CheckpointMismatchError(CheckpointError, InputError):
    """Error when a checkpoint was made with other data, parameters or library versions."""


class TrainingInterrupted(KeyboardInterrupt):
    """Interruption by Ctrl-C or SIGTERM of a fit that has a checkpoint.

    The message explains how to resume the fit. The class is a KeyboardInterrupt, so that
    ``except Exception`` does not catch it.

    Parameters
    ----------
    message : str
    reason : str, default=""
        What stopped the fit, without the explanation.
    folder : str, default=""
        The checkpoint folder.
    """

    def __init__(self, message: str, reason: str = "", folder: str = "") -> None:
        self.reason, self.folder = reason, folder
        super().__init__(message)

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (str(self), self.reason, self.folder)


class UntrustedFileError(SktrainerError, ValueError):
    """Error when loading a file could execute code from it and the file is not trusted.

    Parameters
    ----------
    message : str
    names : sequence of str, default=()
        The types that must be passed as `trusted=` to load the file.
    """

    def __init__(self, message: str, names: Sequence[str] = ()) -> None:
        self.names = tuple(names)
        super().__init__(message)

    def __reduce__(self) -> tuple[type, tuple[str, tuple[str, ...]]]:
        return type(self), (str(self), self.names)


class FileFormatError(SktrainerError, ValueError):
    """Error when a file is truncated, modified, malicious or from a newer version."""


class FileWriteError(SktrainerError, OSError):
    """Error when a file cannot be written, for example on a full or read-only disk."""


class SktrainerWarning(UserWarning):
    """Base class of all warnings of sktrainer."""


class ClassImbalanceWarning(SktrainerWarning):
    """Warning that some classes have far fewer rows than others."""


class CheckpointWarning(SktrainerWarning):
    """Warning that a checkpoint could not be used and an earlier one was used instead."""


class SmallDataWarning(SktrainerWarning):
    """Warning that the held-out rows are too few for reliable scores."""


class DataWarning(SktrainerWarning):
    """Warning about unusual data, or about an unexpected handling of the data."""


class LeakageWarning(SktrainerWarning):
    """Warning that scores may be too good, because the data give the target away."""


class SaveWarning(SktrainerWarning):
    """Warning that a trained model was not saved, or was saved in another format."""


class TrackingWarning(SktrainerWarning):
    """Warning that a run was not recorded, or that a tracker has not received it."""


class DivergenceWarning(SktrainerWarning):
    """Warning that training diverged, or that a model is worse than class frequencies."""


def describe_value(value: object) -> str:
    """Return the repr of a value; the type and shape of a table, a column or an array.

    Examples
    --------
    >>> import numpy as np
    >>> describe_value(0.1), describe_value(np.zeros(300))
    ('0.1', 'ndarray of shape (300,)')
    """
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and not isinstance(value, type):
        return f"{type(value).__name__} of shape {shape}"
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def suggest_name(
    name: object, known: Iterable[str], aliases: Mapping[str, str] | None = None
) -> str:
    """Return a hint that shows the most similar known name, or "" if there is none.

    Parameters
    ----------
    name : object
        Only strings get a hint. The case of letters is ignored if no name matches otherwise.
    known : iterable of str
    aliases : mapping of str to str or None, default=None
        Names that other libraries use, in lower case, and the known names that they mean.

    Examples
    --------
    >>> suggest_name("hiden", ["hidden", "width"])
    ". Did you mean 'hidden'?"
    >>> suggest_name("RMSE", ["neg_rmse", "r2"], {"rmse": "neg_rmse"})
    ". Did you mean 'neg_rmse'?"
    >>> suggest_name("age", ["AGE"])
    ". Did you mean 'AGE'?"
    """
    if not isinstance(name, str):
        return ""
    word, names = name.lower(), list(known)
    by_word = {each.lower(): each for each in names}
    candidates = [
        (aliases or {}).get(word, word),
        *difflib.get_close_matches(name, names, 1),
        *(by_word[each] for each in difflib.get_close_matches(word, by_word, 1)),
    ]
    meant = next((candidate for candidate in candidates if candidate in names), None)
    return "" if meant is None else f". Did you mean {meant!r}?"


def warn_caller(text: str, category: type[Warning] = SktrainerWarning) -> None:
    """Issue a warning that points at the innermost frame outside `INTERNAL_PACKAGES`."""
    # Python 3.12 and later offer `skip_file_prefixes` of `warnings.warn` for this.
    level, frame = 1, sys._getframe(0)
    while (
        frame.f_back is not None
        and frame.f_globals.get("__name__", "").partition(".")[0] in INTERNAL_PACKAGES
    ):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


_WORDINGS: list[Callable[[str], str]] = []


@contextmanager
def use_wording(change: Callable[[str], str]) -> Iterator[None]:
    """Change the warnings that a fit prints inside the context."""
    _WORDINGS.append(change)
    try:
        yield
    finally:
        _WORDINGS.remove(change)


def in_wording(text: str) -> str:
    """Return a message in the wording of the innermost `use_wording`."""
    return _WORDINGS[-1](text) if _WORDINGS else text

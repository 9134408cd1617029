"""Training layer for tabular models: split, encode, fit with early stopping, score, save.

The names of the package are imported when they are first used, so that `import sktrainer` and
the command line load neither NumPy nor scikit-learn before they need them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sktrainer.callbacks.base import Callback
    from sktrainer.callbacks.search_progress import SearchProgress
    from sktrainer.checkpoints.schedule import Checkpoint
    from sktrainer.comparison.models import compare_models
    from sktrainer.comparison.runs import compare
    from sktrainer.data.fingerprint.fingerprint import fingerprint
    from sktrainer.exceptions import (
        CallbackError,
        CheckpointError,
        CheckpointMismatchError,
        CheckpointWarning,
        ClassImbalanceWarning,
        DataWarning,
        DivergenceWarning,
        FileFormatError,
        FileWriteError,
        FitError,
        InputError,
        LeakageWarning,
        ParameterError,
        SaveWarning,
        SktrainerError,
        SktrainerWarning,
        SmallDataWarning,
        TrackingError,
        TrackingWarning,
        TrainingInterrupted,
        UntrustedFileError,
    )
    from sktrainer.functional import TrainingResult, train_model, train_with_cv
    from sktrainer.model_store import ModelStore
    from sktrainer.reporting.report import TrainingReport
    from sktrainer.trainer import ManagedTrainer

    load = ManagedTrainer.load

__version__ = "0.1.0"

__all__ = [
    "Callback",
    "CallbackError",
    "Checkpoint",
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
    "ManagedTrainer",
    "ModelStore",
    "ParameterError",
    "SaveWarning",
    "SearchProgress",
    "SktrainerError",
    "SktrainerWarning",
    "SmallDataWarning",
    "TrackingError",
    "TrackingWarning",
    "TrainingInterrupted",
    "TrainingReport",
    "TrainingResult",
    "UntrustedFileError",
    "__version__",
    "compare",
    "compare_models",
    "fingerprint",
    "load",
    "train_model",
    "train_with_cv",
]

# Modules of the names that are not exceptions.
_MODULES = {
    "Checkpoint": "checkpoints.schedule",
    "Callback": "callbacks.base",
    "SearchProgress": "callbacks.search_progress",
    "ManagedTrainer": "trainer",
    "ModelStore": "model_store",
    "TrainingReport": "reporting.report",
    "TrainingResult": "functional",
    "compare": "comparison.runs",
    "compare_models": "comparison.models",
    "fingerprint": "data.fingerprint.fingerprint",
    "train_model": "functional",
    "train_with_cv": "functional",
}
_SUBMODULES = frozenset({"datasets", "exceptions", "testing", "tracking"})

if not TYPE_CHECKING:  # with this function, type checkers would accept any name

    def __getattr__(name: str) -> object:
        """Import a public name when it is first accessed."""
        import random
        from importlib import import_module

        if name not in (*_SUBMODULES, *__all__):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Importing rich, as scikit-learn does, draws a number.
        state = random.getstate()
        try:
            if name in _SUBMODULES:
                return import_module(f"sktrainer.{name}")
            if name == "load":
                value = import_module("sktrainer.trainer").ManagedTrainer.load
            else:
                module = _MODULES.get(name, "exceptions")
                value = getattr(import_module(f"sktrainer.{module}"), name)
        finally:
            random.setstate(state)
        globals()[name] = value  # later accesses do not call this function
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})

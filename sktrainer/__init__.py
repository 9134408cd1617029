"""Training layer for tabular models: split, encode, fit with early stopping, score, save."""

from typing import TYPE_CHECKING, Any

from sktrainer.checkpoints.schedule import Checkpoint
from sktrainer.exceptions import (
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
    TrainingInterrupted,
    UntrustedFileError,
)
from sktrainer.functional import TrainingResult, train_model, train_with_cv
from sktrainer.reporting.report import TrainingReport
from sktrainer.trainer import ManagedTrainer

if TYPE_CHECKING:
    from sktrainer.data.fingerprint.fingerprint import fingerprint
    from sktrainer.model_store import ModelStore

__version__ = "0.1.0"
load = ManagedTrainer.load

__all__ = [
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
    "SktrainerError",
    "SktrainerWarning",
    "SmallDataWarning",
    "TrainingInterrupted",
    "TrainingReport",
    "TrainingResult",
    "UntrustedFileError",
    "__version__",
    "fingerprint",
    "load",
    "train_model",
    "train_with_cv",
]

_AT_FIRST_USE = {
    "ModelStore": "sktrainer.model_store",
    "fingerprint": "sktrainer.data.fingerprint.fingerprint",
}


def __getattr__(name: str) -> Any:
    """Import a name that no fit needs when it is first accessed."""
    if name not in _AT_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_AT_FIRST_USE[name]), name)

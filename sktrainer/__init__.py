"""The training layer for scikit-learn users: split, encode, stop, score, save."""

from sktrainer._version import __version__
from sktrainer.exceptions import (
    CheckpointError,
    CheckpointMismatchError,
    CheckpointWarning,
    ClassImbalanceWarning,
    DataWarning,
    FitError,
    InputError,
    ParameterError,
    SktrainerError,
    SktrainerWarning,
    SmallDataWarning,
    TrainingInterrupted,
    UntrustedFileError,
)
from sktrainer.functional import TrainingResult, train_model, train_with_cv
from sktrainer.results.report import TrainingReport
from sktrainer.running.checkpoint import Checkpoint
from sktrainer.trainer import ManagedTrainer

load = ManagedTrainer.load

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "CheckpointMismatchError",
    "CheckpointWarning",
    "ClassImbalanceWarning",
    "DataWarning",
    "FitError",
    "InputError",
    "ManagedTrainer",
    "ParameterError",
    "SktrainerError",
    "SktrainerWarning",
    "SmallDataWarning",
    "TrainingInterrupted",
    "TrainingReport",
    "TrainingResult",
    "UntrustedFileError",
    "__version__",
    "load",
    "train_model",
    "train_with_cv",
]

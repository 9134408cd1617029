"""Runs for the checkpoint tests, importable by the child processes that fit them."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from xgboost import XGBClassifier

from sktrainer import Checkpoint, ManagedTrainer
from sktrainer.backends.keras.estimator import KerasEstimator
from sktrainer.testing import mixed_table, model_outputs
from tests import keras_networks
from tests.networks import SmallNet

# All use early stopping and randomness (row and column sampling, dropout or shuffling).
RUNS: dict[str, Callable[[], dict[str, Any]]] = {
    "LightGBM": lambda: {
        "estimator": LGBMClassifier(
            n_estimators=120, subsample=0.7, subsample_freq=1, colsample_bytree=0.6
        )
    },
    "LightGBM DART": lambda: {
        "estimator": LGBMClassifier(n_estimators=60, boosting_type="dart", subsample_freq=1),
        "early_stopping": True,
    },
    "XGBoost": lambda: {
        "estimator": XGBClassifier(n_estimators=120, subsample=0.7, colsample_bytree=0.6)
    },
    "XGBoost DART": lambda: {
        "estimator": XGBClassifier(n_estimators=40, booster="dart", rate_drop=0.2),
        "early_stopping": True,
    },
    "CatBoost": lambda: {"estimator": CatBoostClassifier(iterations=400, rsm=0.7)},
    "HistGradientBoosting": lambda: {
        "estimator": HistGradientBoostingClassifier(max_iter=120, max_features=0.6)
    },
    "GradientBoosting": lambda: {
        "estimator": GradientBoostingClassifier(n_estimators=100, subsample=0.7)
    },
    "RandomForest": lambda: {
        "estimator": RandomForestClassifier(n_estimators=150),
        "early_stopping": True,
    },
    "RandomForest, not stopped": lambda: {
        "estimator": RandomForestClassifier(n_estimators=100, oob_score=True),
        "validation_size": None,
    },
    "Bagging": lambda: {
        "estimator": BaggingClassifier(n_estimators=60, max_samples=0.5, max_features=0.7),
        "early_stopping": True,
    },
    "SGD": lambda: {
        "estimator": SGDClassifier(loss="log_loss", max_iter=150),
        "early_stopping": True,
    },
    "MLP": lambda: {"estimator": MLPClassifier((16,), max_iter=80)},
    "skorch": lambda: {
        "estimator": NeuralNetClassifier(
            SmallNet,
            criterion=torch.nn.CrossEntropyLoss,
            module__dropout=0.3,
            module__n_outputs=2,
            optimizer=torch.optim.Adam,
            lr=0.005,
            max_epochs=50,
            iterator_train__shuffle=True,
            callbacks=[("rate", LRScheduler("StepLR", step_size=5, gamma=0.9))],
        )
    },
    "Keras": lambda: {
        "estimator": KerasEstimator(
            keras_networks.build,
            model__dropout=0.3,
            learning_rate=0.01,
            epochs=40,
            callbacks=[keras_networks.falling_rate()],
        )
    },
    "retries": lambda: {  # no attempt is better than the class frequencies
        "estimator": MLPClassifier((16,), max_iter=30, learning_rate_init=30.0),
        "n_retries": 2,
    },
    "inner folds": lambda: {
        "estimator": LGBMClassifier(n_estimators=40, subsample=0.7, subsample_freq=1),
        "validation_size": "cv",
    },
    "folds": lambda: {
        "estimator": XGBClassifier(n_estimators=40, subsample=0.7),
        "cv": 3,
        "refit": True,
    },
    "folds, two jobs": lambda: {
        "estimator": LGBMClassifier(n_estimators=40, subsample=0.7, subsample_freq=1),
        "cv": 3,
        "n_jobs": 2,
    },
}


def trainer_of(name: str, folder: Path, **parameters: Any) -> ManagedTrainer:
    """Return the trainer of a run, with a checkpoint every four iterations."""
    given = {
        "random_state": 0,
        "n_iter_no_change": 20,
        "validation_size": 0.1,
        "checkpoint": Checkpoint(folder, every=4),
        **RUNS[name](),
        **parameters,
    }
    return ManagedTrainer(**given)


def table() -> tuple[Any, Any]:
    return mixed_table(1_000, "classification")


def outcome(trainer: ManagedTrainer) -> dict[str, Any]:
    """Return all results of a fit that must be bit-identical, as plain values."""
    history = trainer.history_.drop(columns="seconds")
    scores = getattr(trainer, "cv_results_", {})
    attempts = trainer.report_.attempts
    return {
        "answers": model_outputs(
            trainer, mixed_table(200, "classification", seed=9)[0]
        ).tolist(),
        "history": history.to_dict("list"),
        "n_iter": trainer.n_iter_,
        "best_iteration": trainer.best_iteration_,
        "stop_reason": trainer.stop_reason_,
        "attempts": []
        if attempts is None
        else attempts.drop(columns="seconds").to_dict("list"),
        "folds": {
            k: np.asarray(v).tolist()
            for k, v in scores.items()
            if "score" in k and "time" not in k
        },
    }


def fit_and_write_outcome(name: str, folder: Path, answer: Path) -> None:
    """Fit in this process and write the outcome. Target of the child processes."""
    os.setpgid(0, 0)  # a process group, so that it can be killed with its workers
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    content = json.dumps(outcome(trainer_of(name, folder).fit(*table())))
    answer.with_suffix(".part").write_text(content)
    answer.with_suffix(".part").replace(answer)


def fit_until_signal(name: str, folder: Path, number: int, answer: Path) -> None:
    """Fit, receive a signal during training, and write the error message."""
    warnings.simplefilter("ignore")
    # Shells start background processes with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]

    def send() -> None:
        while not list(folder.rglob("*.zip")):
            time.sleep(0.005)
        os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()
    try:
        trainer_of(name, folder).fit(*table())
        message = "no interrupt"
    except KeyboardInterrupt as error:
        message = f"{type(error).__name__}: {error}"
    after = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    answer.write_text(json.dumps([message, before == after]))


def hold(folder: Path, held: Path) -> None:
    """Hold the lock of a checkpoint folder until the process is killed."""
    from sktrainer.checkpoints.lock import lock_folder

    with lock_folder(folder):
        held.write_text("held")
        time.sleep(60)


def fit_with_small_files(name: str, folder: Path, limit: int, answer: Path) -> None:
    """Fit with a file size limit, which simulates a full disk, and write the error message."""
    import resource

    warnings.simplefilter("ignore")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        trainer_of(name, folder).fit(*table())
        message = "no error"
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    answer.write_text(message)


if __name__ == "__main__":
    fit_and_write_outcome(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))

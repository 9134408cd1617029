"""Measure the cost of checkpoints for each library.

Each model is fitted on a generated table with early stopping, alternately with and without
checkpoints in one process. The ratio compares the median times per iteration: a booster
that samples rows trains another model with checkpoints and may stop at another round.

    python benchmarks/checkpoint.py [--every 50] [--rows 20000] [--repeats 3] [--only xgboost]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sktrainer import Checkpoint, ManagedTrainer

LIBRARIES = ("scikit-learn", "xgboost", "lightgbm", "catboost", "skorch", "torch", "keras")


def table(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a table of 30 columns, ten of them informative."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 30)).astype(np.float32)
    signal = X[:, :10] @ rng.normal(size=10) + X[:, 0] * X[:, 1]
    return X, (signal + rng.normal(0, 2, rows) > 0).astype(np.int64)


def lightgbm() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=300, subsample=0.8, subsample_freq=1)


def xgboost() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=300, subsample=0.8, learning_rate=0.1)


def catboost() -> Any:
    from catboost import CatBoostClassifier

    return CatBoostClassifier(iterations=300)


def hist_gradient_boosting() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=300)


def gradient_boosting() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(n_estimators=150, subsample=0.2, max_features=6)


def random_forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=150, min_samples_leaf=20)


def sgd() -> Any:
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(loss="log_loss", max_iter=300)


def mlp() -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((32,), max_iter=100)


def network() -> Any:
    import torch
    from skorch import NeuralNetClassifier
    from torch import nn

    layers = nn.Sequential(nn.LazyLinear(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 2))
    return NeuralNetClassifier(
        layers,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.001,
        max_epochs=100,
        batch_size=256,
        iterator_train__shuffle=True,
    )


def keras_network() -> Any:
    import keras
    from scikeras.wrappers import KerasClassifier

    hidden = keras.layers.Dense(64, activation="relu")
    outputs = keras.layers.Dense(2, activation="softmax")
    model = keras.Sequential([hidden, keras.layers.Dropout(0.2), outputs])
    model.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy")
    return KerasClassifier(model, epochs=100, batch_size=256)


FAMILIES = {
    make.__name__: make
    for make in (
        lightgbm,
        xgboost,
        catboost,
        hist_gradient_boosting,
        gradient_boosting,
        random_forest,
        sgd,
        mlp,
        network,
        keras_network,
    )
}


def seconds_a_round(
    model: Any, X: np.ndarray, y: np.ndarray, checkpoint: Any
) -> tuple[float, int]:
    """Fit and return the seconds per iteration and the number of iterations."""
    trainer = ManagedTrainer(
        model,
        early_stopping=True,
        n_iter_no_change=1_000,
        random_state=0,
        n_jobs=1,
        checkpoint=checkpoint,
    )
    start = time.perf_counter()
    trainer.fit(X, y)
    rounds = trainer.n_iter_ or 1
    return (time.perf_counter() - start) / rounds, rounds


def compare(name: str, rows: int, every: int, repeats: int) -> str:
    X, y = table(rows)
    plain, kept, n_bytes, rounds = [], [], 0, 0
    for turn in range(repeats + 1):  # the first turn is a warm-up that imports libraries
        seconds, rounds = seconds_a_round(FAMILIES[name](), X, y, None)
        with tempfile.TemporaryDirectory() as folder:
            with_one, _ = seconds_a_round(FAMILIES[name](), X, y, Checkpoint(folder, every))
            files = Path(folder).rglob("*.zip")
            n_bytes = max((file.stat().st_size for file in files), default=0)
        if turn:
            plain.append(seconds)
            kept.append(with_one)
    without, with_ = statistics.median(plain), statistics.median(kept)
    return (
        f"| {name} | {rounds} | {without * rounds:.2f} s | {with_ * rounds:.2f} s "
        f"| {with_ / without:.2f} | {n_bytes / 1e6:.2f} MB |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=FAMILIES)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print(", ".join(f"{name} {version(name)}" for name in LIBRARIES))
    print(f"{args.rows:,} rows, one checkpoint every {args.every} iterations\n")
    print("| model | iterations | without | with | ratio | checkpoint size |")
    print("|---|---|---|---|---|---|")
    for name in [args.only] if args.only else FAMILIES:
        print(compare(name, args.rows, args.every, args.repeats), flush=True)


if __name__ == "__main__":
    main()

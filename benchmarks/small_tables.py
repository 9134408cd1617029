"""Compare two ways to choose the number of boosting rounds on tables of several sizes.

"holdout" is `validation_size=0.1`: a tenth of the training rows stops training early. "cv" is
`validation_size="cv"`: inner folds choose the rounds, and the model is fitted on all training
rows. The log loss is that of other rows of the same table: 4,000 rows of a generated table, or
the rows of an embedded table that are not drawn for training. For each size, the script prints
the means over the tables, the share of tables on which "cv" is better, and the CPU times of the
fits. The border `SMALL_TABLE_ROWS` in sktrainer/training/split_parameters.py comes from its
output.

    python benchmarks/small_tables.py [--seeds 4] [--sizes 200,500,1000,1500,2000,3000]
        [--model lightgbm]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer
from sktrainer.datasets import load_hypothyroid

METHODS: dict[str, float | str] = {"holdout": 0.1, "cv": "cv"}
GENERATED = {"balanced": [0.5], "imbalanced": [0.93], "three classes": [0.6, 0.3]}
EMBEDDED: dict[str, Callable[[], Any]] = {
    "breast_cancer": lambda: load_breast_cancer(return_X_y=True, as_frame=True),
    "digits": lambda: load_digits(return_X_y=True, as_frame=True),
    "hypothyroid": lambda: load_hypothyroid(return_X_y=True),
}
MODELS: dict[str, Callable[[], Any]] = {
    "lightgbm": lambda: LGBMClassifier(n_estimators=2000, verbose=-1),
    "xgboost": lambda: XGBClassifier(n_estimators=2000),
    "catboost": lambda: CatBoostClassifier(iterations=1000, verbose=0),
    "hgb": lambda: HistGradientBoostingClassifier(max_iter=2000),
}
N_TEST = 4000
LEAST_TEST_ROWS = 200


def generated(kind: str, n_rows: int, seed: int) -> Any:
    """Return a generated table with 5 % wrong labels as X, X_test, y, y_test."""
    weights = GENERATED[kind]
    X, y = make_classification(
        n_rows + N_TEST,
        n_features=12,
        n_informative=5,
        n_redundant=2,
        n_classes=len(weights) + 1,
        weights=weights,
        flip_y=0.05,
        random_state=seed,
    )
    return X[:n_rows], X[n_rows:], y[:n_rows], y[n_rows:]


def tables(n_rows: int, n_seeds: int) -> Iterator[tuple[str, int, Any]]:
    """Yield name, seed and rows of each table that has `n_rows` training rows."""
    for seed in range(n_seeds):
        for kind in GENERATED:
            yield kind, seed, generated(kind, n_rows, seed)
        for name, load in EMBEDDED.items():
            X, y = load()
            if len(X) >= n_rows + LEAST_TEST_ROWS:
                options = {"train_size": n_rows, "stratify": y, "random_state": seed}
                yield name, seed, train_test_split(X, y, **options)


def measure(model: Any, name: str, seed: int, rows: Any) -> dict[str, float | str]:
    """Return log loss and CPU seconds of both methods on one table."""
    X, X_test, y, y_test = rows
    found: dict[str, float | str] = {"table": name}
    for method, size in METHODS.items():
        trainer = ManagedTrainer(model, validation_size=size, random_state=seed, audit=False)
        start = time.process_time()
        trainer.fit(X, y)
        found[f"{method}_seconds"] = time.process_time() - start
        proba = trainer.predict_proba(X_test)
        found[method] = log_loss(y_test, proba, labels=trainer.classes_)
    return found


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--sizes", default="200,500,1000,1500,2000,3000")
    parser.add_argument("--model", default="lightgbm", choices=MODELS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for n_rows in map(int, options.sizes.split(",")):
        model = MODELS[options.model]()
        runs = [measure(model, *table) for table in tables(n_rows, options.seeds)]
        results = pd.DataFrame(runs)
        # The tables differ in their losses by a factor of 50, so ratios are averaged.
        gain = 1.0 - np.exp(np.log(results["cv"] / results["holdout"]).mean())
        wins = (results["cv"] < results["holdout"]).mean()
        holdout, folds = results["holdout_seconds"].mean(), results["cv_seconds"].mean()
        print(
            f"{n_rows:5} rows, {len(results)} tables: log loss {results['holdout'].mean():.4f} "
            f"holdout, {results['cv'].mean():.4f} cv, {gain:+.1%} lower per table; cv better "
            f"on {wins:.0%}; {holdout:.2f} s and {folds:.2f} s per fit",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""Compare two ways to choose the number of boosting rounds on tables of several sizes.

"holdout" is `validation_size=0.1`: a tenth of the training rows stops training early. "cv" is
`validation_size="cv"`: inner folds choose the rounds, and the model is fitted on all training
rows. The log loss is that of 4,000 other rows of the same generated table. For each size, the
script prints the means over the tables, the share of tables on which "cv" is better, and the
ratio of the CPU times of the fits.

    python benchmarks/small_tables.py [--seeds 4] [--sizes 200,500,1000,2000,4000]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

from sktrainer import ManagedTrainer

METHODS: dict[str, float | str] = {"holdout": 0.1, "cv": "cv"}
KINDS = {"balanced": [0.5], "imbalanced": [0.93], "three classes": [0.6, 0.3]}
N_TEST = 4000


def table(kind: str, n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a generated table with 5 % wrong labels, the test rows last."""
    weights = KINDS[kind]
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
    return X, y


def measure(kind: str, n_rows: int, seed: int) -> dict[str, float | str]:
    """Return log loss and CPU seconds of both methods on one table."""
    X, y = table(kind, n_rows, seed)
    found: dict[str, float | str] = {"rows": n_rows, "kind": kind}
    for name, size in METHODS.items():
        model = LGBMClassifier(n_estimators=2000, verbose=-1)
        trainer = ManagedTrainer(model, validation_size=size, random_state=seed)
        start = time.process_time()
        trainer.fit(X[:n_rows], y[:n_rows])
        found[f"{name}_seconds"] = time.process_time() - start
        proba = trainer.predict_proba(X[n_rows:])
        found[name] = log_loss(y[n_rows:], proba, labels=trainer.classes_)
    return found


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--sizes", default="200,500,1000,2000,4000")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for n_rows in map(int, options.sizes.split(",")):
        runs = [measure(k, n_rows, seed) for k in KINDS for seed in range(options.seeds)]
        results = pd.DataFrame(runs)
        gain = 1.0 - results["cv"].mean() / results["holdout"].mean()
        ratio = results["cv_seconds"].sum() / results["holdout_seconds"].sum()
        wins = (results["cv"] < results["holdout"]).mean()
        print(
            f"{n_rows:5} rows: log loss {results['holdout'].mean():.4f} holdout, "
            f"{results['cv'].mean():.4f} cv ({gain:+.1%}); cv better on {wins:.0%}; "
            f"{ratio:.1f} times the CPU time",
            flush=True,
        )


if __name__ == "__main__":
    main()

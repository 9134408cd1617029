"""Script that prints a hash of the predictions of every model family.

Run it in two checkouts to prove that a refactoring changes no prediction:
`python -m tests.prediction_hashes > after.json`. The hashes hold for one machine and one set of
library versions.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBRegressor

from sktrainer.testing import Case, mixed_table
from tests.families import FAMILIES

OPTIONS = {
    "cv and refit": (LGBMClassifier(n_estimators=30), {"cv": 3, "refit": True}),
    "folds": (XGBRegressor(n_estimators=30), {"cv": 3}),
    "SMOTE": (LGBMClassifier(n_estimators=30), {"handle_imbalance": "smote"}),
    "class weights": (LogisticRegression(), {"handle_imbalance": "class_weight"}),
    "target encoding": (LGBMClassifier(n_estimators=30), {"categorical_encoding": "target"}),
    "eval metric": (LGBMClassifier(n_estimators=30), {"eval_metric": "accuracy"}),
}


def prediction_hash(case: Case) -> str:
    """Fit a trainer on a generated table and return the hash of its predictions and scores."""
    X, y = mixed_table(300, case.task)
    trainer = case.trainer(test_size=0.2).fit(X, y)
    parts = [trainer.predict(X), trainer.scores_.to_numpy()]
    if hasattr(trainer, "predict_proba"):
        parts.append(trainer.predict_proba(X))
    if "cv" in case.parameters:
        results = trainer.cv_results_
        parts += [results[name] for name in sorted(results) if name.startswith("test_")]
    digest = hashlib.sha256()
    for part in parts:
        values = np.asarray(part)
        digest.update(
            repr(values.tolist()).encode() if values.dtype == object else values.tobytes()
        )
    return digest.hexdigest()[:16]


def main() -> None:
    """Print the hashes as JSON."""
    warnings.simplefilter("ignore")
    found = {}
    for name, make in FAMILIES.items():
        found[name] = prediction_hash(make())
        print(name, found[name], file=sys.stderr)
    for name, (model, params) in OPTIONS.items():
        task = "regression" if "Regressor" in type(model).__name__ else "classification"
        found[name] = prediction_hash(Case(model, task, params))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

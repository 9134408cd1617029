"""Script that writes the files of the current format version for `test_reader.py`.

Run it once per new format version: `python tests/serialization/make_old_files.py`. Files of
earlier versions remain unchanged.
"""

from __future__ import annotations

import json
from pathlib import Path

from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer
from sktrainer.serialization.manifest import FORMAT_VERSION
from sktrainer.testing import mixed_table

FOLDER = Path(__file__).parent / "data"
MODELS = {
    "linear": LogisticRegression(),
    "xgboost": XGBClassifier(n_estimators=3, max_depth=2),
    "lightgbm": LGBMClassifier(n_estimators=3, num_leaves=4),
    "histogram": HistGradientBoostingRegressor(max_iter=3, max_leaf_nodes=4),
}


def main() -> None:
    """Write one `.skt` file per model, and a JSON file with its predictions."""
    for name, model in MODELS.items():
        task = "regression" if name == "histogram" else "classification"
        X, y = mixed_table(60, task)
        trainer = ManagedTrainer(model, test_size=0.2, random_state=0, early_stopping=False)
        path = trainer.fit(X, y).save(FOLDER / f"{name}_v{FORMAT_VERSION}.skt")
        answers = trainer.predict(X) if task == "regression" else trainer.predict_proba(X)
        path.with_suffix(".json").write_text(json.dumps(answers.tolist()), encoding="utf-8")


if __name__ == "__main__":
    main()

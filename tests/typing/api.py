"""What users write, for the type checker: it is checked, not run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from sktrainer import (
    ManagedTrainer,
    ModelStore,
    TrainingReport,
    TrainingResult,
    fingerprint,
    load,
    train_model,
    train_with_cv,
)


def use() -> tuple[object, ...]:
    """Every name has the type that a user counts on."""
    X: pd.DataFrame = pd.DataFrame({"a": [1.0, 2.0]})
    y: np.ndarray = np.array([0, 1])

    trainer: ManagedTrainer = ManagedTrainer(
        LogisticRegression(), test_size=0.2, cv=5, scoring=["roc_auc", "f1"], random_state=0
    )
    fitted: ManagedTrainer = trainer.fit(X, y, sample_weight=np.ones(2), X_val=X, y_val=y)
    fed: ManagedTrainer = fitted.partial_fit(X, y, classes=[0, 1], sample_weight=np.ones(2))
    report: TrainingReport = fed.report_
    page: Path = report.to_html("report.html")
    scores: pd.DataFrame = fitted.scores_
    rounds: int | None = fitted.best_iteration_
    predicted: np.ndarray = fitted.predict(X)
    score: float = fitted.score(X, y)
    saved: Path = fitted.save(Path("model.joblib"))
    loaded: ManagedTrainer = load(saved, trusted=True)

    store: ModelStore = ModelStore("models/")
    version: int = store.save(fitted, name="a")
    stored: ManagedTrainer = store.load("a", "@production", trusted=True)
    versions: pd.DataFrame = store.history("a")
    print_: str = fingerprint(X, y)
    same: bool = bool(stored.verify(X, y))

    result: TrainingResult = train_model(
        LogisticRegression(), X, y, test_size=10, save_path=None, split="time", time_column="a"
    )
    path: Path | None = train_with_cv(LogisticRegression(), X, "a", cv=3).model_path
    found = (version, versions, print_, same)
    return page, scores, rounds, predicted, score, loaded, result, path, found

"""Contract checks of scores and out-of-fold predictions."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.metrics import f1_score

from sktrainer.testing.cases import Case, CheckNotApplicable
from sktrainer.types import Array


def check_f1_is_of_the_rarer_class(case: Case) -> None:
    """Check that F1 refers to the rarer class in `scores_`, `score` and early stopping."""
    if case.task == "regression":
        raise CheckNotApplicable("regression has no classes")
    X, y = case.table()
    y = y.replace({"c0": "usual", "c1": "rare"})  # the rarer class is sorted first
    options = {"test_size": 0.25, "validation_size": 0.2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is never predicted
        trainer = case.trainer(scoring="f1", eval_metric="f1", **options).fit(X, y)

    def f1_of(rows: Array) -> float:
        predicted = trainer.predict(X.iloc[rows])
        return float(f1_score(y.iloc[rows], predicted, pos_label="rare", zero_division=0.0))

    split = trainer.split_
    assert trainer.pos_label_ == "rare"
    assert trainer.scores_.loc["test", "f1"] == f1_of(split.test)
    assert trainer.score(X.iloc[split.test], y.iloc[split.test]) == f1_of(split.test)
    curve = trainer.evals_result_["validation"].get("f1")
    if curve and trainer.best_iteration_ is not None:
        np.testing.assert_allclose(
            curve[trainer.best_iteration_ - 1], f1_of(split.validation), rtol=1e-6
        )


def check_out_of_fold_predictions(case: Case) -> None:
    """Check that each row has one out-of-fold prediction, and that these have the scores."""
    X, y = case.table()
    metric = "neg_mean_squared_error" if case.task == "regression" else "accuracy"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is never predicted
        trainer = case.trainer(cv=3, scoring=metric).fit(X, y)
    table = trainer.oof_predictions_
    assert list(table.index) == list(range(len(y)))
    assert (table["n_folds"] == 1).all()
    predicted, target = table["prediction"].to_numpy(), y.to_numpy()
    if case.task == "regression":
        values = -((predicted - target) ** 2)
    else:
        values = (predicted == target).astype(float)
        classes = trainer.classes_.tolist()
        names = [f"probability_{label}" for label in classes]
        assert set(names) <= set(table) or not hasattr(trainer, "predict_proba")
    assert trainer.report_.folds is not None
    sizes = trainer.report_.folds["test_rows"].to_numpy()
    folds = [trainer.cv_results_[f"split{i}_test_score"][0] for i in range(3)]
    np.testing.assert_allclose(values.mean(), np.average(folds, weights=sizes), rtol=1e-5)

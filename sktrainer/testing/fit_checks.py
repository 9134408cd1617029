"""Contract checks of `fit` and prediction. Each is a function of a `Case`."""

from __future__ import annotations

import pickle
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit

from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.testing.cases import (
    Case,
    CheckNotApplicable,
    bit_identical,
    mixed_table,
    model_outputs,
    replace_with_noise,
    transform_rows,
)
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array


def assert_noise_has_no_effect(case: Case, set_name: str, **parameters: Any) -> ManagedTrainer:
    """Check that replacing the rows of one set by noise leaves the model bit-identical.

    The trainer that was fitted without noise is returned.
    """
    X, y = case.table()
    # A random split depends on the number of rows only, so noise cannot change it.
    parameters = {"split": "random", "test_size": 0.25, **parameters}
    first = case.trainer(**parameters).fit(X, y)
    rows = getattr(first.split_, set_name)
    assert len(rows) > 0, f"the split has no {set_name} rows"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the scores of noise
        second = case.trainer(**parameters).fit(*replace_with_noise(X, y, rows))
    assert bit_identical(rows, getattr(second.split_, set_name)), "noise changed the split"
    probe = case.probe()
    assert bit_identical(model_outputs(first, probe), model_outputs(second, probe)), (
        f"noise in the {set_name} rows changed the fitted model"
    )
    assert first.best_iteration_ == second.best_iteration_
    assert bit_identical(transform_rows(first, probe), transform_rows(second, probe)), (
        f"noise in the {set_name} rows changed the preprocessing"
    )
    return first


def check_test_rows_do_not_affect_fit(case: Case) -> None:
    """Check that test rows do not influence the fitted pipeline."""
    assert_noise_has_no_effect(case, "test")


def check_validation_rows_are_not_fitted(case: Case) -> None:
    """Check that validation rows have no influence when early stopping is off."""
    assert_noise_has_no_effect(case, "validation", early_stopping=False, validation_size=0.2)


def check_same_seed_is_reproducible(case: Case) -> None:
    """Check that refitting the trainer or its clone is bit-identical."""
    X, y = case.table()
    first = model_outputs(case.fitted, case.probe())
    trainer = clone(case.fitted)
    cloned = model_outputs(trainer.fit(X, y), case.probe())
    again = model_outputs(trainer.fit(X, y), case.probe())
    assert bit_identical(first, cloned), "fitting a clone gives other predictions"
    assert bit_identical(first, again), "refitting a trainer gives other predictions"


def check_reproducible_across_processes(case: Case) -> None:
    """Check that a fit in another process is bit-identical."""
    here = model_outputs(case.fitted, case.probe())
    unfitted = replace(case)
    with joblib.parallel_config("loky", n_jobs=2):
        there, beside = joblib.Parallel()(
            joblib.delayed(_outputs_of_fit)(unfitted) for _ in range(2)
        )
    assert bit_identical(here, there), "fitting in another process gives other predictions"
    assert bit_identical(there, beside), "fitting in two processes gives different predictions"


def _outputs_of_fit(case: Case) -> Array:
    return model_outputs(case.trainer().fit(*case.table()), case.probe())


def check_folds_do_not_depend_on_n_jobs(case: Case) -> None:
    """Check that fold scores and the final model are the same with one or two jobs."""
    X, y = case.table()
    one, two = (case.trainer(cv=2, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
    for key, value in one.cv_results_.items():
        if "time" not in key and key != "params":
            assert bit_identical(value, two.cv_results_[key]), f"cv_results_[{key!r}] differs"
    assert bit_identical(model_outputs(one, case.probe()), model_outputs(two, case.probe()))


def check_pickle_and_clone(case: Case) -> None:
    """Check that an unpickled trainer predicts bit-identically and a clone is unfitted."""
    trainer = case.fitted
    restored = pickle.loads(pickle.dumps(trainer))  # noqa: S301 - pickled here
    assert bit_identical(
        model_outputs(trainer, case.probe()), model_outputs(restored, case.probe())
    )
    assert not clone(trainer).__sklearn_is_fitted__()


def check_saved_file_is_bit_identical(case: Case) -> None:
    """Check that a trainer loaded from a ``.skt`` file predicts, reports and trains alike."""
    X, y = case.table()
    trainer = case.trainer(test_size=0.2).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        restored = ManagedTrainer.load(trainer.save(Path(folder) / "m.skt"), trusted=True)
    probe = case.probe()
    assert bit_identical(model_outputs(trainer, probe), model_outputs(restored, probe))
    assert np.array_equal(trainer.predict(probe), restored.predict(probe))
    assert vars(trainer).keys() == vars(restored).keys()
    for name in ("history_", "scores_"):
        pd.testing.assert_frame_equal(
            getattr(trainer, name), getattr(restored, name), check_exact=True
        )
    assert str(trainer.report_) == str(restored.report_)
    assert trainer.report_.to_dict() == restored.report_.to_dict()
    assert restored.verify(X, y), restored.verify(X, y)
    if hasattr(trainer, "partial_fit"):
        for left in (trainer, restored):
            left.partial_fit(X[:96], y[:96])
        assert bit_identical(model_outputs(trainer, probe), model_outputs(restored, probe))


def check_importances_are_per_column(case: Case) -> None:
    """Check that there is one importance per column of X, which adds those of its features."""
    trainer = case.fitted
    names = [n for n in ("feature_importances_", "coef_") if hasattr(trainer.model_, n)]
    if not names:
        assert not hasattr(trainer, "feature_importances_")
        raise CheckNotApplicable("the model has neither importances nor coefficients")
    found = dict(zip(case.table()[0], trainer.feature_importances_, strict=True))
    given = np.atleast_2d(np.abs(np.asarray(getattr(trainer.model_, names[0]), dtype=float)))
    assert np.isclose(sum(found.values()), given.mean(axis=0).sum(), rtol=1e-5)
    assert found["same"] == 0.0, "a constant column has an importance"
    assert found["signal"] > 0.0
    assert min(found.values()) >= 0.0


def check_pipeline_predicts_raw_rows(case: Case) -> None:
    """Check that `pipeline_` accepts raw rows and predicts the same as the trainer."""
    trainer = case.fitted
    probe = case.probe()
    assert np.array_equal(trainer.predict(probe), np.asarray(trainer.pipeline_.predict(probe)))
    if hasattr(trainer, "predict_proba"):
        assert bit_identical(
            trainer.predict_proba(probe), trainer.pipeline_.predict_proba(probe)
        )
    assert trainer._predictor.model is trainer.model_


def check_predictions_use_original_labels(case: Case) -> None:
    """Check that predictions are original labels, with one probability column per class."""
    trainer = case.fitted
    predicted = trainer.predict(case.probe())
    assert predicted.shape == (60,)
    if case.task == "regression":
        assert predicted.dtype.kind == "f"
        return
    assert list(trainer.classes_) == sorted(case.table()[1].unique())
    assert set(predicted) <= set(trainer.classes_)
    if hasattr(trainer, "predict_proba"):
        probabilities = trainer.predict_proba(case.probe())
        assert probabilities.shape == (60, len(trainer.classes_))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


def check_missing_class_keeps_probability_column(case: Case) -> None:
    """Check that a class absent from the training rows of a fold keeps its column."""
    if case.task == "regression":
        raise CheckNotApplicable("regression has no classes")
    X, y = mixed_table(case.n_samples, "classification", n_classes=3)
    y = y.replace("c2", "c1")
    y.iloc[7] = "only once"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = case.trainer(cv=3, scoring="accuracy").fit(X, y)
    assert np.isfinite(trainer.cv_results_["mean_test_score"]).all()
    if hasattr(trainer, "predict_proba"):
        assert trainer.predict_proba(case.probe()).shape[1] == 3


def check_history_is_complete(case: Case) -> None:
    """Check `history_`, `evals_result_`, `n_iter_` and `best_iteration_` for consistency."""
    assert_history_is_consistent(case.fitted)


def assert_history_is_consistent(trainer: ManagedTrainer) -> None:
    """Check the metrics of each iteration of a fitted trainer for consistency."""
    history = trainer.history_
    assert list(history.columns) == ["iteration", "set", "metric", "value", "seconds"]
    n_iter, best = trainer.n_iter_, trainer.best_iteration_
    if trainer.stop_reason_ == "early_stopping":
        assert n_iter is not None
        assert best is not None
        assert n_iter == best + (trainer.report_.fitting["patience"] or 0)
    watched = history[(history["set"] == "validation") & (history["metric"] == "loss")]
    if watched.empty:  # without a validation loss, the last iteration is the best one
        assert best in (None, n_iter)
        return
    assert n_iter is not None
    assert list(watched["iteration"]) == list(range(1, n_iter + 1))
    assert watched["value"].to_numpy().argmin() + 1 == best
    assert trainer.evals_result_["validation"]["loss"] == list(watched["value"])


def check_inner_folds_choose_rounds(case: Case) -> None:
    """Check that inner folds see training rows only, and that no row is held out."""
    model = unwrap_pipeline(case.trainer().estimator).model
    if find_backend(model).capabilities(model, case.task).max_iter is None:
        raise CheckNotApplicable("the model is not iterative")
    trainer = assert_noise_has_no_effect(case, "test", validation_size="cv")
    assert len(trainer.split_.train) + len(trainer.split_.test) == case.n_samples
    assert len(trainer.split_.validation) == 0
    assert {"train", "validation"} >= set(trainer.history_["set"]) >= {"validation"}
    assert trainer.report_.fitting["n_inner_folds"] == 5
    assert trainer.report_.fitting["refit_rounds"] == trainer.best_iteration_
    assert_history_is_consistent(trainer)


def check_time_order(case: Case) -> None:
    """Check that rows in any order are split, and fitted, in the order of the time column.

    The dates are strings with the day first. Splits, folds and splitters must use the same
    rows, in the same order, as in the table that is sorted by time.
    """
    X, y = case.table()
    shuffled = np.random.default_rng(3).permutation(len(X))
    days = pd.Series(pd.date_range("2020-01-01", periods=len(X))).dt.strftime("%d/%m/%Y")
    X = X.assign(when=days)
    by_time, by_file = (
        case.trainer(
            time_column="when",
            gap="7D",
            cv=TimeSeriesSplit(2, gap=7),
            test_size=0.2,
            validation_size=0.1,
        ).fit(X.iloc[order].reset_index(drop=True), y.iloc[order].reset_index(drop=True))
        for order in (np.arange(len(X)), shuffled)
    )
    n_test, n_validation = round(0.2 * len(X)), round(0.1 * len(X))
    first = len(X) - n_test - 7 - n_validation
    for name, expected in (
        ("train", np.arange(first - 7)),
        ("validation", np.arange(first, first + n_validation)),
        ("test", np.arange(len(X) - n_test, len(X))),
    ):
        assert np.array_equal(getattr(by_time.split_, name), expected), name
        assert np.array_equal(shuffled[getattr(by_file.split_, name)], expected), name
    for key, value in by_time.cv_results_.items():
        if key.startswith(("split", "mean_test", "std_test")):
            assert bit_identical(value, by_file.cv_results_[key]), key
    probe = X.iloc[:60]
    assert bit_identical(model_outputs(by_time, probe), model_outputs(by_file, probe))


def check_numpy_arrays(case: Case) -> None:
    """Check that numeric NumPy arrays with missing values can be fitted and predicted."""
    X, y = case.table()
    numbers = X[["signal", "size", "count"]].to_numpy()
    trainer = case.trainer().fit(numbers, y)
    assert trainer.n_features_in_ == 3
    assert len(trainer.predict(numbers[:5])) == 5
    assert len(trainer.predict(numbers[:1])) == 1


def check_single_row_prediction(case: Case) -> None:
    """Check that the prediction of a row does not depend on the other rows."""
    trainer = case.fitted
    probe = case.probe()
    together = model_outputs(trainer, probe)
    alone = np.concatenate([model_outputs(trainer, probe.iloc[[i]]) for i in range(5)])
    # Not bit-identical, because BLAS may use other kernels for one row than for many.
    np.testing.assert_allclose(alone, together[:5], rtol=1e-5, atol=1e-6)


def check_unavailable_device_raises(case: Case) -> None:
    """Check that device="cpu" works and a missing GPU raises before training."""
    X, y = case.table()
    trainer = case.trainer(device="cpu").fit(X, y)
    assert trainer.report_.fitting["device"] in ("cpu", None)
    try:
        case.trainer(device="cuda:99").fit(X, y)
    except ValueError as error:
        if "device" not in str(error) or "'cuda:99'" not in str(error):
            raise
    else:
        raise AssertionError("device='cuda:99' does not exist, but no error was raised")

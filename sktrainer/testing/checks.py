"""The checks of the contract, each a function of a case."""

from __future__ import annotations

import inspect
import pickle
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone

from sktrainer.anatomy import dissect
from sktrainer.backends.registry import find_backend
from sktrainer.testing.answers import answers, same_bits
from sktrainer.testing.cases import Case, mixed_table, with_noise
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array


def contract_checks() -> list[Callable[[Case], None]]:
    """Return every check of the contract, those of chunks last.

    Returns
    -------
    list of callable
        Each takes a `Case`.
    """
    from sktrainer.testing import chunk_checks, killing, state_checks

    return [
        value
        for module in (globals(), vars(state_checks), vars(chunk_checks), vars(killing))
        for name, value in module.items()
        if name.startswith("check_") and inspect.isfunction(value)
    ]


def _check_rows_do_not_matter(case: Case, part: str, **parameters: Any) -> None:
    """Fit twice, the second time with noise in the rows of one part; expect the same bits."""
    X, y = case.table()
    # A random split looks at nothing but the number of rows: noise leaves it as it is.
    parameters = {"split": "random", "test_size": 0.25, **parameters}
    first = case.trainer(**parameters).fit(X, y)
    held = getattr(first.split_, part)
    assert len(held) > 0, f"the fit held out no {part} rows"
    second = case.trainer(**parameters).fit(*with_noise(X, y, held))
    assert same_bits(held, getattr(second.split_, part)), "noise moved the split"
    probe = case.probe()
    assert same_bits(answers(first, probe), answers(second, probe)), (
        f"noise in the {part} rows changed what was fitted"
    )
    assert first.best_iteration_ == second.best_iteration_
    assert same_bits(encoded(first, probe), encoded(second, probe)), (
        f"noise in the {part} rows changed the steps before the model"
    )


def encoded(trainer: ManagedTrainer, X: Any) -> Array:
    """Return some rows as the steps before the model give them."""
    found = trainer._fitted.encode(X)
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found)


def check_test_rows_serve_to_score_alone(case: Case) -> None:
    """Noise in test rows changes no bit of what was fitted."""
    _check_rows_do_not_matter(case, "test")


def check_validation_rows_are_never_fitted(case: Case) -> None:
    """With early stopping off, noise in validation rows changes no bit."""
    _check_rows_do_not_matter(case, "validation", early_stopping=False, validation_size=0.2)


def check_same_seed_same_bits(case: Case) -> None:
    """Two fits of one trainer, and a fit of its clone, give the same bits."""
    X, y = case.table()
    trainer = case.trainer()
    first = answers(trainer.fit(X, y), case.probe())
    again = answers(trainer.fit(X, y), case.probe())
    cloned = answers(clone(trainer).fit(X, y), case.probe())
    assert same_bits(first, again), "a second fit of the same trainer differs"
    assert same_bits(first, cloned), "the fit of a clone differs"


def check_another_process_gives_the_same_bits(case: Case) -> None:
    """A fit in another process gives the bits of a fit here."""
    X, y = case.table()
    here = answers(case.trainer().fit(X, y), case.probe())
    with joblib.parallel_config("loky", n_jobs=2):
        there, beside = joblib.Parallel()(
            joblib.delayed(_fit_and_answer)(case) for _ in range(2)
        )
    assert same_bits(here, there), "a fit in another process differs"
    assert same_bits(there, beside), "fits in two processes differ"


def _fit_and_answer(case: Case) -> Array:
    return answers(case.trainer().fit(*case.table()), case.probe())


def check_folds_do_not_depend_on_n_jobs(case: Case) -> None:
    """One job or two: the same scores for each fold, and the same final model."""
    X, y = case.table()
    one, two = (case.trainer(cv=3, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
    for key, value in one.cv_results_.items():
        if "time" not in key and key != "params":
            assert same_bits(value, two.cv_results_[key]), f"cv_results_[{key!r}] differs"
    assert same_bits(answers(one, case.probe()), answers(two, case.probe()))


def check_pickle_and_clone(case: Case) -> None:
    """A pickled trainer answers with the same bits; a clone is unfitted."""
    X, y = case.table()
    trainer = case.trainer().fit(X, y)
    restored = pickle.loads(pickle.dumps(trainer))  # noqa: S301 - its own
    assert same_bits(answers(trainer, case.probe()), answers(restored, case.probe()))
    assert not clone(trainer).__sklearn_is_fitted__()


def check_saved_file_gives_the_same_bits(case: Case) -> None:
    """What comes back from a ``.skt`` file answers, tells and trains as what went in."""
    X, y = case.table()
    trainer = case.trainer(test_size=0.2).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        restored = ManagedTrainer.load(trainer.save(Path(folder) / "m.skt"), trusted=True)
    probe = case.probe()
    assert same_bits(answers(trainer, probe), answers(restored, probe))
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
            left.partial_fit(X[:90], y[:90])
        assert same_bits(answers(trainer, probe), answers(restored, probe))


def check_pipeline_scores_rows_by_itself(case: Case) -> None:
    """`pipeline_` takes rows as they come and gives what the trainer gives."""
    X, y = case.table()
    trainer = case.trainer().fit(X, y)
    probe = case.probe()
    if hasattr(trainer, "predict_proba"):
        assert same_bits(trainer.predict_proba(probe), trainer.pipeline_.predict_proba(probe))
    elif case.task == "regression":
        assert same_bits(trainer.predict(probe), np.asarray(trainer.pipeline_.predict(probe)))
    assert trainer.pipeline_.steps[-1][1] is trainer.model_


def check_answers_speak_of_the_callers_labels(case: Case) -> None:
    """Predictions are labels of y, with a column of probabilities for each of them."""
    X, y = case.table()
    trainer = case.trainer().fit(X, y)
    predicted = trainer.predict(case.probe())
    assert predicted.shape == (60,)
    if case.task == "regression":
        assert predicted.dtype.kind == "f"
        return
    assert list(trainer.classes_) == sorted(y.unique())
    assert set(predicted) <= set(trainer.classes_)
    if hasattr(trainer, "predict_proba"):
        probabilities = trainer.predict_proba(case.probe())
        assert probabilities.shape == (60, len(trainer.classes_))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


def check_a_rare_class_keeps_its_column(case: Case) -> None:
    """A class that a fold's training rows lack breaks nothing and keeps its column."""
    if case.task == "regression":
        return
    X, y = mixed_table(case.n_samples, "classification", n_classes=3)
    y = y.replace("c2", "c1")
    y.iloc[7] = "only once"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = case.trainer(cv=3, scoring="accuracy").fit(X, y)
    assert np.isfinite(trainer.cv_results_["mean_test_score"]).all()
    if hasattr(trainer, "predict_proba"):
        assert trainer.predict_proba(case.probe()).shape[1] == 3


def check_history_tells_of_every_iteration(case: Case) -> None:
    """Counts are from 1, the best one is the best, and both histories say the same."""
    X, y = case.table()
    trainer = case.trainer().fit(X, y)
    history = trainer.history_
    assert list(history.columns) == ["iteration", "set", "metric", "value", "seconds"]
    n_iter, best = trainer.n_iter_, trainer.best_iteration_
    if trainer.stop_reason_ == "early_stopping":
        assert n_iter is not None
        assert best is not None
        assert n_iter == best + trainer.n_iter_no_change
    watched = history[(history["set"] == "validation") & (history["metric"] == "loss")]
    if watched.empty:  # nothing to tell a best iteration by: it is the last one
        assert best in (None, n_iter)
        return
    assert n_iter is not None
    assert list(watched["iteration"]) == list(range(1, n_iter + 1))
    assert watched["value"].to_numpy().argmin() + 1 == best
    assert trainer.evals_result_["validation"]["loss"] == list(watched["value"])


def check_weights_count(case: Case) -> None:
    """Rows of weight zero are as good as absent."""
    X, y = case.table()
    trainer = case.trainer(early_stopping=False)
    weight = np.ones(len(y))
    weight[::3] = 0.0
    anatomy = dissect(trainer.estimator)
    if not find_backend(anatomy.model).traits(anatomy.model, case.task).sample_weight:
        _check_weights_are_refused(trainer, X, y, weight)
        return
    weighted = trainer.fit(X, y, sample_weight=weight)
    noise, labels = with_noise(X, y, np.flatnonzero(weight == 0.0))
    again = case.trainer(early_stopping=False).fit(noise, labels, sample_weight=weight)
    assert same_bits(answers(weighted, case.probe()), answers(again, case.probe()))


def _check_weights_are_refused(trainer: ManagedTrainer, X: Any, y: Any, weight: Array) -> None:
    try:
        trainer.fit(X, y, sample_weight=weight)
    except ValueError as error:
        if "does not support sample weights" not in str(error):
            raise
    else:
        raise AssertionError("weights were passed to a model that takes none, and ignored")


def check_arrays_work_as_tables_do(case: Case) -> None:
    """NumPy arrays of numbers, with missing cells, fit and predict."""
    X, y = case.table()
    numbers = X[["signal", "size", "count"]].to_numpy()
    trainer = case.trainer().fit(numbers, y)
    assert trainer.n_features_in_ == 3
    assert len(trainer.predict(numbers[:5])) == 5
    assert len(trainer.predict(numbers[:1])) == 1


def check_one_row_alone_is_predicted_as_among_others(case: Case) -> None:
    """A row's prediction does not depend on the rows beside it."""
    X, y = case.table()
    trainer = case.trainer().fit(X, y)
    probe = case.probe()
    together = answers(trainer, probe)
    alone = np.concatenate([answers(trainer, probe.iloc[[i]]) for i in range(5)])
    np.testing.assert_allclose(alone, together[:5], rtol=1e-5, atol=1e-6)


def check_a_device_that_is_not_there_is_refused(case: Case) -> None:
    """The CPU trains any model, and a GPU that is not there is one error before training."""
    X, y = case.table()
    trainer = case.trainer(device="cpu").fit(X, y)
    assert trainer.report_.fitting["device"] in ("cpu", None)
    try:
        case.trainer(device="cuda:99").fit(X, y)
    except ValueError as error:
        if "device" not in str(error) or "'cuda:99'" not in str(error):
            raise
    else:
        raise AssertionError("a device that is not there was asked for, and nothing said")

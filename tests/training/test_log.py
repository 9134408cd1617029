"""Tests of the log of one fit."""

from __future__ import annotations

import os
import threading
import warnings

import pytest
from sklearn.linear_model import Ridge, SGDRegressor

from sktrainer import DataWarning, ManagedTrainer
from sktrainer.testing import mixed_table
from sktrainer.training.log import FitLog
from tests import user_code


def test_seconds_add_up_stages_and_cover_the_whole_fit():
    log = FitLog()
    for stage in ("prepare", "fit", "fit"):
        with log.stage(stage):
            pass
    assert log.stages()["stage"].tolist() == ["prepare", "fit"]
    assert 0 < log.seconds("fit") < log.seconds("prepare", "fit") < log.seconds()
    assert log.seconds("refit") == 0.0


def test_warning_is_also_a_note():
    log = FitLog()
    log.add_notes("first", "second")
    with pytest.warns(DataWarning, match="third"):
        log.add_warning("third", DataWarning)
    assert log.notes == ["first", "second", "third"]


def test_iterations_are_shown_only_if_verbose(capsys):
    with FitLog(0).iterations("Model", 3) as display:
        assert display is None
    with FitLog(2).iterations("Model", 3) as display:
        display(1, {"train": {"loss": 0.5}})
    assert "1/3" in capsys.readouterr().out


class Warns(Ridge):
    """Model that warns during the fit, and in a thread that it starts."""

    def fit(self, X, y, sample_weight=None):
        for _ in range(3):
            warnings.warn("the model is\n  experimental", FutureWarning, stacklevel=1)
        thread = threading.Thread(target=warnings.warn, args=("from a thread", UserWarning))
        thread.start()
        thread.join()
        return super().fit(X, y, sample_weight)


def _fit(**parameters):
    X, y = mixed_table(60, "regression")
    return ManagedTrainer(Warns(), random_state=0, **parameters).fit(X, y)


@pytest.mark.parametrize("parameters", [{}, {"cv": 3}])
def test_warnings_of_libraries_are_shown_and_in_the_report_once_with_their_stages(parameters):
    before = warnings.showwarning
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        report = _fit(**parameters).report_
    assert {"FutureWarning", "UserWarning"} <= {each.category.__name__ for each in shown}
    found = {each["message"]: each for each in report.warnings}
    folds = [f"fold {number}: fit" for number in range(1, parameters.get("cv", 0) + 1)]
    n_fits = len(folds) + 1
    assert found["the model is experimental"] == {
        "category": "FutureWarning",
        "message": "the model is experimental",
        "stages": (*folds, "fit"),
        "count": 3 * n_fits,
    }
    assert found["from a thread"]["count"] == n_fits
    assert not [note for note in report.notes if "experimental" in note]
    assert "FutureWarning (" in report.full()
    assert warnings.showwarning is before


def test_warnings_that_differ_in_numbers_are_one():
    log = FitLog()
    for iteration in range(60):
        log.add_library_warning("UserWarning", f"no improvement in iteration {iteration}")
    (found,) = log.library_warnings()
    assert (found["message"], found["count"]) == ("no improvement in iteration 0", 60)
    assert found["stages"] == ()


def test_ignored_warnings_are_not_in_the_report():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert _fit().report_.warnings == ()


def _fit_folds_in_processes():
    X, y = mixed_table(60, "regression")
    model = user_code.WarnsInWorkers(main_process=os.getpid())
    return ManagedTrainer(model, cv=2, n_jobs=2, random_state=0).fit(X, y).report_.warnings


def test_warnings_of_worker_processes_are_in_the_report():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an error in a worker process would fail the fold
        (found,) = _fit_folds_in_processes()
    assert found["message"] == "warning of a worker process"
    assert found["stages"] == ("fold 1: fit", "fold 2: fit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert _fit_folds_in_processes() == ()


def test_warnings_of_fits_in_two_threads_are_separate():
    logs = {name: FitLog() for name in ("a", "b")}
    barrier = threading.Barrier(2)

    def run(name):
        with logs[name].record_warnings():
            barrier.wait()
            warnings.warn(f"warning of {name}", UserWarning, stacklevel=1)
            barrier.wait()

    before = warnings.showwarning
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        threads = [threading.Thread(target=run, args=name) for name in logs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name, log in logs.items():
        assert [each["message"] for each in log.library_warnings()] == [f"warning of {name}"]
    assert warnings.showwarning is before


def test_warning_of_a_later_chunk_is_in_the_notes():
    X, y = mixed_table(60, "regression")
    trainer = ManagedTrainer(SGDRegressor(), random_state=0).partial_fit(X, y)
    with pytest.warns(DataWarning) as caught:
        trainer.partial_fit(X, y[::-1])
    assert set(map(str, (w.message for w in caught))) <= set(trainer.report_.notes)
    assert len(set(trainer.report_.notes)) == len(trainer.report_.notes)

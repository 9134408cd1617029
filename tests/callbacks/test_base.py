"""The list of callbacks, and callbacks of a whole fit."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from sktrainer import Callback, CallbackError, ManagedTrainer, ParameterError, load
from sktrainer.callbacks.base import CallbackList, ErrorEvent, StageEvent
from sktrainer.exceptions import SktrainerWarning
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.testing.callback_checks import Recorder


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    return X, X[:, 0] + rng.normal(size=120)


class Stages(Callback):
    def __init__(self):
        self.names = []

    def on_stage(self, event):
        self.names.append(event.name)

    def on_error(self, event):
        self.names.append(type(event.error).__name__)


def test_stop_is_true_only():
    class Chatty:
        def on_iteration(self, event):
            return "text"

    assert CallbackList([Chatty()]).call("on_iteration", None) is False


def test_every_callback_is_called_although_the_first_stops():
    first, second = Recorder(stop_at=0), Recorder()
    event = type("Event", (), {"iteration": 1})()
    with preserve_global_state():
        assert CallbackList([first, second]).call("on_iteration", event) is True
    assert second.events == [event]


def test_error_names_callback_and_method():
    class Broken(Callback):
        def on_stage(self, event):
            raise ZeroDivisionError("division")

    with pytest.raises(
        CallbackError, match="callback Broken.on_stage raised ZeroDivisionError: division"
    ):
        CallbackList([Broken()]).call("on_stage", StageEvent("fit"))


def test_only_own_on_iteration_reads_iterations():
    assert not CallbackList([Stages()]).reads_iterations
    assert CallbackList([Stages(), Recorder()]).reads_iterations
    assert not CallbackList().reads_iterations


def test_stages_are_in_order(rows):
    stages = Stages()
    ManagedTrainer(Ridge(), callbacks=[stages], cv=2).fit(*rows)
    assert stages.names[:3] == ["cross-validate", "prepare", "fit"]


def test_error_of_the_fit_is_reported_and_raised(rows):
    class FailingRidge(Ridge):
        def fit(self, X, y, sample_weight=None):
            raise RuntimeError("no convergence")

    stages = Stages()
    with pytest.raises(RuntimeError, match="no convergence"):
        ManagedTrainer(FailingRidge(), callbacks=[stages]).fit(*rows)
    assert stages.names[-1] == "RuntimeError"


def test_error_in_on_error_does_not_hide_the_error(rows):
    class Broken(Stages):
        def on_error(self, event: ErrorEvent):
            raise ValueError("twice")

    class FailingRidge(Ridge):
        def fit(self, X, y, sample_weight=None):
            raise RuntimeError("no convergence")

    with pytest.raises(RuntimeError, match="no convergence") as error:
        ManagedTrainer(FailingRidge(), callbacks=[Broken()]).fit(*rows)
    assert "Broken.on_error raised ValueError: twice" in error.value.__notes__[0]


def test_invalid_parameters_call_nothing(rows):
    stages = Stages()
    with pytest.raises(ParameterError):
        ManagedTrainer(Ridge(), callbacks=[stages], test_size=2.5).fit(*rows)
    assert stages.names == []


@pytest.mark.parametrize("value", [3, [3], [Callback], Callback(), "abc"])
def test_other_objects_are_refused(value, rows):
    with pytest.raises(ParameterError, match="callbacks must be a list of objects"):
        ManagedTrainer(Ridge(), callbacks=value).fit(*rows)


def test_clone_has_its_own_callbacks_and_files_have_none(rows, tmp_path):
    recorder = Recorder()
    trainer = ManagedTrainer(HistGradientBoostingRegressor(max_iter=3), callbacks=[recorder])
    copied = clone(trainer).fit(*rows)
    assert recorder.events == []
    assert copied.callbacks[0] is not recorder
    trainer.fit(*rows)
    n_events = len(recorder.events)
    assert n_events > 3
    trainer.save(tmp_path / "m.skt")
    assert load(tmp_path / "m.skt").callbacks == ()
    assert len(copy.deepcopy(trainer).callbacks[0].events) == n_events


def test_callback_stops_a_fit_without_validation_rows(rows):
    from sklearn.ensemble import GradientBoostingRegressor

    model = GradientBoostingRegressor(n_estimators=50)
    trainer = ManagedTrainer(model, early_stopping=False, callbacks=[Recorder(stop_at=7)])
    trainer.fit(*rows)
    assert (trainer.n_iter_, trainer.best_iteration_, trainer.stop_reason_) == (
        7,
        7,
        "callback",
    )
    assert len(trainer.model_.estimators_) == 7
    expected = ManagedTrainer(
        GradientBoostingRegressor(n_estimators=7), early_stopping=False, random_state=0
    )
    trainer.set_params(random_state=0).fit(*rows)
    assert np.array_equal(trainer.predict(rows[0]), expected.fit(*rows).predict(rows[0]))
    assert "topped by a callback at round 7 of 50" in str(trainer.report_)


class FailsIn(Callback):
    """Callback that fails in a stage, or in a method, and counts its calls."""

    def __init__(self, name, after=0):
        self.name = name
        self.after = after
        self.n_calls = 0

    def fail(self, name):
        self.n_calls += name == self.name
        if name == self.name and self.n_calls > self.after:
            raise ValueError("no connection")

    def on_stage(self, event):
        self.fail(event.name)

    def on_iteration(self, event):
        self.fail("iteration")

    def on_fit_end(self, event):
        self.fail("end")


@pytest.mark.parametrize("name", ["evaluate", "refit", "end"])
def test_error_after_training_keeps_the_model(name, rows):
    model = HistGradientBoostingRegressor(max_iter=5)
    options = {"random_state": 0, "validation_size": 0.2, "refit": True}
    broken, other = FailsIn(name), Stages()
    trainer = ManagedTrainer(model, callbacks=[broken, other], **options)
    with pytest.warns(SktrainerWarning, match=r"FailsIn.* raised ValueError: no connection"):
        trainer.fit(*rows)
    expected = ManagedTrainer(model, **options).fit(*rows)
    assert np.array_equal(trainer.predict(rows[0]), expected.predict(rows[0]))
    assert broken.n_calls == 1
    assert "refit" in other.names  # the others are still called


@pytest.mark.parametrize("name", ["iteration", "fit", "prepare"])
def test_error_before_training_ends_the_fit(name, rows):
    model = HistGradientBoostingRegressor(max_iter=5)
    with pytest.raises(CallbackError, match="no connection"):
        ManagedTrainer(model, callbacks=[FailsIn(name)], validation_size=0.2).fit(*rows)


@pytest.mark.filterwarnings("ignore:Fitted 2 times")
def test_error_in_a_retry_keeps_the_model_of_the_first_attempt(rows):
    X, y = rows
    noise = np.random.default_rng(1).normal(size=len(y))  # no model beats a constant
    model = HistGradientBoostingRegressor(max_iter=5, learning_rate=0.5)
    options = {"random_state": 0, "validation_size": 0.2}
    counted = FailsIn("iteration", after=10_000)
    ManagedTrainer(model, callbacks=[counted], **options).fit(X, noise)
    broken = FailsIn("iteration", after=counted.n_calls)
    trainer = ManagedTrainer(model, callbacks=[broken], n_retries=1, **options)
    with pytest.warns(SktrainerWarning, match="on_iteration raised ValueError"):
        trainer.fit(X, noise)
    assert broken.n_calls == counted.n_calls + 1
    assert np.isfinite(trainer.predict(X)).all()

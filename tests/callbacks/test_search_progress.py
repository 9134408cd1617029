"""Progress of a search: fits of this process and of others, and no output of the trainers."""

from __future__ import annotations

import io
import pickle
import re
import sys
import time

import numpy as np
import pytest
import rich.live  # noqa: F401 - draws from Python's generator when it is imported
from lightgbm import LGBMRegressor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sktrainer import ManagedTrainer, SearchProgress
from sktrainer.callbacks import progress


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    return X, X[:, 0] + rng.normal(size=200)


def search(model, grid, n_jobs=None, **parameters):
    trainer = ManagedTrainer(model, verbose=1, random_state=0, **parameters)
    found = GridSearchCV(trainer, grid, cv=2, n_jobs=n_jobs)
    return found.set_callbacks(SearchProgress())


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_search_prints_fits_and_best_value(n_jobs, rows, capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    model = LGBMRegressor(n_estimators=20, verbosity=-1)
    options = {"validation_size": 0.25, "early_stopping": True}
    found = search(model, {"estimator__num_leaves": [3, 7]}, n_jobs, **options).fit(*rows)
    lines = capsys.readouterr().out.splitlines()
    counts = [line.split()[1] for line in lines if line.startswith("  GridSearchCV  ")]
    assert counts[-1] == "4/4"
    assert re.match(r"✓ GridSearchCV: 4 fits and the refit in \d+\.\d s, best", lines[-1])
    starts = "GridSearchCV", "fit ", "refit", "✓ GridSearchCV"
    assert all(line.lstrip().startswith(starts) for line in lines)
    silent = GridSearchCV(
        ManagedTrainer(model, random_state=0, **options), found.param_grid, cv=2
    ).fit(*rows)
    assert np.array_equal(found.predict(rows[0]), silent.predict(rows[0]))
    losses = {
        fit + 1: min_validation_loss(model, leaves, rows, half, options)
        for fit, (leaves, half) in enumerate((n, h) for n in (3, 7) for h in (0, 1))
    }
    best = min(losses, key=losses.get)
    assert lines[-1].endswith(f"best validation loss {losses[best]:#.4g} in fit {best}")


def min_validation_loss(model, leaves, rows, half, options):
    """Return the best validation loss of the fit on one of two folds."""
    X, y = rows
    train = slice(100, 200) if half == 0 else slice(0, 100)
    trainer = ManagedTrainer(model, random_state=0, **options)
    trainer.set_params(estimator__num_leaves=leaves).fit(X[train], y[train])
    history = trainer.history_.query("set == 'validation' and metric == 'loss'")
    return history.value.min()


def test_fits_without_iterations_are_counted_through_a_pipeline(rows, capsys):
    trainer = ManagedTrainer(Ridge(), verbose=1)
    pipeline = make_pipeline("passthrough", trainer)
    grid = {"managedtrainer__estimator__alpha": [0.1, 1.0, 10.0]}
    GridSearchCV(pipeline, grid, cv=2).set_callbacks(SearchProgress()).fit(*rows)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("✓ GridSearchCV: 6 fits and the refit in ")
    assert "best" not in line


def test_terminal_has_a_line_for_the_search_and_is_left_clean(rows, monkeypatch):
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    search(
        LGBMRegressor(n_estimators=300, verbosity=-1), {"estimator__num_leaves": [3, 31]}
    ).fit(*rows)
    text = terminal.getvalue()
    assert "GridSearchCV" in text and "fit 1" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")  # the cursor is shown again
    assert text.rstrip().splitlines()[-1].startswith("✓ GridSearchCV: 4 fits")


def test_failed_search_prints_no_success(rows, capsys):
    found = search(Ridge(alpha="x"), {"estimator__fit_intercept": [True]})
    with pytest.raises(ValueError, match="All the 2 fits failed"):
        found.fit(*rows)
    assert "✓" not in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_fits_that_fail_are_counted_and_do_not_delay_the_end(n_jobs, rows, capsys):
    grid = {"estimator__fail_at": [None, 0]}
    found = search(FailingRegressor(), grid, n_jobs, audit=False)
    start = time.monotonic()
    with pytest.warns(FitFailedWarning, match="2 fits failed"):
        found.fit(*rows)
    assert time.monotonic() - start < 8.0
    assert "✓ GridSearchCV: 4 fits and the refit" in capsys.readouterr().out


def test_interrupted_search_ends_at_once(rows, capsys):
    trainer = ManagedTrainer(FailingRegressor(fail_at=0, interrupt=True), verbose=1)
    pipeline = make_pipeline("passthrough", trainer)
    found = GridSearchCV(pipeline, {"managedtrainer__cv": [None]}, cv=2)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        found.set_callbacks(SearchProgress()).fit(*rows)
    assert time.monotonic() - start < 8.0
    assert "✓" not in capsys.readouterr().out


class FailingRegressor(Ridge):
    """Ridge regression that fails, or is interrupted, in its fit."""

    def __init__(self, fail_at=None, interrupt=False):
        super().__init__()
        self.fail_at = fail_at
        self.interrupt = interrupt

    def fit(self, X, y, sample_weight=None):
        if self.fail_at is not None:
            raise (KeyboardInterrupt if self.interrupt else ArithmeticError)("no")
        return super().fit(X, y, sample_weight)


def test_unused_progress_can_be_copied():
    copied = pickle.loads(pickle.dumps(SearchProgress()))
    assert isinstance(copied, SearchProgress)

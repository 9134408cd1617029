"""A folder with tables and trained models, shared by the tests of commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.svm import LinearSVC

from sktrainer import ManagedTrainer, ModelStore
from sktrainer.data.files import read_table
from tests.cli.tables import write_loans


def _trainer(model: object, **params: object) -> ManagedTrainer:
    given = {"random_state": 0, "test_size": 0.25, "audit": False, **params}
    return ManagedTrainer(model, **given)


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    """Folder with `loans.csv`, `new.csv` and models that were trained on the first."""
    folder = tmp_path_factory.mktemp("trained")
    loans = write_loans(folder / "loans.csv")
    write_loans(folder / "new.csv", 80)
    store = ModelStore(folder / "models")
    forest = HistGradientBoostingClassifier(max_iter=5)
    trainer = _trainer(forest).fit(loans, "default")
    assert store.save(trainer, "loans") == 1
    trainer.save(folder / "loans.skt")
    trainer.save(folder / "loans.joblib")
    trainer.set_params(estimator__max_iter=8).fit(loans, "default")
    assert store.save(trainer, "loans") == 2
    store.tag("loans", 1, "live")
    groups = np.arange(len(loans)) // 3
    grouped = loans.assign(who=groups)
    grouped.to_csv(folder / "grouped.csv", index=False)
    store.save(_trainer(forest).fit(grouped, "default", groups="who"), "grouped")
    linear = _trainer(LinearSVC()).fit(loans, "default")
    store.save(linear, "linear")
    X, y = loans[["a", "b"]], loans["a"] * 2 + np.random.default_rng(0).normal(size=len(loans))
    numbers = X.assign(amount=y)
    numbers.to_csv(folder / "amounts.csv", index=False)
    model = HistGradientBoostingRegressor(max_iter=5)
    store.save(_trainer(model).fit(numbers, "amount"), "amounts")
    return folder


@pytest.fixture
def work(trained: Path, tmp_path: Path, monkeypatch) -> Path:
    """A copy of `trained`, which is the working directory."""
    folder = tmp_path / "work"
    shutil.copytree(trained, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def loans(trained: Path) -> pd.DataFrame:
    """The table `loans.csv` as a command reads it; pandas 2 would round some of its numbers."""
    return read_table(trained / "loans.csv")

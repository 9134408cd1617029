"""The package loads quickly, and frameworks are loaded only when they are used."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import sktrainer
from tests.source_rules import FRAMEWORKS, ROOT


@cache
def _loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


# What a program with a trainer imports.
TRAINER = "from sktrainer import ManagedTrainer, load, train_model, train_with_cv"


def test_importing_the_package_alone_loads_no_other_package() -> None:
    added = _loaded_by("import sktrainer") - _loaded_by("import typing")

    assert added == {"sktrainer"}


def test_importing_the_trainer_loads_no_framework() -> None:
    # If they are installed, scikit-learn's pipeline loads rich and pandas loads pyarrow.
    ours = _loaded_by(TRAINER)
    by_others = _loaded_by("import sklearn.pipeline")

    assert {name.partition(".")[0] for name in ours - by_others} & set(FRAMEWORKS) == set()


def test_importing_the_trainer_loads_few_modules_beyond_sklearn() -> None:
    # The pipeline loads NumPy, SciPy and pandas, and rich if it is installed. How many modules
    # these have depends on their versions.
    ours = _loaded_by(TRAINER)
    of_sklearn = _loaded_by("import sklearn.metrics, sklearn.pipeline")

    assert len(ours) <= 1.1 * len(of_sklearn), sorted(ours - of_sklearn)


def test_every_public_name_is_imported_when_it_is_used() -> None:
    names = _loaded_by("import sktrainer\nprint(*sktrainer.__all__, *dir(sktrainer))")
    program = """
import sktrainer
for name in sktrainer.__all__:
    getattr(sktrainer, name)
print(sktrainer.ManagedTrainer.__name__, sktrainer.load.__func__.__qualname__)
print(sktrainer.exceptions.InputError is sktrainer.InputError)
"""
    printed = _loaded_by(program)

    assert {"ManagedTrainer", "ModelStore", "InputError", "exceptions", "load"} <= names
    assert {"ManagedTrainer", "PersistenceMixin.load", "True"} <= printed
    with pytest.raises(AttributeError, match="has no attribute 'ManagdTrainer'"):
        sktrainer.ManagdTrainer  # noqa: B018


def test_importing_a_public_name_draws_no_random_number() -> None:
    program = """
import random
random.seed(0)
before = random.getstate()
from sktrainer import ManagedTrainer
print(f"unchanged:{random.getstate() == before}")
"""
    assert "unchanged:True" in _loaded_by(program)


NETWORK_PACKAGES = {"jax", "keras", "scikeras", "skorch", "tensorflow", "torch"}


def test_fitting_trees_loads_no_neural_network_package(tmp_path: Path) -> None:
    program = f"""
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from xgboost import XGBClassifier
from sktrainer import ManagedTrainer, load
from sktrainer.datasets import load_hypothyroid
X, y = load_hypothyroid(return_X_y=True)
for model in (
    XGBClassifier(n_estimators=20),
    LGBMClassifier(n_estimators=20, verbose=-1),
    HistGradientBoostingClassifier(max_iter=20),
):
    trainer = ManagedTrainer(model, test_size=0.2, random_state=0)
    trainer.fit(X, y).predict_proba(X[:5])
    str(trainer.report_), repr(trainer), trainer._repr_html_()
    load(trainer.save({str(tmp_path / "trees.joblib")!r}), trusted=True).predict(X[:5])
"""
    loaded = {name.partition(".")[0] for name in _loaded_by(program)}

    assert {"xgboost", "lightgbm"} <= loaded
    assert loaded & NETWORK_PACKAGES == set()

"""A backend of another distribution gets every feature by implementing the Protocol.

`tests/toy_backend` stands for the other distribution.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor

import sktrainer
from sktrainer import Checkpoint, ManagedTrainer, testing
from sktrainer.backends import registry
from sktrainer.testing import Case, mixed_table, model_outputs
from tests.toy_backend import SPEC
from tests.toy_backend.metadata import write_metadata
from tests.toy_backend.model import ToyClassifier, ToyRegressor

CASES = {
    "ToyClassifier": Case(ToyClassifier(max_iter=60), "classification"),
    "ToyRegressor": Case(ToyRegressor(max_iter=60), "regression"),
}


@pytest.fixture(autouse=True, scope="module")
def entry_point(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the metadata of a distribution that declares the backend."""
    folder = tmp_path_factory.mktemp("site-packages")
    write_metadata(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        path = [str(folder), str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
        registry._entry_points.cache_clear()
        # Workers that another test started do not see the metadata.
        get_reusable_executor().shutdown(wait=True)
        yield folder
        get_reusable_executor().shutdown(wait=True)
    registry._entry_points.cache_clear()


def test_registry_finds_the_entry_point():
    assert registry.find_backend(ToyRegressor()).spec == SPEC
    assert registry.backend_by_name("toy") is registry.find_backend(ToyClassifier())
    assert registry.backend_for_package("tests.toy_backend") is registry.backend_by_name("toy")
    assert SPEC in registry.backend_specs()


@pytest.mark.parametrize("check", testing.contract_checks(), ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", CASES)
def test_contract_holds(name, check):
    check(CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_fit_stops_early_at_the_best_iteration(name):
    case = CASES[name]
    trainer = ManagedTrainer(
        case.estimator.set_params(max_iter=400), test_size=0.2, n_iter_no_change=3, tol=1e-3
    ).fit(*case.table())
    assert trainer.stop_reason_ == "early_stopping"
    validation = trainer.history_.query("set == 'validation' and metric == 'loss'")
    assert len(validation) == trainer.n_iter_ == trainer.best_iteration_ + 3 < 400
    assert set(trainer.scores_.index) >= {"train", "validation", "test"}


def test_report_shows_model_split_and_seed():
    case = CASES["ToyClassifier"]
    report = ManagedTrainer(case.estimator, test_size=0.2).fit(*case.table()).report_
    text = report.full()
    assert "ToyClassifier" in text
    assert "model" in report.seeds
    assert "iteration" in text


def test_divergence_names_the_parameter_of_the_backend():
    case = Case(ToyRegressor(step_size=10.0), "regression")
    with pytest.warns(sktrainer.DivergenceWarning, match="decrease step_size"):
        case.trainer().fit(*case.table())


@pytest.mark.parametrize("name", CASES)
def test_skt_file_gives_identical_predictions(name, tmp_path):
    case = CASES[name]
    trainer = case.trainer().fit(*case.table())
    path = trainer.save(tmp_path / "model.skt")
    restored = ManagedTrainer.load(path, trusted=[f"tests.toy_backend.model.{name}"])
    outputs = [model_outputs(each, case.probe()) for each in (trainer, restored)]
    np.testing.assert_array_equal(*outputs)


FIT_AND_DIE = """
import os, signal, sys
from sktrainer.checkpoints.state_files import StateFiles
from tests.backends.test_toy_backend import checkpointed

write = StateFiles.write

def write_then_die(self, number, members):
    write(self, number, members)
    os.kill(os.getpid(), signal.SIGKILL)

StateFiles.write = write_then_die
checkpointed(sys.argv[1])
"""


def checkpointed(folder: str) -> ManagedTrainer:
    trainer = ManagedTrainer(
        ToyClassifier(max_iter=60),
        random_state=0,
        checkpoint=Checkpoint(folder, every=10),
    )
    return trainer.fit(*mixed_table(240, "classification"))


def test_killed_process_resumes_to_identical_model(tmp_path):
    whole = checkpointed(str(tmp_path / "whole"))
    folder = str(tmp_path / "killed")
    for _ in range(2):
        command = [sys.executable, "-c", FIT_AND_DIE, folder]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    resumed = checkpointed(folder)
    assert "resumed" in resumed.report_.full()
    np.testing.assert_array_equal(whole.model_.weights_, resumed.model_.weights_)
    assert whole.best_iteration_ == resumed.best_iteration_

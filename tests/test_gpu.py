"""The contract on a GPU, for the families that support one: `pytest -m gpu`."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

import pytest
from sklearn.datasets import load_breast_cancer

from sktrainer import ManagedTrainer, testing
from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.runtime.devices import AvailableGpus
from sktrainer.testing import fit_checks, weight_checks
from tests.families import FAMILIES

pytestmark = pytest.mark.gpu

REPEAT = [
    "XGBClassifier",
    "XGBRegressor",
    "NeuralNetClassifier",
    "NeuralNetRegressor",
    "ModuleClass",
    "ModuleInstance",
]
DO_NOT_REPEAT = [
    "LGBMClassifier",
    "LGBMRegressor",
    "CatBoostClassifier",
    "CatBoostRegressor",
    "KerasFunction",  # some of TensorFlow's kernels are not deterministic
]
COMPARE_TWO_FITS = {
    fit_checks.check_test_rows_do_not_affect_fit,
    fit_checks.check_validation_rows_are_not_fitted,
    fit_checks.check_same_seed_is_reproducible,
    fit_checks.check_reproducible_across_processes,
    fit_checks.check_folds_do_not_depend_on_n_jobs,
    weight_checks.check_zero_weight_equals_absent_row,
    fit_checks.check_unavailable_device_raises,  # chooses the device itself
}
CASES = [(family, check) for family in REPEAT for check in testing.contract_checks()] + [
    (family, check)
    for family in DO_NOT_REPEAT
    for check in testing.contract_checks()
    if check not in COMPARE_TWO_FITS
]
PREDICT_ELSEWHERE = """
import pickle, sys, warnings
warnings.simplefilter("error")
with open(sys.argv[1], "rb") as file:
    trainer, X, expected = pickle.load(file)
assert abs(trainer.predict_proba(X) - expected).max() < 1e-4
"""


@cache
def gpus_for(family: str) -> AvailableGpus:
    """Return the GPUs that the family's library sees."""
    model = unwrap_pipeline(FAMILIES[family]().estimator).model
    return find_backend(model).devices.available_gpus(model)


def gpu_for(family: str) -> str:
    """Return the first GPU that the family's library sees, or skip the test."""
    gpus = gpus_for(family)
    if not gpus.names:
        pytest.skip(gpus.reason_if_none)
    return gpus.names[0]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "check"), CASES)
def test_contract_holds_on_gpu(family, check):
    gpu = gpu_for(family)
    assert check(testing.with_parameters(FAMILIES[family](), device=gpu)) is None


@pytest.mark.parametrize("family", [*REPEAT, *DO_NOT_REPEAT])
def test_report_names_gpu(family):
    case, gpu = FAMILIES[family](), gpu_for(family)
    report = case.trainer(device=gpu).fit(*case.table()).report_
    assert report.fitting["device"] == gpu
    assert f"device {gpu}" in " ".join(report.full().split())


def test_report_has_memory_on_gpu():
    case, gpu = FAMILIES["ModuleClass"](), gpu_for("ModuleClass")
    if not gpu.startswith("cuda"):
        pytest.skip(f"torch measures no peak on {gpu}")
    report = case.trainer(device=gpu, cv=2).fit(*case.table()).report_
    assert report.fitting["gpu_memory_mb"] > 0
    assert (report.folds["gpu_memory_mb"] > 0).all()
    assert report.stages.set_index("stage").loc["fit", "gpu_memory_mb"] > 0


@pytest.mark.parametrize("family", ["XGBClassifier", "ModuleClass"])
def test_auto_uses_gpu_if_fits_are_reproducible(family):
    case = FAMILIES[family]()
    kind = gpu_for(family).partition(":")[0]
    assert case.trainer().fit(*case.table()).report_.fitting["device"] == kind


@pytest.mark.parametrize("family", ["LGBMClassifier", "CatBoostClassifier"])
def test_auto_uses_cpu_if_gpu_fits_are_not_reproducible(family):
    case = FAMILIES[family]()
    gpu_for(family)
    fitting = case.trainer().fit(*case.table()).report_.fitting
    assert fitting["device"] == "cpu"
    assert "not reproducible" in fitting["device_reason"]


@pytest.mark.parametrize("family", ["XGBClassifier", "ModuleClass", "CatBoostClassifier"])
def test_model_trained_on_gpu_predicts_without_gpu(family, tmp_path):
    import pickle

    case = FAMILIES[family]()
    trainer = case.trainer(device=gpu_for(family)).fit(*case.table())
    file = tmp_path / "trainer.pkl"
    file.write_bytes(pickle.dumps((trainer, case.probe(), trainer.predict_proba(case.probe()))))
    subprocess.run(
        [sys.executable, "-c", PREDICT_ELSEWHERE, str(file)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        check=True,
    )


def test_xgboost_predicts_on_cpu_after_training_on_gpu():
    case = FAMILIES["XGBClassifier"]()
    trainer = case.trainer(device=gpu_for("XGBClassifier")).fit(*case.table())
    assert '"device":"cpu"' in trainer.model_.get_booster().save_config()


def test_cpu_and_gpu_have_similar_scores():
    X, y = load_breast_cancer(return_X_y=True)
    gpu = gpu_for("XGBClassifier")
    model = FAMILIES["XGBClassifier"]().estimator
    there, here = (
        ManagedTrainer(model, test_size=0.3, random_state=0, device=device).fit(X, y)
        for device in (gpu, "cpu")
    )
    scores = [trainer.scores_.loc["test", "roc_auc"] for trainer in (there, here)]
    assert abs(scores[0] - scores[1]) < 0.02

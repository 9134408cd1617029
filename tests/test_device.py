"""The `device` parameter of the trainer: what is set, rejected and reported."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from lightgbm.basic import LightGBMError
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from skorch import NeuralNetClassifier
from xgboost import XGBClassifier

from sktrainer import InputError, ManagedTrainer, ParameterError, train_model
from sktrainer.backends.base import FitRequest
from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.lightgbm.devices import lightgbm_has_cuda
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.data.inputs import FitInputs
from sktrainer.runtime.devices import DeviceChoice, choose_device, cuda_driver
from sktrainer.runtime.resources import split_cores
from sktrainer.training.parameters import TrainerParams
from sktrainer.training.plan_builder import make_plan
from sktrainer.training.validation import validate
from sktrainer.types import Rows
from tests.families import FAMILIES
from tests.networks import SmallNet

X, Y = load_iris(return_X_y=True)
GPU_HERE = (
    cuda_driver()[0] > 0 or torch.cuda.is_available() or torch.backends.mps.is_available()
)
without_gpu = pytest.mark.skipif(GPU_HERE, reason="tests the behavior without a GPU")

REASON_BY_FAMILY = {
    "XGBClassifier": "XGBoost sees no GPU",
    "LGBMClassifier": "LightGBM sees no GPU",
    "CatBoostClassifier": "CatBoost sees no GPU",
    "ModuleClass": "torch sees no GPU",
    "NeuralNetClassifier": "torch sees no GPU",
    "KerasFunction": "sees no GPU",  # preceded by the name of the Keras backend
}
MODELS_WITH_GPU = [
    XGBClassifier(device="cuda"),
    XGBClassifier(device="gpu"),
    LGBMClassifier(device_type="cuda"),
    LGBMClassifier(device="cuda"),
    CatBoostClassifier(task_type="GPU"),
    NeuralNetClassifier(SmallNet, device="cuda"),
]


class Foreign(ClassifierMixin, BaseEstimator):
    """Third-party classifier whose device is unknown."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


@without_gpu
@pytest.mark.parametrize("family", REASON_BY_FAMILY)
def test_auto_falls_back_to_cpu_and_reports_the_reason(family):
    case = FAMILIES[family]()
    report = case.trainer().fit(*case.table()).report_

    assert report.fitting["device"] == "cpu"
    assert report.fitting["device_reason"].endswith(REASON_BY_FAMILY[family])
    assert f"device cpu: {report.fitting['device_reason']}" in " ".join(report.full().split())


@pytest.mark.parametrize("family", REASON_BY_FAMILY)
def test_gpu_detection_prints_nothing(family, capfd):
    model = unwrap_pipeline(FAMILIES[family]().estimator).model
    choose_device("auto", find_backend(model).devices, model)

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("family", REASON_BY_FAMILY)
def test_explicit_cpu_is_not_mentioned_in_the_report(family):
    case = FAMILIES[family]()
    report = case.trainer(device="cpu").fit(*case.table()).report_

    assert report.fitting["device"] == "cpu"
    assert "device cpu" not in " ".join(report.full().split())


def test_device_is_none_for_unknown_estimators():
    assert ManagedTrainer(LogisticRegression()).fit(X, Y).report_.fitting["device"] == "cpu"
    report = ManagedTrainer(Foreign()).fit(X, Y).report_
    assert report.fitting["device"] is None
    assert "device cpu" not in " ".join(report.full().split())
    with pytest.raises(ParameterError, match="for Foreign, because sktrainer cannot set"):
        ManagedTrainer(Foreign(), device="cuda").fit(X, Y)


def test_explicit_cpu_is_bit_identical_to_the_default():
    explicit, default, own = (
        ManagedTrainer(XGBClassifier(n_estimators=5, **given), random_state=0, device=device)
        for device, given in (
            ("cpu", {}),
            ("auto", {"device": "cpu"}),
            ("cpu", {"device": "cpu"}),
        )
    )
    expected = explicit.fit(X, Y).predict_proba(X).tobytes()
    assert default.fit(X, Y).predict_proba(X).tobytes() == expected
    assert own.fit(X, Y).predict_proba(X).tobytes() == expected
    assert explicit.model_.get_params()["device"] == "cpu"
    assert explicit.estimator.get_params()["device"] is None


@without_gpu
@pytest.mark.parametrize("model", MODELS_WITH_GPU, ids=lambda model: type(model).__name__)
def test_missing_gpu_in_model_parameters_raises(model):
    with pytest.raises(ParameterError, match="set the device 'cuda', .* no GPU"):
        ManagedTrainer(model).fit(X, Y)


@pytest.mark.parametrize("model", MODELS_WITH_GPU, ids=lambda model: type(model).__name__)
def test_conflicting_devices_of_model_and_trainer_raise(model):
    with pytest.raises(ParameterError, match="device='cpu' conflicts with"):
        ManagedTrainer(model, device="cpu").fit(X, Y)


@pytest.mark.parametrize(
    ("model", "own"),
    [
        (XGBClassifier(), None),
        (XGBClassifier(device="gpu:1"), "cuda:1"),
        (XGBClassifier(device="cpu"), "cpu"),
        (LGBMClassifier(), None),
        (LGBMClassifier(device_type="cuda", gpu_device_id=1), "cuda:1"),
        (LGBMClassifier(device="gpu"), "gpu"),
        (CatBoostClassifier(), None),
        (CatBoostClassifier(task_type="GPU", devices="1"), "cuda:1"),
        (CatBoostClassifier(task_type="GPU", devices=[0]), "cuda:0"),
        (CatBoostClassifier(task_type="GPU", devices="0:1"), "cuda"),
        (CatBoostClassifier(task_type="CPU"), "cpu"),
        (NeuralNetClassifier(SmallNet), None),
        (NeuralNetClassifier(SmallNet, device=torch.device("cuda", 1)), "cuda:1"),
        (NeuralNetClassifier(SmallNet, device=None), "as set on the module"),
    ],
)
def test_configured_device_reads_library_specific_parameters(model, own):
    assert find_backend(model).devices.configured_device(model) == own


def test_algorithm_without_gpu_support_raises():
    for given in ({"booster": "gblinear"}, {"tree_method": "exact"}):
        with pytest.raises(ParameterError, match="trains on the CPU only"):
            ManagedTrainer(XGBClassifier(**given), device="cuda").fit(X, Y)


def test_missing_device_is_reported_with_other_problems():
    trainer = ManagedTrainer(LogisticRegression(), device="cuda", early_stopping=True)
    with pytest.raises(InputError) as caught:
        trainer.fit(X, Y)
    assert len(caught.value.problems) == 2


def test_error_names_the_module_class_of_the_user():
    with pytest.raises(ValueError, match="devices available for SmallNet"):
        ManagedTrainer(SmallNet, device="cuda:99", task="classification").fit(X, Y)


def test_train_model_forwards_the_device():
    result = train_model(
        XGBClassifier(n_estimators=3), X, Y, device="cpu", save_path=None, verbose=0
    )
    assert result.model.device == "cpu"
    assert result.report.fitting["device"] == "cpu"


def _request(model, device):
    return FitRequest(
        model=model,
        task="classification",
        train=Rows(X[Y < 2].astype(np.float32), Y[Y < 2]),
        monitor=Monitor(EvalMetric()),
        seed=0,
        device=device,
    )


@without_gpu
def test_device_is_set_on_lightgbm():
    model = LGBMClassifier(n_estimators=2)
    with pytest.raises(LightGBMError, match="CUDA"):
        find_backend(model).fit(_request(model, "cuda:1"))
    assert (model.device_type, model.gpu_device_id) == ("cuda", 1)


@without_gpu
def test_xgboost_fallback_to_cpu_raises():
    model = XGBClassifier(n_estimators=2)
    with pytest.raises(ParameterError, match="cannot train on 'cuda' and would use the CPU"):
        find_backend(model).fit(_request(model, "cuda"))
    assert model.get_params()["device"] == "cuda"


@without_gpu
def test_device_is_set_on_torch():
    net = NeuralNetClassifier(SmallNet)
    with pytest.raises(Exception, match="(?i)cuda|nvidia"):
        find_backend(net).fit(_request(net, "cuda"))


def test_device_is_set_on_catboost():
    model = CatBoostClassifier(iterations=2)
    request = _request(model, "cuda:1")
    with pytest.raises(ParameterError, match="use tol=0 or device='cpu'"):
        find_backend(model).fit(
            replace(
                request,
                validation=request.train,
                monitor=Monitor(EvalMetric(), n_iter_no_change=2, tol=0.1),
            )
        )
    assert model.get_params()["task_type"] == "GPU"
    assert model.get_params()["devices"] == "1"


def test_lightgbm_cuda_detection_agrees_with_the_library():
    """`lightgbm_has_cuda` reads the library file; a fit shows the truth."""
    model = LGBMClassifier(n_estimators=1, device_type="cuda", verbosity=-1)
    try:
        model.fit(X, Y)
        refused = False
    except LightGBMError as error:
        refused = "was not enabled" in str(error)
    assert lightgbm_has_cuda() is not refused


@without_gpu
def test_net_trained_on_gpu_predicts_without_one():
    case = FAMILIES["NeuralNetClassifier"]()
    trainer = case.trainer().fit(*case.table())
    expected = trainer.predict_proba(case.probe())
    trainer.model_.device = "cuda"  # as in a pickle from a machine with a GPU
    restored = pickle.loads(pickle.dumps(trainer))
    assert restored.model_.device == "cpu"
    assert restored.predict_proba(case.probe()).tobytes() == expected.tobytes()


def test_boosters_trained_on_gpu_predict_without_one():
    X, y = load_breast_cancer(return_X_y=True)
    light = LGBMClassifier(n_estimators=3, verbosity=-1).fit(X, y)
    cat = CatBoostClassifier(iterations=3, verbose=False, allow_writing_files=False).fit(X, y)
    expected = light.predict_proba(X), cat.predict_proba(X)
    light.set_params(device_type="cuda")
    cat._init_params = {**cat._init_params, "task_type": "GPU"}
    restored = pickle.loads(pickle.dumps((light, cat)))
    for model, probabilities in zip(restored, expected, strict=True):
        assert model.predict_proba(X).tobytes() == probabilities.tobytes()


@pytest.mark.parametrize("device", ["cuda", "cpu", None])
def test_folds_on_a_gpu_run_sequentially(device):
    params = TrainerParams(XGBClassifier(), cv=5, n_jobs=2)
    checked = replace(validate(params, FitInputs(X, Y)), device=DeviceChoice(device))
    folds = make_plan(params, checked).folds
    assert folds.split_cores(5) == split_cores(1 if device == "cuda" else 2, 5)

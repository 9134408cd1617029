"""Tests that all kinds of trainers can be saved to a `.skt` file and loaded unchanged."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline as ImblearnPipeline
from lightgbm import LGBMClassifier
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from skorch import NeuralNetClassifier
from torch import nn
from xgboost import XGBClassifier

from sktrainer import InputError, ManagedTrainer, load
from sktrainer.backends.estimators import model_name
from sktrainer.testing import Case, mixed_table
from sktrainer.testing.fit_checks import check_saved_file_is_bit_identical
from tests import user_code
from tests.networks import ProbabilityNet, SmallNet, WideNet
from tests.serialization.bundles import BINARY, NUMBERS, members_of, same_answers

X, Y = mixed_table(240, "classification")


MODELS = {
    "tree codes": (LGBMClassifier(n_estimators=5), {"categorical_encoding": "native"}),
    "catboost codes": (CatBoostClassifier(iterations=5), {"categorical_encoding": "native"}),
    "one-hot": (LogisticRegression(), {"categorical_encoding": "onehot"}),
    "ordinal": (LogisticRegression(), {"categorical_encoding": "ordinal", "scaling": False}),
    "target": (LogisticRegression(), {"categorical_encoding": "target"}),
    "SMOTE for codes": (XGBClassifier(n_estimators=5), {"handle_imbalance": "smote"}),
    "SMOTE": (LogisticRegression(), {"handle_imbalance": SMOTE(k_neighbors=3)}),
    "oversample": (LogisticRegression(), {"handle_imbalance": "oversample"}),
    "undersample": (LogisticRegression(), {"handle_imbalance": "undersample"}),
    "weights": (
        LGBMClassifier(n_estimators=5),
        {"handle_imbalance": "class_weight", "correct_probabilities": True},
    ),
    "folds": (LogisticRegression(), {"cv": StratifiedKFold(3), "test_size": 0.2}),
    "scorers": (LogisticRegression(), {"scoring": {"f1": "f1_macro", "acc": "accuracy"}}),
    "refit": (XGBClassifier(n_estimators=20), {"refit": True}),
    "watched score": (LGBMClassifier(n_estimators=9), {"eval_metric": "roc_auc"}),
    "generator": (LogisticRegression(), {"random_state": np.random.RandomState(3)}),
}


@pytest.mark.filterwarnings("ignore::sktrainer.SktrainerWarning")
@pytest.mark.parametrize("what", MODELS)
def test_preprocessing_and_resampling_round_trip(tmp_path, what):
    model, parameters = MODELS[what]
    trainer = ManagedTrainer(model, **{"random_state": 0, **parameters}).fit(X, Y)
    restored = load(trainer.save(tmp_path / "m.skt"))
    assert same_answers(trainer, restored, X)
    assert str(trainer.report_) == str(restored.report_)
    if "cv" in parameters:
        assert trainer.cv_results_.keys() == restored.cv_results_.keys()
        assert restored.report_.folds.equals(trainer.report_.folds)


PIPELINES = {
    "columns": make_pipeline(
        ColumnTransformer(
            [
                ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["size", "signal"]),
                ("c", OneHotEncoder(handle_unknown="ignore"), ["color", "shop"]),
            ]
        ),
        LogisticRegression(),
    ),
    "by name": make_pipeline(
        ColumnTransformer([("n", StandardScaler(), ["count", "signal"])], remainder="drop"),
        RandomForestClassifier(5),
    ),
    "sampler": ImblearnPipeline(
        [
            ("take", ColumnTransformer([("n", "passthrough", ["count", "signal"])])),
            ("smote", SMOTE()),
            ("model", DecisionTreeClassifier(max_depth=3)),
        ]
    ),
}


ON_NUMBERS = {
    "selection": make_pipeline(SelectKBest(f_classif, k=3), XGBClassifier(n_estimators=3)),
    "PCA": make_pipeline(StandardScaler(), PCA(2), SVC()),
    "union": make_pipeline(
        make_union(PCA(2), KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf")),
        SGDClassifier(),
    ),
    "power": make_pipeline(PowerTransformer(), KNNImputer(), LogisticRegression()),
    "quantiles": make_pipeline(QuantileTransformer(n_quantiles=20), KNeighborsClassifier()),
    "ufunc": make_pipeline(FunctionTransformer(np.abs), LogisticRegression()),
    "voting": VotingClassifier(
        [("a", LGBMClassifier(n_estimators=3, verbose=-1)), ("b", LogisticRegression())],
        voting="soft",
    ),
    "voting of boosters": VotingClassifier(
        [
            ("a", XGBClassifier(n_estimators=3)),
            ("b", CatBoostClassifier(iterations=3, verbose=0)),
        ],
        voting="soft",
    ),
    "stacking": StackingClassifier([("a", DecisionTreeClassifier()), ("b", SVC())], cv=3),
    "calibrated": CalibratedClassifierCV(RandomForestClassifier(3), cv=3),
    "adaboost": AdaBoostClassifier(n_estimators=3),
    "process": GaussianProcessClassifier(),
    "network of layers": nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)),
}


@pytest.mark.parametrize("what", PIPELINES)
def test_user_defined_pipeline_round_trips(tmp_path, what):
    trainer = ManagedTrainer(PIPELINES[what], random_state=0).fit(X, Y)
    restored = load(trainer.save(tmp_path / "m.skt"))
    assert same_answers(trainer, restored, X)
    assert same_answers(clone(restored).fit(X, Y), trainer, X)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("what", ON_NUMBERS)
def test_nested_estimator_round_trips(tmp_path, what):
    trainer = ManagedTrainer(ON_NUMBERS[what], preprocessor=None, random_state=0)
    trainer.fit(NUMBERS, BINARY)
    restored = load(trainer.save(tmp_path / "m.skt"))
    assert same_answers(trainer, restored, NUMBERS)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        LGBMClassifier(n_estimators=3),
        XGBClassifier(n_estimators=3),
        CatBoostClassifier(iterations=3),
    ],
    ids=model_name,
)
@pytest.mark.parametrize(
    "labels",
    [
        np.array([False, True]),
        np.array([3, 7]),
        np.array([3, 7], dtype=np.uint16),
        np.array(["a", "b"]),
        np.array(["one", "two"], dtype=object),
    ],
    ids=lambda labels: str(labels.dtype) + str(labels[0]),
)
def test_labels_of_every_dtype_round_trip(tmp_path, labels, model):
    trainer = ManagedTrainer(model, test_size=0.3, random_state=0)
    trainer.fit(NUMBERS, labels[BINARY])
    restored = load(trainer.save(tmp_path / "m.skt"))
    assert restored.classes_.dtype == trainer.classes_.dtype
    assert same_answers(trainer, restored, NUMBERS)
    confusions = [t.report_.confusion for t in (trainer, restored)]
    pd.testing.assert_frame_equal(*confusions, check_exact=True)
    assert same_answers(clone(restored).fit(NUMBERS, labels[BINARY]), trainer, NUMBERS)


def test_models_of_sparse_matrices_and_text_round_trip(tmp_path):
    X = sparse.csr_matrix(NUMBERS * (NUMBERS > 0))
    for model in (KNeighborsClassifier(), SVC(), LogisticRegression()):
        trainer = ManagedTrainer(model, random_state=0).fit(X, BINARY)
        assert same_answers(trainer, load(trainer.save(tmp_path / "m.skt")), X)
    strings = [f"word{i % 7} other{i % 3}" for i in range(60)]
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    trainer = ManagedTrainer(pipeline, random_state=0).fit(strings, [i % 2 for i in range(60)])
    assert same_answers(trainer, load(trainer.save(tmp_path / "t.skt")), strings)


def test_multiple_targets_and_groups_round_trip(tmp_path):
    y = NUMBERS[:, :2] @ np.ones((2, 2))
    trainer = ManagedTrainer(Ridge(), cv=GroupKFold(3)).fit(
        NUMBERS, y, groups=np.arange(len(y)) % 9
    )
    restored = load(trainer.save(tmp_path / "m.skt"))
    assert trainer.predict(NUMBERS).tobytes() == restored.predict(NUMBERS).tobytes()


@pytest.mark.parametrize(
    "function", [lambda X: X, type("Local", (), {"f": staticmethod(lambda X: X)}).f]
)
def test_saving_functions_that_cannot_be_imported_raises(tmp_path, function):
    pipeline = make_pipeline(FunctionTransformer(function), LogisticRegression())
    trainer = ManagedTrainer(pipeline).fit(NUMBERS, BINARY)
    with pytest.raises(InputError, match=r"move it to a module \(a \.py file\)"):
        trainer.save(tmp_path / "m.skt")
    assert list(tmp_path.iterdir()) == []


def test_saving_a_nested_network_raises(tmp_path):
    net = NeuralNetClassifier(ProbabilityNet, max_epochs=1, verbose=0)
    pipeline = make_pipeline(FunctionTransformer(np.float32), net)
    model = VotingClassifier([("net", pipeline), ("b", LogisticRegression())])
    trainer = ManagedTrainer(model, preprocessor=None).fit(NUMBERS, BINARY)
    with pytest.raises(InputError, match=r"contains a network inside another estimator"):
        trainer.save(tmp_path / "m.skt")


def test_user_defined_skorch_class_round_trips(tmp_path):
    net = user_code.OwnNet(ProbabilityNet, max_epochs=2, verbose=0)
    trainer = ManagedTrainer(net, early_stopping=False, random_state=0).fit(X, Y)
    names = ["tests.networks.ProbabilityNet", "tests.user_code.OwnNet"]
    restored = load(trainer.save(tmp_path / "m.skt"), trusted=names)
    assert same_answers(trainer, restored, X)
    assert isinstance(restored.estimator, user_code.OwnNet)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # both raised in torch
@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")
def test_compiled_network_round_trips(tmp_path):
    from safetensors.torch import load_file

    options = {"task": "classification", "early_stopping": False, "random_state": 0}
    trainer = ManagedTrainer(SmallNet, **options)
    compiled = {"estimator__compile": True, "estimator__compile__backend": "eager"}
    trainer.set_params(**compiled, estimator__max_epochs=2).fit(X, Y)
    trainer.save(tmp_path / "net.skt")
    trainer.save(tmp_path / "net.safetensors", format="native")

    loaded = load(tmp_path / "net.skt", trusted=["tests.networks.SmallNet"])
    assert same_answers(trainer, loaded, X)
    assert not any("_orig_mod" in name for name in load_file(tmp_path / "net.safetensors"))


def test_saving_a_network_that_cannot_be_rebuilt_raises(tmp_path, monkeypatch):
    options = {"task": "classification", "early_stopping": False, "random_state": 0}
    trainer = ManagedTrainer(WideNet, **options)
    trainer.set_params(estimator__max_epochs=1).fit(X, Y)
    monkeypatch.setattr(WideNet, "width", 9)
    with pytest.raises(InputError, match="could not be loaded from a .skt file again"):
        trainer.save(tmp_path / "m.skt")
    assert not list(tmp_path.iterdir())


def test_saving_a_value_that_would_change_raises(tmp_path):
    weights = {True: 2.0, False: 1.0}
    model = LogisticRegression(class_weight=weights)
    trainer = ManagedTrainer(model).fit(NUMBERS, BINARY.astype(bool))
    with pytest.raises(InputError, match=r"keys of the unsupported type builtins.bool"):
        trainer.save(tmp_path / "m.skt")


def test_same_trainer_gives_the_same_bytes(tmp_path):
    trainer = ManagedTrainer(LGBMClassifier(n_estimators=5), random_state=0).fit(X, Y)
    files = [members_of(trainer.save(tmp_path / n).read_bytes()) for n in ("a.skt", "b.skt")]
    manifests = [json.loads(file.pop("manifest.json")) for file in files]
    for manifest in manifests:
        manifest.pop("created")
    assert manifests[0] == manifests[1]
    assert files[0] == files[1]
    again = members_of(load(tmp_path / "a.skt").save(tmp_path / "c.skt").read_bytes())
    assert {k: v for k, v in again.items() if k != "manifest.json"} == files[0]


def test_manifest_describes_the_trainer(tmp_path):
    sizes = {"test_size": 0.2, "validation_size": 0.1}
    trainer = ManagedTrainer(XGBClassifier(n_estimators=5), **sizes, random_state=7)
    path = trainer.fit(X, Y).save(tmp_path / "m.skt")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["format_version"] == 1
    assert manifest["model"] == {"class": "xgboost.sklearn.XGBClassifier", "backend": "xgboost"}
    assert manifest["parameters"]["estimator__n_estimators"] == "5"
    assert manifest["seeds"]["random_state"] == 7
    assert manifest["split"]["rows"] == {"train": 168, "validation": 24, "test": 48}
    assert manifest["data"]["fingerprint"] == trainer.fingerprint_["digest"]
    assert sum(manifest["data"]["class_counts"].values()) == len(X)
    assert manifest["scores"]["test"]["accuracy"] == trainer.scores_.loc["test", "accuracy"]
    assert manifest["libraries"]["xgboost"]
    assert set(manifest["members"]) == set(members_of(path.read_bytes())) - {"manifest.json"}


def test_failed_save_keeps_the_old_file(tmp_path):
    trainer = ManagedTrainer(LogisticRegression()).fit(NUMBERS, BINARY)
    path = trainer.save(tmp_path / "m.skt")
    before = path.read_bytes()
    trainer.odd_ = lambda: None
    with pytest.raises(InputError):
        trainer.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["m.skt"]


def test_saved_file_check_supports_user_defined_models(tmp_path):
    case = Case(user_code.OwnRidge(), "regression")
    assert check_saved_file_is_bit_identical(case) is None

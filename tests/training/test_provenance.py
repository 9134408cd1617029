"""Tests of the record of library versions."""

from __future__ import annotations

import pytest
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.pipeline import make_pipeline
from skorch import NeuralNetClassifier
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer
from sktrainer.testing import mixed_table
from sktrainer.training.provenance import root_packages
from tests.networks import SmallNet

XGB = XGBClassifier(n_estimators=3)


@pytest.mark.parametrize(
    ("model", "packages"),
    [
        (SmallNet, {"skorch", "torch"}),
        (NeuralNetClassifier(SmallNet), {"skorch", "torch"}),
        (BaggingClassifier(NeuralNetClassifier(SmallNet)), {"sklearn", "skorch", "torch"}),
        (BaggingClassifier(XGB), {"sklearn", "xgboost"}),
        (
            VotingClassifier([("a", XGB), ("b", make_pipeline(LGBMClassifier()))]),
            {"sklearn", "xgboost", "lightgbm"},
        ),
    ],
)
def test_packages_of_nested_models_are_found(model, packages):
    assert packages <= set(root_packages([model]))


def test_report_has_versions_of_nested_models_and_of_networks():
    X, y = mixed_table(60, "classification")
    nested = CalibratedClassifierCV(BaggingClassifier(XGB, 2), cv=2)
    assert "xgboost" in ManagedTrainer(nested).fit(X, y == "c1").report_.versions
    network = ManagedTrainer(SmallNet, early_stopping=False).set_params(estimator__max_epochs=1)
    assert {"skorch", "torch"} <= set(network.fit(X, y).report_.versions)

"""Saved trainers that the tests modify, and a function that expects an error."""

from __future__ import annotations

import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from sktrainer import FileFormatError, ManagedTrainer, load
from tests.networks import SmallNet
from tests.serialization.bundles import X, Y, fitted, saved


@pytest.fixture
def runtime():
    """Return onnxruntime, or skip the test if the extra `onnx` is not installed."""
    for package in ("onnx", "skl2onnx", "onnxmltools"):
        pytest.importorskip(package)
    return pytest.importorskip("onnxruntime")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return saved(fitted(LogisticRegression()), tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def forest(tmp_path_factory):
    model = RandomForestClassifier(3, max_depth=3)
    return saved(fitted(model), tmp_path_factory.mktemp("forest"))


@pytest.fixture(scope="session")
def net(tmp_path_factory):
    trainer = ManagedTrainer(SmallNet, random_state=0, early_stopping=False)
    trainer.set_params(estimator__max_epochs=2).fit(X, Y)
    return saved(trainer, tmp_path_factory.mktemp("net"))


@pytest.fixture
def load_error(tmp_path):
    """Return a function that loads bytes, expects an error, and returns its message."""

    def check(data, error=FileFormatError, **options):
        path = tmp_path / "bad.skt"
        path.write_bytes(data)
        with pytest.raises(error) as caught:
            load(path, **options)
        assert str(path) in str(caught.value)
        assert not (tmp_path / "ran").exists()
        return str(caught.value)

    return check

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sktrainer import ManagedTrainer
from sktrainer.exceptions import InputError
from tests.serialization.onnx.cases import model_of, table


class Halved(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X / 2


def _export_error(trainer, X, folder, match):
    path = folder / "model.onnx"
    path.write_bytes(b"old content")
    with pytest.raises(InputError, match=match) as caught:
        trainer.to_onnx(path, X)
    assert path.read_bytes() == b"old content"
    assert [each.name for each in folder.iterdir()] == ["model.onnx"]
    return caught.value


def test_date_columns_are_all_named(runtime, tmp_path):
    X, y = table()
    days = pd.date_range("2024-01-01", periods=len(X))
    X = X.assign(sold=days, built=days.strftime("%Y-%m-%d"))
    error = _export_error(
        ManagedTrainer(Ridge()).fit(X, y), X, tmp_path, "'sold' contains dates"
    )
    assert [problem.split()[1] for problem in error.problems] == ["'sold'", "'built'"]


def test_step_without_a_converter_raises(runtime, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    trainer = ManagedTrainer(make_pipeline(Halved(), Ridge())).fit(X, y)
    _export_error(trainer, X, tmp_path, r"step 'halved' \(Halved\) cannot be converted")


def test_model_without_a_converter_raises(runtime, tmp_path):
    class OwnRidge(Ridge):
        pass

    X, y = load_diabetes(return_X_y=True)
    trainer = ManagedTrainer(OwnRidge()).fit(X, y)
    _export_error(trainer, X, tmp_path, r"the model \(OwnRidge\) cannot be converted")


def test_wrong_probabilities_of_a_converter_are_detected(runtime, tmp_path):
    # skl2onnx 1.20 exports other scores of two classes than scikit-learn computes.
    X, y = load_breast_cancer(return_X_y=True)
    trainer = ManagedTrainer(LinearDiscriminantAnalysis()).fit(X, y)
    _export_error(trainer, X, tmp_path, r"probabilities .* differ .* by up to 0\.\d+ ")


def test_native_categories_of_catboost_raise(runtime, tmp_path):
    X, y = table()
    trainer = ManagedTrainer(model_of("catboost", "regression"), random_state=0).fit(X, y)
    _export_error(trainer, X, tmp_path, 'categorical_encoding="onehot"')


def test_sparse_matrix_raises(runtime, tmp_path):
    from scipy.sparse import csr_matrix

    X, y = load_diabetes(return_X_y=True)
    X = csr_matrix(X)
    _export_error(ManagedTrainer(Ridge()).fit(X, y), X, tmp_path, "sparse matrix")


def test_network_raises_and_suggests_torch_export(runtime, tmp_path):
    torch = pytest.importorskip("torch")
    X, y = load_iris(return_X_y=True)
    trainer = ManagedTrainer(torch.nn.Sequential(torch.nn.Linear(4, 3)), random_state=0)
    trainer.set_params(estimator__max_epochs=2)
    X = X.astype(np.float32)
    _export_error(trainer.fit(X, y), X, tmp_path, r"torch\.onnx\.export")


def test_empty_X_raises(runtime, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    _export_error(ManagedTrainer(Ridge()).fit(X, y), X[:0], tmp_path, "X has no rows")


def test_unknown_suffix_raises(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(InputError, match=r"must end in \.onnx, got 'model\.skt'"):
        ManagedTrainer(Ridge()).fit(X, y).to_onnx(tmp_path / "model.skt", X)


def test_missing_package_names_the_extra(tmp_path, monkeypatch):
    X, y = load_diabetes(return_X_y=True)
    trainer = ManagedTrainer(Ridge()).fit(X, y)
    for package in ("onnx", "skl2onnx", "onnxmltools", "onnxruntime"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r'pip install "sktrainer\[onnx\]"'):
        trainer.to_onnx(tmp_path / "model.onnx", X)
    assert not list(tmp_path.iterdir())

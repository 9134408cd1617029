from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from sktrainer import ManagedTrainer
from sktrainer.datasets import load_hypothyroid
from sktrainer.exceptions import DataWarning, InputError

FAMILIES = ("sklearn", "forest", "linear", "xgboost", "lightgbm", "catboost")


@pytest.fixture
def runtime():
    """onnxruntime, where all of the extra is installed."""
    for package in ("onnx", "skl2onnx", "onnxmltools"):
        pytest.importorskip(package)
    return pytest.importorskip("onnxruntime")


def model_of(family, task):
    classifier = task == "classification"
    if family == "xgboost":
        xgboost = pytest.importorskip("xgboost")
        kind = xgboost.XGBClassifier if classifier else xgboost.XGBRegressor
        return kind(n_estimators=20)
    if family == "lightgbm":
        lightgbm = pytest.importorskip("lightgbm")
        kind = lightgbm.LGBMClassifier if classifier else lightgbm.LGBMRegressor
        return kind(n_estimators=20, verbose=-1)
    if family == "catboost":
        catboost = pytest.importorskip("catboost")
        kind = catboost.CatBoostClassifier if classifier else catboost.CatBoostRegressor
        return kind(n_estimators=20, verbose=0)
    kinds = {
        "sklearn": (HistGradientBoostingClassifier, HistGradientBoostingRegressor),
        "forest": (RandomForestClassifier, RandomForestRegressor),
        "linear": (LogisticRegression, Ridge),
    }
    kind = kinds[family][not classifier]
    return kind(**{"sklearn": {"max_iter": 20}, "forest": {"n_estimators": 10}}.get(family, {}))


def table(n_rows=400, seed=0):
    """Numbers, truths, text of few and of many levels, and missing cells in each kind."""
    rng = np.random.default_rng(seed)
    few = np.array(["red", "green", "blue", None], dtype=object)[rng.integers(0, 4, n_rows)]
    many = np.array([f"town {i}" for i in range(40)], dtype=object)
    X = pd.DataFrame(
        {
            "size": rng.normal(3.0, 1.0, n_rows),
            "count of rooms": rng.integers(1, 9, n_rows),
            "new": rng.random(n_rows) < 0.5,
            "colour": few,
            "town": many[rng.integers(0, 40, n_rows)],
            "nothing": 1,
        }
    )
    X.loc[rng.random(n_rows) < 0.2, "size"] = np.nan
    signal = (
        X["size"].fillna(3.0)
        + (X["colour"] == "red") * 2
        + X["new"]
        + 0.2 * X["town"].str.len()
    )
    return X, (signal + rng.normal(0, 0.3, n_rows)).to_numpy()


def target_of(kind, numbers):
    codes = np.digitize(numbers, np.quantile(numbers, [0.4, 0.75]))
    if kind == "binary":
        return (codes > 0).astype(int)
    return np.array(["low", "middle", "über"], dtype=object)[codes]


def columns_in(session, X):
    """What goes in, written as a program without this library would."""
    feeds = {}
    for given in session.get_inputs():
        column = X[given.name].to_numpy(dtype=object)[:, np.newaxis]
        missing = pd.isna(column)
        if given.type == "tensor(string)":
            feeds[given.name] = np.where(missing, "", column)
        else:
            feeds[given.name] = np.where(missing, np.nan, column).astype(np.float64)
    return feeds


def answers_of(runtime, path, X):
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = columns_in(session, X) if hasattr(X, "columns") else {"X": X.astype(np.float64)}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_classifier_answers_from_its_file_as_it_does_itself(family, kind, runtime, tmp_path):
    X, numbers = table()
    encoding = "target" if family == "catboost" else "auto"
    model = model_of(family, "classification")
    trainer = ManagedTrainer(
        model, categorical_encoding=encoding, n_iter_no_change=5, random_state=0
    )
    trainer.fit(X, target_of(kind, numbers))
    path = trainer.to_onnx(tmp_path / "model.onnx", X)
    later = table(seed=1)[0]  # rows that the file was not compared on
    later.loc[:5, "colour"] = "a colour that was never seen"

    answers = answers_of(runtime, path, later)

    assert path == tmp_path / "model.onnx"
    assert answers["label"].tolist() == trainer.predict(later).tolist()
    np.testing.assert_allclose(
        answers["probabilities"], trainer.predict_proba(later), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_regressor_answers_from_its_file_as_it_does_itself(family, runtime, tmp_path):
    X, y = table()
    encoding = "ordinal" if family == "catboost" else "auto"
    model = model_of(family, "regression")
    trainer = ManagedTrainer(
        model, categorical_encoding=encoding, n_iter_no_change=5, random_state=0
    )
    path = trainer.fit(X, y).to_onnx(tmp_path / "model.onnx", X)
    later = table(seed=1)[0]

    answers = answers_of(runtime, path, later)

    assert answers["prediction"].shape == (len(later),)
    np.testing.assert_allclose(answers["prediction"], trainer.predict(later), rtol=1e-4)


@pytest.mark.parametrize("encoding", ["native", "onehot", "ordinal", "target"])
def test_every_encoding_is_in_the_file(encoding, runtime, tmp_path):
    X, y = load_hypothyroid(return_X_y=True)
    model = HistGradientBoostingClassifier(max_iter=10)
    trainer = ManagedTrainer(model, categorical_encoding=encoding, random_state=0).fit(X, y)

    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    np.testing.assert_allclose(
        answers["probabilities"], trainer.predict_proba(X), rtol=1e-4, atol=1e-5
    )


def test_an_array_goes_in_as_one_matrix(runtime, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    trainer = ManagedTrainer(Ridge()).fit(X, np.column_stack([y, -y]))
    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    np.testing.assert_allclose(answers["prediction"], trainer.predict(X), rtol=1e-4)


def test_doubles_that_float32_cannot_tell_apart_are_split_as_before(runtime, tmp_path):
    rng = np.random.default_rng(0)
    X = 1e6 + np.arange(500)[:, np.newaxis] * 1e-3
    y = rng.permutation(500) % 2 + (X[:, 0] > np.median(X)) * 1.0
    model = HistGradientBoostingRegressor(max_iter=10)
    trainer = ManagedTrainer(model, random_state=0).fit(X, y)
    assert len(np.unique(X.astype(np.float32))) < 20 < len(np.unique(trainer.predict(X)))

    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    np.testing.assert_allclose(answers["prediction"], trainer.predict(X), rtol=1e-4)


@pytest.mark.parametrize(
    "labels", [np.array([False, True]), np.array([2.0, 7.0]), ["no", "yes"]]
)
@pytest.mark.parametrize("model", [LogisticRegression(max_iter=500), LinearSVC()])
def test_labels_are_the_callers(labels, model, runtime, tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    y = np.asarray(labels)[y]
    trainer = ManagedTrainer(model, random_state=0).fit(X, y)
    path = trainer.to_onnx(tmp_path / "model.onnx", X)

    answers = answers_of(runtime, path, X)

    assert answers["label"].tolist() == trainer.predict(X).tolist()
    assert ("probabilities" in answers) == hasattr(trainer, "predict_proba")
    facts = runtime.InferenceSession(str(path)).get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == np.unique(y).tolist()


@pytest.mark.parametrize("way", ["class_weight", "oversample"])
def test_corrected_probabilities_are_corrected_in_the_file(way, runtime, tmp_path):
    X, y = load_hypothyroid(return_X_y=True)
    trainer = ManagedTrainer(
        LogisticRegression(max_iter=500),
        handle_imbalance=way,
        correct_probabilities=True,
        random_state=0,
    ).fit(X, y)
    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    own = trainer.pipeline_.predict_proba(X)
    assert np.abs(answers["probabilities"] - own).max() > 0.01
    np.testing.assert_allclose(
        answers["probabilities"], trainer.predict_proba(X), rtol=1e-4, atol=1e-5
    )


def test_the_callers_own_steps_are_in_the_file(runtime, tmp_path):
    X, y = table()
    X = X.assign(colour=X["colour"].fillna("none"), size=X["size"].fillna(0.0))
    columns = make_column_transformer(
        (StandardScaler(), ["size", "count of rooms"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["colour", "town"]),
    )
    trainer = ManagedTrainer(make_pipeline(columns, Ridge())).fit(X, y)

    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    np.testing.assert_allclose(answers["prediction"], trainer.predict(X), rtol=1e-4)


def test_columns_that_bear_the_names_of_outputs_are_told_apart(runtime, tmp_path):
    X, y = load_iris(return_X_y=True, as_frame=True)
    X.columns = ["label", "probabilities", "/1/Cast", "X"]
    trainer = ManagedTrainer(LogisticRegression()).fit(X, y)

    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    assert list(answers) == ["label_", "probabilities_"]
    assert answers["label_"].tolist() == trainer.predict(X).tolist()


class Halved(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X / 2


def _refused(trainer, X, folder, match):
    path = folder / "model.onnx"
    path.write_bytes(b"what was there")
    with pytest.raises(InputError, match=match) as caught:
        trainer.to_onnx(path, X)
    assert path.read_bytes() == b"what was there"
    assert [each.name for each in folder.iterdir()] == ["model.onnx"]
    return caught.value


def test_every_column_of_dates_is_named(runtime, tmp_path):
    X, y = table()
    days = pd.date_range("2024-01-01", periods=len(X))
    X = X.assign(sold=days, built=days.strftime("%Y-%m-%d"))
    error = _refused(ManagedTrainer(Ridge()).fit(X, y), X, tmp_path, "'sold' is read as dates")
    assert [problem.split()[1] for problem in error.problems] == ["'sold'", "'built'"]


def test_a_step_without_a_converter_is_named(runtime, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    trainer = ManagedTrainer(make_pipeline(Halved(), Ridge())).fit(X, y)
    _refused(trainer, X, tmp_path, r"step 'halved' \(Halved\) cannot be converted")


def test_a_model_without_a_converter_is_named(runtime, tmp_path):
    class OwnRidge(Ridge):
        pass

    X, y = load_diabetes(return_X_y=True)
    trainer = ManagedTrainer(OwnRidge()).fit(X, y)
    _refused(trainer, X, tmp_path, r"the model \(OwnRidge\) cannot be converted")


def test_a_converter_that_is_wrong_is_found_out(runtime, tmp_path):
    # skl2onnx 1.20 writes the scores of two classes otherwise than scikit-learn has them.
    X, y = load_breast_cancer(return_X_y=True)
    trainer = ManagedTrainer(LinearDiscriminantAnalysis()).fit(X, y)
    _refused(trainer, X, tmp_path, r"probabilities .* differ .* by up to 0\.\d+ ")


def test_category_columns_of_catboost_are_refused_with_what_to_do(runtime, tmp_path):
    X, y = table()
    trainer = ManagedTrainer(model_of("catboost", "regression"), random_state=0).fit(X, y)
    _refused(trainer, X, tmp_path, 'categorical_encoding="onehot"')


def test_a_sparse_matrix_is_refused(runtime, tmp_path):
    from scipy.sparse import csr_matrix

    X, y = load_diabetes(return_X_y=True)
    X = csr_matrix(X)
    _refused(ManagedTrainer(Ridge()).fit(X, y), X, tmp_path, "sparse matrix")


def test_a_network_is_refused_with_the_way_of_its_library(runtime, tmp_path):
    torch = pytest.importorskip("torch")
    X, y = load_iris(return_X_y=True)
    trainer = ManagedTrainer(torch.nn.Sequential(torch.nn.Linear(4, 3)), random_state=0)
    trainer.set_params(estimator__max_epochs=2)
    X = X.astype(np.float32)
    _refused(trainer.fit(X, y), X, tmp_path, r"torch\.onnx\.export")


def test_no_rows_to_compare_on_are_refused(runtime, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    _refused(ManagedTrainer(Ridge()).fit(X, y), X[:0], tmp_path, "needs rows to compare")


def test_another_suffix_is_refused(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(InputError, match=r"must end in \.onnx, got 'model\.skt'"):
        ManagedTrainer(Ridge()).fit(X, y).to_onnx(tmp_path / "model.skt", X)


def test_a_missing_package_is_named_with_the_extra(tmp_path, monkeypatch):
    X, y = load_diabetes(return_X_y=True)
    trainer = ManagedTrainer(Ridge()).fit(X, y)
    for package in ("onnx", "skl2onnx", "onnxmltools", "onnxruntime"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r'pip install "sktrainer\[onnx\]"'):
        trainer.to_onnx(tmp_path / "model.onnx", X)
    assert not list(tmp_path.iterdir())


def test_a_file_for_rows_without_missing_cells_says_so(runtime, tmp_path):
    # skl2onnx 1.20 forgets where the trees inside another model send missing cells.
    X, y = load_breast_cancer(return_X_y=True)
    trainer = ManagedTrainer(BaggingClassifier(random_state=0), preprocessor=None).fit(X, y)
    with pytest.warns(DataWarning, match="for rows without missing cells"):
        path = trainer.to_onnx(tmp_path / "model.onnx", X)
    assert path.is_file()


def test_a_forest_takes_missing_cells_from_its_file(runtime, tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    model = RandomForestClassifier(10, random_state=0)
    trainer = ManagedTrainer(model, preprocessor=None).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        path = trainer.to_onnx(tmp_path / "model.onnx", X)
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)

    answers = answers_of(runtime, path, X)

    assert answers["label"].tolist() == trainer.predict(X).tolist()

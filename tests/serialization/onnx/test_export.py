from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from sktrainer import ManagedTrainer
from sktrainer.datasets import load_hypothyroid
from sktrainer.exceptions import DataWarning
from tests.serialization.onnx.cases import FAMILIES, model_of, table


def target_of(kind, numbers):
    codes = np.digitize(numbers, np.quantile(numbers, [0.4, 0.75]))
    if kind == "binary":
        return (codes > 0).astype(int)
    return np.array(["low", "middle", "über"], dtype=object)[codes]


def columns_in(session, X):
    """Return the inputs of a session, without using this library."""
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
def test_exported_classifier_predicts_like_the_trainer(family, kind, runtime, tmp_path):
    X, numbers = table()
    encoding = "target" if family == "catboost" else "auto"
    model = model_of(family, "classification")
    trainer = ManagedTrainer(
        model, categorical_encoding=encoding, n_iter_no_change=5, random_state=0
    )
    trainer.fit(X, target_of(kind, numbers))
    path = trainer.to_onnx(tmp_path / "model.onnx", X)
    later = table(seed=1)[0]  # rows that the export did not compare
    later.loc[:5, "color"] = "a color that was never seen"

    answers = answers_of(runtime, path, later)

    assert path == tmp_path / "model.onnx"
    assert answers["label"].tolist() == trainer.predict(later).tolist()
    np.testing.assert_allclose(
        answers["probabilities"], trainer.predict_proba(later), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_exported_regressor_predicts_like_the_trainer(family, runtime, tmp_path):
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
def test_every_encoding_is_exported(encoding, runtime, tmp_path):
    X, y = load_hypothyroid(return_X_y=True)
    model = HistGradientBoostingClassifier(max_iter=10)
    trainer = ManagedTrainer(model, categorical_encoding=encoding, random_state=0).fit(X, y)

    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    np.testing.assert_allclose(
        answers["probabilities"], trainer.predict_proba(X), rtol=1e-4, atol=1e-5
    )


def test_array_is_a_single_input(runtime, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    trainer = ManagedTrainer(Ridge()).fit(X, np.column_stack([y, -y]))
    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    np.testing.assert_allclose(answers["prediction"], trainer.predict(X), rtol=1e-4)


def test_splits_between_doubles_equal_in_float32(runtime, tmp_path):
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
def test_exported_labels_are_the_original_labels(labels, model, runtime, tmp_path):
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
def test_corrected_probabilities_are_exported(way, runtime, tmp_path):
    X, y = load_hypothyroid(return_X_y=True)
    trainer = ManagedTrainer(
        LogisticRegression(max_iter=500),
        handle_imbalance=way,
        correct_probabilities=True,
        random_state=0,
    ).fit(X, y)
    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    own = trainer._predictor.undecoded.predict_proba(X)  # not corrected
    assert np.abs(answers["probabilities"] - own).max() > 0.01
    np.testing.assert_allclose(
        answers["probabilities"], trainer.predict_proba(X), rtol=1e-4, atol=1e-5
    )


def test_user_defined_pipeline_is_exported(runtime, tmp_path):
    X, y = table()
    X = X.assign(color=X["color"].fillna("none"), size=X["size"].fillna(0.0))
    columns = make_column_transformer(
        (StandardScaler(), ["size", "count of rooms"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["color", "town"]),
    )
    trainer = ManagedTrainer(make_pipeline(columns, Ridge())).fit(X, y)

    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    np.testing.assert_allclose(answers["prediction"], trainer.predict(X), rtol=1e-4)


def test_outputs_are_renamed_if_columns_have_their_names(runtime, tmp_path):
    X, y = load_iris(return_X_y=True, as_frame=True)
    X.columns = ["label", "probabilities", "/1/Cast", "X"]
    trainer = ManagedTrainer(LogisticRegression()).fit(X, y)

    answers = answers_of(runtime, trainer.to_onnx(tmp_path / "model.onnx", X), X)

    assert list(answers) == ["label_", "probabilities_"]
    assert answers["label_"].tolist() == trainer.predict(X).tolist()


def test_different_predictions_for_missing_values_warn(runtime, tmp_path):
    # skl2onnx 1.20 omits the direction of missing values in trees of a nested estimator.
    X, y = load_breast_cancer(return_X_y=True)
    trainer = ManagedTrainer(BaggingClassifier(random_state=0), preprocessor=None).fit(X, y)
    with pytest.warns(DataWarning, match="only for rows without missing values"):
        path = trainer.to_onnx(tmp_path / "model.onnx", X)
    assert path.is_file()


def test_exported_forest_handles_missing_values(runtime, tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    model = RandomForestClassifier(10, random_state=0)
    trainer = ManagedTrainer(model, preprocessor=None).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        path = trainer.to_onnx(tmp_path / "model.onnx", X)
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)

    answers = answers_of(runtime, path, X)

    assert answers["label"].tolist() == trainer.predict(X).tolist()


@pytest.mark.parametrize("encoding", ["onehot", "ordinal", "target"])
@pytest.mark.parametrize("categories", [[1.0, 2.0, -3.0, 2.5], [1, 2, -3], ["1", "2", "x"]])
def test_numeric_categories_may_be_spelled_as_floats(encoding, categories, runtime, tmp_path):
    rng = np.random.default_rng(0)
    column = pd.Categorical(rng.choice(np.array(categories), 200), categories=categories)
    X = pd.DataFrame({"c": column, "x": rng.normal(size=200)})
    y = (column.codes > 0) ^ (rng.random(200) < 0.1)
    model = LogisticRegression()
    trainer = ManagedTrainer(model, categorical_encoding=encoding, random_state=0).fit(X, y)
    session = runtime.InferenceSession(str(trainer.to_onnx(tmp_path / "m.onnx", X)))

    def predict(text):
        feeds = {"c": np.array([[text]], dtype=object), "x": np.zeros((1, 1))}
        return float(session.run(["probabilities"], feeds)[0][0, 1])

    row = pd.DataFrame({"c": pd.Categorical([categories[1]], categories=categories), "x": 0.0})
    assert predict("2") == pytest.approx(trainer.predict_proba(row)[0, 1], rel=1e-5)
    is_text = isinstance(categories[0], str)
    assert (predict("2.0") == predict("2")) != is_text
    assert predict("2.0") != predict("nothing") or is_text

"""Tests of `save_path`: checks before training, and failures after it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import ParameterError, SaveWarning, load, train_model
from sktrainer.testing import bit_identical, mixed_table

X, Y = mixed_table(300, "classification")


def test_pipeline_is_saved_under_the_name_of_its_model(tmp_path):
    model = make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=5))
    numbers, y = mixed_table(300, "regression")
    result = train_model(model, numbers[["signal", "size"]], y, save_path=tmp_path, verbose=0)
    assert result.model_path.parents[1].name == "hist_gradient_boosting_regressor"


def test_invalid_save_path_raises_before_training(tmp_path):
    with pytest.raises(ParameterError, match=r"folder or a file that ends in \.skt, \.joblib"):
        train_model(LogisticRegression(), X, Y, save_path=tmp_path / "model.onnx", verbose=0)


class Counted(LogisticRegression):
    """Model of a test module that counts its fits."""

    fits = 0

    def fit(self, X, y, sample_weight=None):
        Counted.fits += 1
        return super().fit(X, y, sample_weight)


def _raises_without_a_fit(match, model=None, save_path=None, **parameters):
    Counted.fits = 0
    with pytest.raises(ParameterError, match=match):
        train_model(model or Counted(), X, Y, save_path=save_path, verbose=0, **parameters)
    assert Counted.fits == 0


@pytest.mark.parametrize("name", ["models", "m.skt", "m.joblib", "m.pkl"])
def test_save_path_below_a_file_raises_before_training(name, tmp_path):
    (tmp_path / "file").touch()
    _raises_without_a_fit(r"file' is a file, not a folder", save_path=tmp_path / "file" / name)


def test_save_path_that_cannot_be_created_raises_before_training(tmp_path):
    (tmp_path / "m.skt").mkdir()
    _raises_without_a_fit("cannot be written: it is a folder", save_path=tmp_path / "m.skt")
    if Path("/proc/self").exists():  # a virtual file system, in which root cannot write either
        _raises_without_a_fit("cannot be written", save_path="/proc/self/models")


def test_model_that_a_skt_file_cannot_store_raises_before_training(tmp_path):
    local = type("Local", (Counted,), {"__module__": "__main__"})
    _raises_without_a_fit(
        r"'__main__\.Local', which other processes cannot import.*\.joblib",
        local(),
        save_path=tmp_path / "m.skt",
    )
    assert not any(tmp_path.iterdir())


def test_wrong_path_and_parameters_are_reported_together(tmp_path):
    with pytest.raises(ParameterError) as caught:
        train_model(
            Counted(), X, Y, save_path=tmp_path / "m.onnx", test_size=2.5, scoring="acuracy"
        )
    assert len(caught.value.problems) == 3


class Unsavable(LogisticRegression):
    """Model whose fitted state cannot be saved: by skops, or by any format."""

    def __init__(self, picklable=True):
        super().__init__()
        self.picklable = picklable

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.state_ = {("a", "tuple"): 1} if self.picklable else threading.Lock()
        return self


def test_model_that_cannot_be_saved_as_skt_is_pickled_beside_it(tmp_path):
    with pytest.warns(SaveWarning, match=r"saved as m\.skt\.joblib, which needs trusted=True"):
        result = train_model(Unsavable(), X, Y, save_path=tmp_path / "m.skt", verbose=0)
    assert result.model_path == tmp_path / "m.skt.joblib"
    again = load(result.model_path, trusted=True)
    assert bit_identical(again.predict_proba(X), result.predict_proba(X))


@pytest.mark.parametrize("name", ["store", "m.skt", "m.joblib", "m.pkl"])
def test_model_is_returned_if_it_cannot_be_saved(name, tmp_path):
    with pytest.warns(SaveWarning, match=r"not saved: .*; it cannot|not saved: "):
        result = train_model(
            Unsavable(picklable=False), X, Y, save_path=tmp_path / name, verbose=0
        )
    assert result.model_path is None
    assert "Not saved" in str(result)
    assert result.model.score(X, Y) > 0.5
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".skt", ".joblib")]


def test_path_may_start_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    result = train_model(LogisticRegression(), X, Y, save_path="~/m.skt", verbose=0)
    assert result.model_path == tmp_path / "m.skt"
    assert (load("~/m.skt").predict(X) == result.predict(X)).all()

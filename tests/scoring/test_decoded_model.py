from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from sktrainer.scoring.decoded_model import DecodedModel

X = np.arange(6.0).reshape(-1, 1)


class Fixed(ClassifierMixin, BaseEstimator):
    """Model of two classes whose columns are in the order of `classes_`."""

    def __init__(self, classes=(0, 1)):
        self.classes = classes

    def fit(self, X, y):
        self.classes_ = np.array(self.classes)
        return self

    def predict(self, X):
        return np.full(len(X), 1)

    def predict_proba(self, X):
        of_code = {0: 0.25, 1: 0.75}
        return np.tile([of_code[code] for code in self.classes], (len(X), 1))

    def decision_function(self, X):
        return np.full(len(X), 2.0 if self.classes[1] == 1 else -2.0)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_columns_follow_the_labels_in_any_order_of_the_model(order):
    labels = np.array(["no", "yes"])
    decoded = DecodedModel(Fixed(order).fit(X, None), labels, np.array(order))
    assert decoded.predict(X[:1]).tolist() == ["yes"]
    assert decoded.predict_proba(X[:1]).tolist() == [[0.25, 0.75]]
    assert decoded.decision_function(X[:1]).tolist() == [2.0]


def test_class_without_training_rows_has_probability_zero():
    decoded = DecodedModel(Fixed().fit(X, None), np.array(["a", "b", "c"]), np.array([0, 2]))
    assert decoded.predict_codes(X[:1]).tolist() == [2]
    assert decoded.predict(X[:1]).tolist() == ["c"]
    assert decoded.predict_proba(X[:1]).tolist() == [[0.25, 0.0, 0.75]]


def test_model_without_probabilities_has_no_predict_proba():
    decoded = DecodedModel(LinearSVC(), np.array(["a", "b"]), np.array([0, 1]))
    assert not hasattr(decoded, "predict_proba")
    assert hasattr(decoded, "decision_function")


def test_fit_of_a_clone_encodes_other_labels():
    decoded = DecodedModel(LogisticRegression(), np.array(["a", "b"]), np.array([0, 1]))
    again = clone(decoded).fit(X, ["lo", "lo", "lo", "hi", "hi", "hi"])
    assert again.classes_.tolist() == ["hi", "lo"]
    assert again.predict(X).tolist() == ["lo", "lo", "lo", "hi", "hi", "hi"]
    assert decoded.classes_.tolist() == ["a", "b"]

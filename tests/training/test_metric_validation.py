"""Validation of `scoring`, `eval_metric` and `pos_label`."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression

from sktrainer import ManagedTrainer, ParameterError
from sktrainer.training.metric_validation import scorer_problem


@pytest.mark.parametrize(
    ("name", "task", "n_classes", "better"),
    [
        ("f1", "classification", 3, "f1_macro"),
        ("roc_auc", "classification", 12, "roc_auc_ovr"),
        ("r2", "classification", 2, "accuracy"),
        ("accuracy", "regression", 0, "r2"),
    ],
)
def test_incompatible_scorer_message_suggests_a_compatible_one(name, task, n_classes, better):
    assert repr(better) in scorer_problem(name, task, n_classes)
    assert scorer_problem(better, task, n_classes) is None


@pytest.mark.parametrize("name", ["f1", "roc_auc", "average_precision", "neg_log_loss"])
def test_binary_scorer_is_compatible_with_two_classes(name):
    assert scorer_problem(name, "classification", 2) is None


def test_missing_response_method_is_not_reported():
    assert scorer_problem("roc_auc", "regression", 0) is None


X = np.random.default_rng(0).normal(size=(200, 2))
Y = np.where(X[:, 0] > 0.8, "bad", "good")


@pytest.mark.parametrize(("pos_label", "expected"), [("auto", "bad"), ("good", "good")])
def test_eval_metric_is_shown_with_its_class(pos_label, expected, capsys):
    model = LGBMClassifier(n_estimators=20, verbose=-1)
    trainer = ManagedTrainer(
        model,
        eval_metric="recall",
        pos_label=pos_label,
        validation_size=0.1,
        random_state=0,
        verbose=2,
    ).fit(X, Y)
    shown = f"recall ({expected!r})"
    assert trainer.report_.fitting["metric"] == "recall"
    assert f"on {shown}" in " ".join(trainer.report_.full().split())
    assert f"validation {shown} " in capsys.readouterr().out


def test_wrong_pos_label_is_reported_with_other_mistakes():
    with pytest.raises(ParameterError, match=r"(?s)tol must.*pos_label .*Did you mean 'bad'\?"):
        ManagedTrainer(LogisticRegression(), pos_label="bda", tol=-1).fit(X, Y)


def test_pos_label_needs_two_classes():
    three = np.where(X[:, 1] > 1, "third", Y)
    with pytest.raises(ParameterError, match="needs a target of two classes, but y has 3"):
        ManagedTrainer(LogisticRegression(), pos_label="bad").fit(X, three)
    trainer = ManagedTrainer(LogisticRegression()).fit(X, three)
    assert not hasattr(trainer, "pos_label_")

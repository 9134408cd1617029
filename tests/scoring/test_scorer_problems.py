"""Detection of scorers that do not support the targets, before training."""

from __future__ import annotations

import pytest

from sktrainer.training.validation import scorer_problem


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

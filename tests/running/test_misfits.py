"""Scorers that cannot score such targets are known before training."""

from __future__ import annotations

import pytest

from sktrainer.running.misfits import scorer_misfit


@pytest.mark.parametrize(
    ("name", "task", "n_classes", "better"),
    [
        ("f1", "classification", 3, "f1_macro"),
        ("roc_auc", "classification", 12, "roc_auc_ovr"),
        ("r2", "classification", 2, "accuracy"),
        ("accuracy", "regression", 0, "r2"),
    ],
)
def test_a_scorer_of_other_targets_is_named_with_one_that_fits(name, task, n_classes, better):
    assert repr(better) in scorer_misfit(name, task, n_classes)
    assert scorer_misfit(better, task, n_classes) is None


@pytest.mark.parametrize("name", ["f1", "roc_auc", "average_precision", "neg_log_loss"])
def test_a_scorer_of_two_classes_fits_two_classes(name):
    assert scorer_misfit(name, "classification", 2) is None


def test_a_scorer_for_want_of_a_method_is_no_misfit():
    assert scorer_misfit("roc_auc", "regression", 0) is None

"""Messages about scores and classes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from sktrainer import ManagedTrainer
from sktrainer.exceptions import ClassImbalanceWarning

X = np.random.default_rng(0).normal(size=(400, 2))
RARE = np.where(np.arange(400) % 20, "usual", "rare")
MODEL = DummyClassifier(strategy="most_frequent")


@pytest.mark.parametrize(
    ("options", "rows"),
    [({"test_size": 0.25}, "100 test rows"), ({"cv": 4}, "400 out-of-fold rows")],
)
def test_class_that_is_never_predicted_is_named(options, rows):
    trainer = ManagedTrainer(MODEL, random_state=0, **options)
    with pytest.warns(ClassImbalanceWarning, match=f"never predicted for the {rows}") as caught:
        trainer.fit(X, RARE)
    text = str(caught[0].message)
    assert text.startswith("class 'rare' (")
    assert text in trainer.report_.notes


def test_class_that_is_never_predicted_is_only_a_note_without_imbalance():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = np.where(np.arange(400) % 3, "usual", "other")
        trainer = ManagedTrainer(MODEL, test_size=0.25, random_state=0).fit(X, y)
    assert any("'other' (34 rows) is never predicted" in n for n in trainer.report_.notes)

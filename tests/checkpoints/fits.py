"""Checkpointed fits of a small table that the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from sktrainer import (
    Checkpoint,
    ManagedTrainer,
)
from sktrainer.testing import mixed_table

X, y = mixed_table(300, "classification")
PROBE = mixed_table(50, "classification", seed=9)[0]


def trainer(folder, model=None, *, every=5, keep=2, **parameters):
    model = HistGradientBoostingClassifier(max_iter=20) if model is None else model
    checkpoint = Checkpoint(folder, every=every, keep=keep)
    given = {"random_state": 0, "validation_size": 0.1, "checkpoint": checkpoint}
    return ManagedTrainer(model, **{**given, **parameters})


def states(folder):
    return sorted(Path(folder).rglob("*.zip"))


class CountsFits(LogisticRegression):
    """Classifier that counts its fits."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


def damage(path, damage_type):
    content = bytearray(path.read_bytes())
    if damage_type == "truncated":
        content = content[: len(content) // 2]
    elif damage_type == "flipped":
        content[len(content) // 2] ^= 1
    else:
        content = b""
    path.write_bytes(bytes(content))

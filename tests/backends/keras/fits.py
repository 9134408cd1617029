"""Table and trainer of the tests of Keras models."""

from __future__ import annotations

import numpy as np

from sktrainer import ManagedTrainer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype(np.float32)
Y = (X @ [1.0, -2.0, 0.5] + RNG.normal(0, 0.1, 120)).astype(np.float32)
LABELS = np.where(Y > 0, "yes", "no")


def plain(model, epochs=4, **parameters):
    """Return a trainer without preprocessing and without held-out rows."""
    options = {"preprocessor": None, "early_stopping": False, "random_state": 0}
    trainer = ManagedTrainer(model, **{**options, **parameters})
    return trainer.set_params(estimator__epochs=epochs)

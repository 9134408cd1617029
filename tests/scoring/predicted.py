"""Cached predictions of random rows."""

from __future__ import annotations

import numpy as np

from sktrainer.data.predictions import CachedPredictor

RNG = np.random.default_rng(0)


def predicted(probabilities):
    codes = np.arange(probabilities.shape[1])
    calls = []

    def predict():
        calls.append("predict")
        return probabilities.argmax(axis=1)

    answers = CachedPredictor("classification", codes, predict, lambda: probabilities)
    return answers, calls


def table(n_classes, n_rows=200):
    y = RNG.integers(0, n_classes, n_rows)
    probabilities = RNG.dirichlet(np.ones(n_classes), n_rows).round(2) + 1e-3
    probabilities[np.arange(n_rows), y] += 0.2
    return y, probabilities / probabilities.sum(axis=1, keepdims=True)

"""Real data sets for the demo, the examples and the tests."""

from sktrainer.datasets.hypothyroid import load_hypothyroid

__all__ = ["load_hypothyroid"]

"""Iteration by iteration training of scikit-learn estimators."""

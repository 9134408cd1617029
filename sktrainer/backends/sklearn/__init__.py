"""Iterative training of scikit-learn models, and their capabilities."""

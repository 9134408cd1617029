"""Comparison of fitted trainers and of models on the same folds."""

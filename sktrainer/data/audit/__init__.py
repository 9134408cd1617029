"""Leakage and data checks before training, one check per module."""

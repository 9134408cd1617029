"""LightGBM backend."""

"""Saved models: `.skt` bundles, pickles, ONNX and model versions."""

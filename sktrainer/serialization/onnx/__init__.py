"""Export of a fitted trainer to ONNX."""

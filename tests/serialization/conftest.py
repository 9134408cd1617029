from __future__ import annotations

import pytest


@pytest.fixture
def runtime():
    """Return onnxruntime, or skip the test if the extra `onnx` is not installed."""
    for package in ("onnx", "skl2onnx", "onnxmltools"):
        pytest.importorskip(package)
    return pytest.importorskip("onnxruntime")

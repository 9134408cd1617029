from __future__ import annotations

import pytest


@pytest.fixture
def runtime():
    """onnxruntime, where all of the extra is installed."""
    for package in ("onnx", "skl2onnx", "onnxmltools"):
        pytest.importorskip(package)
    return pytest.importorskip("onnxruntime")

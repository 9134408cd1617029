"""Fixture for tests that create layers."""

from __future__ import annotations

import pytest

from sktrainer.runtime.global_state import preserve_global_state


@pytest.fixture
def restored_generators():
    with preserve_global_state():  # layers created in a test draw seeds from Python's generator
        yield

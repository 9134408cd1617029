"""Fixtures of the tracker tests."""

from __future__ import annotations

import pytest

from tests.tracking.servers import MlflowServer


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory):
    """MLflow server that all tests share."""
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.kill()

"""The command `schema`."""

from __future__ import annotations

import json

from sktrainer.config.schema import config_schema
from tests.cli.running import succeed


def test_schema_is_printed_as_json() -> None:
    assert json.loads(succeed("schema")) == json.loads(json.dumps(config_schema()))

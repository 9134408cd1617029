"""The list of contract checks."""

from __future__ import annotations

import re
from pathlib import Path

from sktrainer import testing


def test_checks_of_all_modules_are_listed_once():
    found = [check.__name__ for check in testing.contract_checks()]
    modules = Path(testing.__file__).parent.glob("*_checks.py")
    written = [
        name
        for module in modules
        for name in re.findall(r"^def (check_\w+)\(", module.read_text("utf-8"), re.MULTILINE)
    ]
    assert sorted(found) == sorted(written)
    assert len(found) > 30

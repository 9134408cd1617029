"""The list of contract checks."""

from __future__ import annotations

from sktrainer import testing


def test_checks_of_all_modules_are_listed_once():
    checks = testing.contract_checks()
    assert len({check.__name__ for check in checks}) == len(checks) == 43
    assert len({check.__module__ for check in checks}) == 9

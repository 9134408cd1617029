"""The list of contract checks."""

from __future__ import annotations

from sktrainer import testing


def test_every_check_of_the_package_is_listed_once():
    listed = [check.__name__ for check in testing.contract_checks()]
    assert sorted(listed) == sorted(n for n in testing.__all__ if n.startswith("check_"))

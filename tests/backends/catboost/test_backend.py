"""What differs between CatBoost and the other boosting libraries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.backends.boosters import fit, make_classifier, make_rows


def test_catboost_writes_no_files(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    X, y, _ = make_rows()
    fit(make_classifier("catboost", 5), X, y)
    assert list(tmp_path.iterdir()) == []

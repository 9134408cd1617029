from __future__ import annotations

import sys

import pytest

from sktrainer._optional import require


def test_installed_package_is_imported():
    assert require("json.decoder", "report") is sys.modules["json.decoder"]


def test_missing_package_error_names_the_extra():
    expected = r'no_such_library is required .*pip install "sktrainer\[report\]"'
    with pytest.raises(ImportError, match=expected) as caught:
        require("no_such_library.part", "report")
    assert caught.value.name == "no_such_library"


def test_missing_dependency_keeps_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_library'"):
        require("broken_library", "report")

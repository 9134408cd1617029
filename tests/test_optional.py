from __future__ import annotations

import sys

import pytest

from sktrainer._optional import require


def test_a_package_that_is_there_is_imported():
    assert require("json.decoder", "report") is sys.modules["json.decoder"]


def test_a_missing_package_is_named_with_its_extra():
    expected = r'no_such_library is needed .*pip install "sktrainer\[report\]"'
    with pytest.raises(ImportError, match=expected) as caught:
        require("no_such_library.part", "report")
    assert caught.value.name == "no_such_library"


def test_a_package_that_lacks_another_keeps_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_library'"):
        require("broken_library", "report")

"""Lines that libraries write to the standard error of the process."""

from __future__ import annotations

import os
import pickle
import sys

from sktrainer.runtime.native_output import QuietImport, drop_native_lines


def test_lines_with_a_part_are_dropped_and_the_others_written(capfd):
    with drop_native_lines(["no driver", "processor"]):
        os.write(2, b"I0000 processor\nerror: disk full\nE0000 no driver\n")
        assert capfd.readouterr().err == ""
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "error: disk full\nafter\n"


def test_package_is_imported_quietly_where_it_is_unpickled(capfd, tmp_path, monkeypatch):
    code = "import os; os.write(2, b'I0000 processor\\nimported\\n')"
    (tmp_path / "noisy_package.py").write_text(code)
    content = pickle.dumps(QuietImport("noisy_package", ["processor"]))
    assert "noisy_package" not in sys.modules
    monkeypatch.syspath_prepend(tmp_path)
    try:
        again = pickle.loads(content)
        assert capfd.readouterr().err == "imported\n"
        assert pickle.dumps(again) == content
    finally:
        sys.modules.pop("noisy_package", None)

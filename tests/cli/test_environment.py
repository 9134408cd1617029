"""Requirements of sktrainer and the installed packages."""

from __future__ import annotations

import sys

from sktrainer.cli._environment import Package, import_problems, machine, parse_requirements


def test_installed_and_missing_packages_are_distinguished():
    lines = [
        "numpy>=2.0",
        "numpy>=999.0; extra == 'onnx'",
        "no-such-package>=1.0; extra == 'torch'",
        "pytest>=8.2; extra == 'test'",
        "sktrainer[torch]; extra == 'all'",
        'no-such-package; extra == "keras"',
    ]
    fine, old, missing, bare = parse_requirements(lines)
    assert (fine.name, fine.extra, fine.problem, fine.fix) == ("numpy", "", "", "")
    assert (old.problem, old.fix) == (
        "version 999.0 or later is needed",
        'pip install "sktrainer[onnx]"',
    )
    assert (missing.version, missing.problem) == (None, "not installed")
    assert (bare.extra, bare.least) == ("keras", "")


def test_versions_are_compared_as_numbers():
    [found] = parse_requirements(["numpy>=1.9"])
    assert found.problem == ""


def test_failing_import_is_found(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("raise ImportError('libfoo.so is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    packages = [
        Package("broken-library", "", "", "1.0"),
        Package("click", "", "", "8.0"),
        Package("absent", "", "", None, "not installed"),
    ]
    assert import_problems(packages) == {
        "broken-library": "its import fails: ImportError: libfoo.so is missing"
    }


def test_machine_is_described():
    facts = machine()
    assert set(facts) == {"Python", "System", "Cores", "GPU"}
    assert sys.executable in facts["Python"]

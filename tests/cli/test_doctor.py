"""The command `doctor`."""

from __future__ import annotations

import pytest

from sktrainer import __version__
from sktrainer.cli import _environment
from tests.cli.running import invoke, read_json, succeed


def test_packages_of_this_installation_are_shown():
    document = read_json("doctor")
    names = {package["name"]: package for package in document["packages"]}
    assert document["machine"]["sktrainer"] == __version__
    assert names["numpy"]["problem"] == ""
    assert names["xgboost"]["extra"] == "xgboost"
    text = succeed("doctor")
    assert "scikit-learn" in text


@pytest.mark.parametrize(
    ("requirement", "code"), [("absent>=1; extra == 'onnx'", 0), ("absent>=1", 1)]
)
def test_missing_required_package_is_a_failure(monkeypatch, requirement, code):
    monkeypatch.setattr(_environment.metadata, "requires", lambda name: [requirement])
    result = invoke("doctor")
    assert result.exit_code == code
    assert "not installed" in result.stdout
    assert "  pip install " in result.stdout.splitlines()[-1]

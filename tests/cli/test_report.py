"""The command `report`."""

from __future__ import annotations

import json

from sktrainer import load
from tests.cli.running import fail, read_json, succeed


def test_report_is_printed(work):
    report = load("models/loans/1/model.skt").report_
    assert succeed("report", "models/loans/1") == f"{report.full()}\n"


def test_report_is_written_as_a_page(work):
    assert succeed("report", "loans.skt", "-o", "pages/r.html") == "Wrote pages/r.html\n"
    page = (work / "pages/r.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "HistGradientBoostingClassifier" in page


def test_report_is_json(work):
    document = read_json("report", "loans.skt")
    assert document == load("loans.skt").report_.to_dict()


def test_report_is_written_as_json(work):
    document = read_json("report", "loans.skt", "-o", "r.json")
    assert document == {"output": "r.json"}
    written = json.loads((work / "r.json").read_text(encoding="utf-8"))
    assert written == json.loads(load("loans.skt").report_.to_json())


def test_output_must_be_a_page(work):
    assert "--output: 'r.pdf' must end in .html or .json." in fail(
        "report", "loans.skt", "-o", "r.pdf"
    )

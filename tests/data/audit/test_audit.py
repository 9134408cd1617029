from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from sktrainer.data.audit.audit import CHECKS, audit_problems, audit_rows, ignored_checks
from tests.data.audit.rows import audited, classes, numbers

DOCS = Path(__file__).parents[3] / "docs" / "audit"
X = numbers()
LABELS = classes(X)


def test_findings_have_a_code_and_the_most_serious_comes_first():
    table = audited(X.assign(answer=LABELS, source="web"), LABELS)
    findings = audit_rows(table)
    assert [(f.code, f.name, f.severity) for f in findings] == [
        ("SKT101", "target-in-columns", "error"),
        ("SKT202", "constant-column", "note"),
    ]
    assert findings[0].message.startswith("SKT101 target-in-columns: Column 'answer' contains")


def test_ignored_check_is_not_run_and_others_still_are():
    table = audited(X.assign(answer=LABELS), LABELS)
    assert [f.code for f in audit_rows(table, ["SKT101"])] == ["SKT102"]
    assert audit_rows(table, ["SKT101", "SKT102"]) == ()
    assert audit_rows(table, ignored_checks(False)) == ()


def test_audit_is_reproducible_and_leaves_the_random_state_alone():
    before = np.random.get_state()[1].tolist()
    first, second = (audit_rows(audited(X.assign(n=range(400)), LABELS)) for _ in range(2))
    assert first == second != ()
    assert np.random.get_state()[1].tolist() == before


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_every_check_has_a_page(code):
    page = (DOCS / f"{code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {code}: {CHECKS[code].name}\n")
    titles = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert titles == ["What it finds", "Why it matters", "How to fix it"]


def test_index_lists_all_pages():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\((SKT\d+)\.md\)", index)) == set(CHECKS)
    assert {page.stem for page in DOCS.glob("SKT*.md")} == set(CHECKS)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"ignore": ["SKT11"]}, "got 'SKT11'. Did you mean 'SKT101'?"),
        ({"ignore": "SKT101"}, "a list of codes such as 'SKT101', got {'ignore': 'SKT101'}"),
        ({"only": ["SKT101"]}, "got {'only': ['SKT101']}"),
        ({"ignore": 3}, "a list of codes such as 'SKT101', got {'ignore': 3}"),
    ],
)
def test_unknown_codes_are_reported(value, message):
    (problem,) = audit_problems(value)
    assert problem.endswith(message)

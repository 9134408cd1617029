from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from sktrainer.reporting.screen import LINES, render_screen, scores_block


def _long(report, n_classes=2):
    labels = [f"class {i}" for i in range(n_classes)]
    finding = {
        "code": "SKT103",
        "name": "copies",
        "severity": "warning",
        "columns": (),
        "found": "test rows are copies",
        "detail": "",
        "why": "the model memorizes them",
        "fix": "drop them",
    }
    return dataclasses.replace(
        report,
        confusion=pd.DataFrame(np.eye(n_classes, dtype=int), index=labels, columns=labels),
        findings=(finding,) * 9,
        notes=tuple(f"Note {i}: {'word ' * 80}" for i in range(30)),
    )


def test_long_report_fits_on_one_screen(report):
    for n_classes in (2, 7, 25, 400):
        lines = render_screen(_long(report, n_classes)).splitlines()
        assert len(lines) <= LINES
        assert max(map(len, lines)) <= 100
        assert lines[-1] == "The whole report: print(report.full()), report.to_html(path)"


def test_number_of_omitted_notes_and_findings_is_shown(report):
    text = render_screen(_long(report))
    n_notes = sum(line.startswith("- Note") for line in text.splitlines())
    assert n_notes >= 1
    assert f"… {30 - n_notes} more" in text
    n_findings = text.count("SKT103")
    assert n_findings == 9 or f"… {9 - n_findings} more" in text


def test_short_report_is_shown_in_full(report):
    assert render_screen(report) == report.full()


def test_scores_of_sets_and_folds_are_in_one_table(report):
    intervals = pd.DataFrame({"low": [0.9], "high": [0.97]}, index=["accuracy"])
    baseline = report.scores * 0 + 0.5
    shown = dataclasses.replace(report, intervals=intervals, baseline=baseline)
    assert scores_block(shown).splitlines() == [
        "          train  validation   test  constant  test 95% interval        2 folds",
        "accuracy  0.991       0.950  0.940     0.500     0.900 to 0.970  0.940 ± 0.010",
        "roc_auc   1.000       0.980  0.971     0.500                  -  0.970 ± 0.010",
    ]


def test_scores_of_folds_alone_have_their_constant(report):
    summary = report.cv_summary.assign(constant=[0.5, 0.6])
    shown = dataclasses.replace(report, scores=pd.DataFrame(), cv_summary=summary)
    assert scores_block(shown).splitlines()[1] == "accuracy  0.940 ± 0.010     0.500"


def test_many_classes_show_those_with_the_lowest_f1(report):
    labels = [f"c{i}" for i in range(9)]
    counts = 10 * np.eye(9, dtype=int)
    counts[4, 5] = 30
    confusion = pd.DataFrame(counts, index=labels, columns=labels)
    text = render_screen(dataclasses.replace(_long(report), confusion=confusion))
    block = text.partition("Classes with the lowest F1 (test rows), of 9 classes\n")[2]
    assert block.splitlines()[1].split() == ["c4", "1.000", "0.250", "0.400", "40", "10"]

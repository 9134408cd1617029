"""Confusion matrices with many classes are summarized by the most frequent errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sktrainer.reporting.confusion import has_many_classes, most_confused


def matrix(n_classes, wrong=()):
    counts = np.diag(np.full(n_classes, 9))
    for true, predicted, rows in wrong:
        counts[true, predicted] = rows
    labels = [f"<c{number}>" for number in range(n_classes)]
    return pd.DataFrame(counts, index=labels, columns=labels)


def test_most_frequent_errors_come_first():
    found = most_confused(matrix(30, [(3, 7, 1), (2, 20, 3)]))
    assert found.to_dict("list") == {
        "true": ["<c2>", "<c3>"],
        "predicted": ["<c20>", "<c7>"],
        "rows": [3, 1],
        "share": ["25%", "10%"],
    }


@pytest.mark.parametrize("wrong", [(), [(2, 20, 3)]])
def test_report_with_many_classes_stays_short(report, wrong):
    confusion = matrix(400, wrong)
    assert has_many_classes(confusion) and not has_many_classes(matrix(20))
    of_many = replace(report, confusion=confusion)
    text, page = str(of_many), of_many._repr_html_()

    assert len(text.splitlines()) < len(str(report).splitlines()) + 5
    assert len(page) < len(report._repr_html_()) + 5000
    assert ("400 classes in total" in text) == ("&lt;c20&gt;" in page) == bool(wrong)

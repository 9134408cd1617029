from __future__ import annotations

import dataclasses
import re
import sys
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from sktrainer.callbacks.history import history_frame
from sktrainer.reporting import html
from sktrainer.reporting.page_context import STACK_WIDTHS
from sktrainer.types import MetricValue

HOSTILE = "<script>alert('x')</script>\"&"
VOID = {"meta", "br", "path", "rect", "use"}


class _Balance(HTMLParser):
    """Parser that records elements closed in the wrong order."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.seen = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def _parsed(text):
    parser = _Balance()
    parser.feed(text)
    return parser


def _hostile(report):
    labels = [HOSTILE, "日本語 $x$"]
    history = report.history.assign(metric=f"a$b {HOSTILE}")
    return dataclasses.replace(
        report,
        estimator=HOSTILE,
        data={**report.data, "target": HOSTILE, "class_counts": {HOSTILE: 5, "b": 2}},
        split={"kind": HOSTILE, "reason": HOSTILE, "rows": {"train": 5}},
        preprocessing=({"name": HOSTILE, "kind": HOSTILE, "treatment": HOSTILE},),
        imbalance={"method": HOSTILE, "before": {HOSTILE: 1}, "after": {HOSTILE: 2}},
        history=history,
        confusion=pd.DataFrame([[1, 0], [0, 0]], index=labels, columns=labels),
        importances=pd.Series([0.5, -0.2], index=labels),
        folds=report.folds.assign(error=HOSTILE),
        seeds={HOSTILE: 1},
        parameters={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
        notes=(HOSTILE,),
    )


def test_page_shows_every_section(report):
    titles = re.findall(r"<h3>(.*?)</h3>", html.render_page(report))
    assert titles == [
        "Scores",
        "Notes",
        "Training curve",
        "Cross-validation",
        "Confusion matrix (test rows)",
        "Feature importances",
        "Split",
        "Classes",
        "Pipeline",
        "Time and memory",
        "Reproducibility",
    ]


def test_page_is_well_formed_for_any_report(report, bare_report, regression_report):
    for shown in (report, bare_report, regression_report, _hostile(report)):
        parser = _parsed(html.render_page(shown))
        assert parser.wrong == []
        assert parser.open == []


def test_page_loads_no_external_resources(report):
    page = html.render_page(report)
    assert not re.search(r"<(script|link|img|iframe)\b", page)
    # SVG clip paths and markers use links within the page (#id).
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert not re.search(r"url\((?!#)|@import", page)


def test_user_strings_are_escaped(report):
    hostile = _hostile(report)
    for text in (html.render_page(hostile), hostile._repr_html_()):
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert "script" not in _parsed(text).seen


def test_fragment_styles_affect_only_the_fragment(report):
    style = report._repr_html_().partition("<style>")[2].partition("</style>")[0]
    selectors = re.findall(r"(?:^|[{}])([^{}]*)(?=\{)", re.sub(r"/\*.*?\*/", "", style))
    names = [part.strip() for selector in selectors for part in selector.split(",")]
    names = [name for name in names if name and not name.startswith(("@media", "@container"))]
    assert len(names) > 20
    assert [name for name in names if ".skt-report" not in name and "skt-" not in name] == []
    assert "<html" not in report._repr_html_()


def test_same_report_gives_same_page(report):
    assert html.render_page(report) == html.render_page(report)


def test_page_states_how_scored_rows_were_used(report):
    assert "not used for fitting, early stopping or model" in html.render_page(report)
    only_train = dataclasses.replace(
        report, scores=report.scores.loc[["train"]], cv_summary=None, folds=None
    )
    assert "Expect lower scores on new data" in html.render_page(only_train)


def test_page_without_matplotlib_names_the_extra(report, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = html.render_page(report)
    assert "<svg" not in page
    assert "sktrainer[report]" in page
    assert "Confusion matrix (test rows)" in page


def test_to_html_creates_missing_folders(report, tmp_path):
    path = report.to_html(str(tmp_path / "new" / "report.html"))
    assert path == tmp_path / "new" / "report.html"
    assert path.read_text(encoding="utf-8") == html.render_page(report)
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_failed_write_keeps_old_file_and_no_temporary_file(report, tmp_path):
    path = report.to_html(tmp_path / "report.html")
    old = path.read_text(encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        dataclasses.replace(report, notes=("\ud800",)).to_html(path)
    assert path.read_text(encoding="utf-8") == old
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_page_stays_small_with_long_history_and_many_columns(report):
    values = np.linspace(1, 0.1, 20_000)
    history = history_frame(
        [MetricValue(i, "train", "loss", v, 0.0) for i, v in enumerate(values, 1)]
    )
    columns = tuple({"name": f"c{i}", "treatment": "as it is"} for i in range(20_000))
    page = html.render_page(dataclasses.replace(report, history=history, preprocessing=columns))
    assert len(page) < 400_000
    assert "… 19,000 more rows" in page


def test_number_of_metrics_and_classes_is_limited(report):
    history = pd.concat([report.history.assign(metric=f"m{i}") for i in range(9)])
    counts = {f"class {i}": i for i in range(200)}
    page = html.render_page(
        dataclasses.replace(report, history=history, data={"class_counts": counts})
    )
    assert page.count("<svg") <= 6
    assert "… 170 more classes" in page


def test_split_kind_that_is_an_identifier_is_not_capitalized(report):
    split = {"kind": "partial_fit", "rows": {"train": 5}, "reason": "all rows"}
    assert ">partial_fit split (all rows).<" in html.render_page(
        dataclasses.replace(report, split=split)
    )


def test_page_of_confusion_with_many_errors_states_total_number_of_classes(report):
    labels = [f"c{i}" for i in range(31)]
    counts = pd.DataFrame(1, index=labels, columns=labels)
    page = html.render_page(dataclasses.replace(report, confusion=counts))
    assert "Most frequent confusions (test rows)" in page
    assert "31 classes in total" in page


@pytest.mark.parametrize(
    ("n_metrics", "stack"), [(2, ""), (4, "440"), (8, "800"), (20, "always")]
)
def test_table_stacks_its_cells_on_pages_that_it_does_not_fit(report, n_metrics, stack):
    names = [f"metric_{i}" for i in range(n_metrics)]
    folds = pd.DataFrame(0.5, index=range(1, 12), columns=names)
    page = html.render_page(dataclasses.replace(report, folds=folds, cv_summary=None))
    table = page.partition("<h3>Cross-validation</h3>")[2].partition("</table>")[0]
    assert re.findall(r'<table(?: class="skt-stack-(\w+)")?>', table) == [stack]
    assert f'data-label="metric_{n_metrics - 1}">0.500</td>' in table


def test_style_sheet_has_rules_for_every_stack_width(report):
    style = html.render_page(report).partition("<style>")[2].partition("</style>")[0]
    assert style.count("{") == style.count("}")
    for width in STACK_WIDTHS:
        assert f"@container (max-width: {width}px)" in style
        assert f".skt-stack-{width} thead" in style


def test_templates_are_part_of_the_package():
    folder = resources.files("sktrainer.reporting") / "templates"
    assert folder.joinpath("page.html.jinja").is_file()
    assert folder.joinpath("report.css.jinja").is_file()

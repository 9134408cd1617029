from __future__ import annotations

import dataclasses
import json
import pickle
import sys

import jsonschema
import numpy as np
import pandas as pd
import pytest

from sktrainer.reporting.report import TrainingReport


def test_repr_is_one_short_line(report, bare_report):
    assert repr(report) == (
        "<TrainingReport of LGBMClassifier: accuracy 0.940 on the test rows>"
    )
    assert repr(bare_report) == "<TrainingReport of Ridge: not scored>"


def test_repr_uses_fold_scores_without_test_set(report):
    without_test = dataclasses.replace(report, scores=report.scores.drop(index="test"))
    assert repr(without_test).endswith("accuracy 0.940 ± 0.010 over 2 folds>")


def test_repr_skips_metrics_without_a_value(regression_report):
    assert repr(regression_report).endswith("rmse 60,321 on the test rows>")


def test_report_is_frozen(report):
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.notes = ()


def test_pickle_is_small_and_restores_the_report(report):
    content = pickle.dumps(report)
    assert len(content) < 20_000
    assert str(pickle.loads(content)) == str(report)


def test_to_dict_is_json_compatible_and_keeps_values(report):
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["scores"]["test"] == {"accuracy": 0.94, "roc_auc": 0.9712}
    assert plain["confusion"] == {"labels": ["no", "yes"], "counts": [[180, 3], [9, 8]]}
    assert plain["history"][0] == {
        "iteration": 1,
        "set": "train",
        "metric": "loss",
        "value": 1.0,
        "seconds": 0.1,
    }
    assert plain["folds"][1]["fold"] == 2
    assert plain["importances"] == {"age": 0.7, "town": 0.3}
    assert set(plain) == {field.name for field in dataclasses.fields(TrainingReport)}


def test_to_json_writes_the_same_text_to_a_file(report, tmp_path):
    path = tmp_path / "new" / "report.json"
    text = report.to_json(path)
    assert path.read_text(encoding="utf-8") == text + "\n"
    assert json.loads(text) == report.to_dict()


def test_json_schema_is_valid_and_describes_every_field(report, bare_report, regression_report):
    schema = TrainingReport.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == {f.name for f in dataclasses.fields(TrainingReport)}
    for shown in (report, bare_report, regression_report):
        jsonschema.validate(shown.to_dict(), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**report.to_dict(), "unknown": 1}, schema)


def test_full_report_contains_what_one_screen_leaves_out(report):
    counts = {f"class {i}": 10 for i in range(30)}
    names = tuple(f"Note {i}: {'word ' * 40}" for i in range(30))
    long = dataclasses.replace(report, notes=names, data={"class_counts": counts})
    assert "Note 29" in long.full()
    assert "Note 29" not in str(long)
    assert "print(report.full())" in str(long)
    assert str(long).count("\n") < 50


def test_values_not_in_json_become_none_or_strings(bare_report):
    odd = dataclasses.replace(
        bare_report,
        scores=pd.DataFrame({"r2": [np.nan, np.inf]}, index=["train", "test"]),
        data={"rows": np.int64(3), "target": np.str_("y")},
        seeds={"a": np.uint32(7)},
        notes=(np.float32(0.5), pd.NA, np.bool_(True), np.arange(2), {1: pd.NaT}),
    )
    plain = json.loads(json.dumps(odd.to_dict(), allow_nan=False))
    assert plain["scores"] == {"train": {"r2": None}, "test": {"r2": None}}
    assert plain["notes"] == [0.5, None, True, [0, 1], {"1": None}]
    assert plain["data"]["rows"] == 3


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_printing_does_not_import_packages_for_html(report, package, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    str(report), repr(report), report.to_dict()
    assert package not in sys.modules

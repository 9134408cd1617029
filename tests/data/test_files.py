"""Tests of reading and writing tables in all formats."""

from __future__ import annotations

import gzip
import io
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from sktrainer import ManagedTrainer
from sktrainer.data.files import open_writer, read_batches, read_table, write_table
from sktrainer.exceptions import DataWarning, FileWriteError, InputError
from sktrainer.testing import bit_identical, mixed_table

SUFFIXES = [".csv", ".csv.gz", ".jsonl", ".parquet", ".feather"]
FRAME = pd.DataFrame(
    {
        "n": [1, 2, 3],
        "x": [0.1, 1 / 3, np.nan],
        "s": ["a,b", 'c"\nd', np.nan],
        "zip": ["00123", "98178", "10115"],
        "flag": [True, False, True],
    }
)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_written_table_is_read_unchanged(tmp_path, suffix):
    path = write_table(FRAME, tmp_path / f"a{suffix}")
    pd.testing.assert_frame_equal(read_table(path), FRAME)
    batches = [*read_batches(path, 2)]
    assert [len(batch) for batch in batches] == [2, 1]
    pd.testing.assert_frame_equal(pd.concat(batches), FRAME)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_batches_are_appended(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with open_writer(path) as write:
        write(FRAME.iloc[:2])
        write(FRAME.iloc[2:])
    pd.testing.assert_frame_equal(read_table(path), FRAME)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_failed_write_leaves_the_old_file(tmp_path, suffix):
    path = write_table(FRAME, tmp_path / f"a{suffix}")
    before = path.read_bytes()
    with pytest.raises(RuntimeError), open_writer(path) as write:  # noqa: PT012
        write(FRAME.iloc[:1])
        raise RuntimeError
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_standard_input_is_recognized_by_its_content(tmp_path, monkeypatch, suffix):
    content = write_table(FRAME, tmp_path / f"a{suffix}").read_bytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    pd.testing.assert_frame_equal(read_table("-"), FRAME)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_predictions_in_batches_equal_those_of_the_whole_table(tmp_path, suffix):
    X, y = mixed_table(200, "classification")
    X = X.drop(columns="mixed")  # Parquet columns have one type
    path = write_table(X, tmp_path / f"a{suffix}")
    whole = read_table(path)
    model = HistGradientBoostingClassifier(max_iter=5)
    trainer = ManagedTrainer(model, random_state=0, audit=False).fit(whole, y)
    batches = [trainer.predict_proba(batch) for batch in read_batches(path, 33)]
    assert bit_identical(np.concatenate(batches), trainer.predict_proba(whole))


def test_csv_and_parquet_give_the_same_kinds_of_columns(tmp_path):
    X, y = mixed_table(300, "classification")
    X = X.drop(columns="mixed")
    decisions = []
    for suffix in (".csv", ".parquet"):
        frame = read_table(write_table(X, tmp_path / f"a{suffix}"))
        model = HistGradientBoostingClassifier(max_iter=2)
        trainer = ManagedTrainer(model, random_state=0, audit=False).fit(frame, y)
        decisions.append(
            [(each["name"], each["kind"]) for each in trainer.report_.preprocessing]
        )
    assert decisions[0] == decisions[1]


def test_deviations_from_the_standard_are_a_warning_by_default(tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n1,5;x\n2;y\n")
    with pytest.warns(DataWarning, match="delimiter ';' and decimal commas in the columns 'a'"):
        frame = read_table(tmp_path / "a.csv")
    assert frame["a"].tolist() == [1.5, 2.0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"PAR1....", r"is a Parquet file, although its suffix is '\.csv'. Rename it"),
        ("a.parquet", b"a,b\n1,2\n", r"is not a Parquet file, although its suffix"),
        ("a.jsonl", b"a,b\n1,2\n", r"is not a JSON lines file"),
        ("a.feather", b"PAR1....", r"is a Parquet file, although its suffix is '\.feather'"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0....", "is an Excel file. Save the sheet as CSV"),
        ("a.feather", b"FEA1....", "is a Feather file of version 1"),
        ("a.dat", b"a,b\n1,2\n", r"has the suffix '\.dat', expected one of \.csv, \.tsv"),
        ("a.json", b'{"a": 1}', r"Rename it to \.jsonl if it has one JSON object per line"),
        (
            "a.parquet.gz",
            gzip.compress(b"PAR1....", mtime=0),
            "is a compressed Parquet file. Decompress",
        ),
        ("a.csv", b"\x7fELF\x00\x01\x02", "contains binary data"),
    ],
)
def test_wrong_format_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / name)


def test_unknown_suffix_of_an_output_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.csv, \.csv\.gz, \.jsonl, \.parquet"):
        write_table(FRAME, tmp_path / "a.xlsx")


def test_folder_is_no_output_file(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(FileWriteError, match=r"a\.csv' cannot be written: it is a folder"):
        write_table(FRAME, tmp_path / "a.csv")


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_column_with_values_of_several_types_is_refused(tmp_path, suffix):
    with pytest.raises(InputError, match="values of several types .* Write a CSV"):
        write_table(pd.DataFrame({"a": [1, "x"]}), tmp_path / f"a{suffix}")

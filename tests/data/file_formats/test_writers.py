"""Tests of the writers that `tests/data/test_files.py` does not cover."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pandas as pd

from sktrainer.data.file_formats.writers import csv_writer, text_writer


def test_csv_has_one_header_for_all_batches():
    stream = io.StringIO()
    with csv_writer(stream) as write:
        write(pd.DataFrame({"a": [1], "b": [0.1]}))
        write(pd.DataFrame({"a": [2], "b": [1 / 3]}))
    assert stream.getvalue() == "a,b\n1,0.1\n2,0.3333333333333333\n"


def test_equal_tables_give_equal_compressed_files(tmp_path):
    for name in ("a", "b"):
        with text_writer(tmp_path / name, is_csv=True, compress=True) as write:
            write(pd.DataFrame({"a": [1, 2]}))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert gzip.decompress((tmp_path / "a").read_bytes()) == b"a\n1\n2\n"


def test_json_lines_have_null_for_missing_values(tmp_path):
    frame = pd.DataFrame({"n": [1.5, np.nan], "s": ["é", None], "i": np.array([1, 2], np.int8)})
    with text_writer(tmp_path / "a", is_csv=False, compress=False) as write:
        write(frame)
    assert (tmp_path / "a").read_text(encoding="utf-8") == (
        '{"n": 1.5, "s": "é", "i": 1}\n{"n": null, "s": null, "i": 2}\n'
    )

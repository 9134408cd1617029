from __future__ import annotations

from importlib import resources

import numpy as np
import pandas as pd
import pytest

from sktrainer.datasets import load_hypothyroid


def test_table_matches_its_description() -> None:
    table = load_hypothyroid()

    assert table.frame.shape == (3163, 26)
    assert table.data.dtypes.value_counts().to_dict() == {
        pd.Series(["a"]).dtype: 18,
        np.dtype("float64"): 7,
    }
    missing = table.data.isna().sum()
    assert (missing.sum(), (missing > 0).sum()) == (5329, 8)
    assert table.target.value_counts().to_dict() == {"negative": 3012, "hypothyroid": 151}
    assert sorted(table.target.unique()) == table.target_names


def test_description_lists_columns_source_and_license() -> None:
    table = load_hypothyroid()

    assert [name for name in table.frame if f"| `{name}` |" not in table.DESCR] == []
    assert "https://doi.org/10.24432/C5D010" in table.DESCR
    assert "CC BY 4.0" in table.DESCR


def test_description_states_the_correct_missing_counts() -> None:
    table = load_hypothyroid()
    missing = table.frame.isna().sum()

    for column, count in missing[missing > 0].items():
        (line,) = [line for line in table.DESCR.splitlines() if f"| `{column}` |" in line]
        assert f"{count:,} missing" in line


def test_laboratory_value_exists_if_the_test_was_made() -> None:
    frame = load_hypothyroid().frame

    for test in ("TSH", "T3", "TT4", "T4U", "FTI", "TBG"):
        assert frame[test].notna().equals(frame[f"{test}_measured"] == "y")


def test_values_are_read_exactly() -> None:
    frame = load_hypothyroid().frame

    assert frame["T4U"].iloc[:5].tolist() == [1.48, 1.13, 1.0, 1.04, 1.28]
    assert (frame["TSH"].max(), frame["age"].min(), frame["age"].max()) == (530.0, 1.0, 98.0)


@pytest.mark.parametrize("as_frame", [True, False])
def test_return_X_y_returns_data_and_target(as_frame: bool) -> None:
    table = load_hypothyroid(as_frame=as_frame)
    X, y = load_hypothyroid(return_X_y=True, as_frame=as_frame)

    assert isinstance(X, pd.DataFrame if as_frame else np.ndarray)
    pd.testing.assert_frame_equal(pd.DataFrame(X), pd.DataFrame(table.data))
    pd.testing.assert_series_equal(pd.Series(y), pd.Series(table.target))
    assert (table.frame is None) is not as_frame
    assert table.feature_names == load_hypothyroid().data.columns.tolist()


def test_each_call_returns_a_new_table() -> None:
    table = load_hypothyroid()
    table.data["age"] = 0.0

    assert load_hypothyroid().data["age"].max() == 98.0
    assert table.frame["age"].max() == 98.0


def test_gzip_file_has_no_timestamp() -> None:
    file = resources.files("sktrainer.datasets") / "data" / "hypothyroid.csv.gz"

    assert file.read_bytes()[4:8] == bytes(4)

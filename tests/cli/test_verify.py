"""The command `verify`."""

from __future__ import annotations

from sktrainer.data.files import read_table, write_table
from tests.cli.running import fail, invoke, read_json, succeed


def test_same_data_give_a_bit_identical_model(work):
    output = succeed("verify", "models/loans", "loans.csv")
    assert output.startswith("Verified\n")
    assert "bit-identical on 300 rows" in output


def test_other_format_and_columns_of_the_same_data_are_verified(work):
    table = read_table("grouped.csv").assign(note="x")
    write_table(table, "grouped.parquet")
    assert read_json("verify", "models/grouped", "grouped.parquet")["verified"]


def test_other_data_exit_with_one(work):
    result = invoke("verify", "models/loans", "new.csv", "--json")
    assert result.exit_code == 1
    assert '"verified": false' in result.stdout
    assert "had 300 rows, now has 80" in result.stdout


def test_missing_group_column_is_named(work):
    error = fail("verify", "models/grouped", "loans.csv")
    assert "lacks 1 column that models/grouped needs: 'who'" in error

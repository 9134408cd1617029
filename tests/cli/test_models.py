"""The command `models`."""

from __future__ import annotations

from tests.cli.running import fail, read_json, succeed


def test_models_are_listed(work):
    rows = {row["name"]: row for row in read_json("models", "list")}
    assert set(rows) == {"amounts", "grouped", "linear", "loans"}
    assert (rows["loans"]["versions"], rows["loans"]["tags"]) == (2, "live: 1")
    lines = succeed("models", "list", "models").splitlines()
    assert lines[0].split()[:3] == ["name", "versions", "latest"]
    assert len(lines) == 5


def test_versions_of_a_model_are_shown(work):
    rows = read_json("models", "show", "models/loans")
    assert [(row["version"], row["tags"]) for row in rows] == [(1, "live"), (2, "")]
    text = succeed("models", "show", "models/loans")
    assert "Test scores by version" in text
    assert max(map(len, text.splitlines())) <= 100


def test_record_of_a_version_is_shown(work):
    record = read_json("models", "show", "models/loans@live")
    assert (record["version"], record["rows"]) == (1, 300)
    text = succeed("models", "show", "models/loans/2")
    assert ["estimator__max_iter", "8"] in [line.split() for line in text.splitlines()]


def test_differences_are_shown(work):
    rows = read_json("models", "diff", "models/loans@live", "models/loans")
    assert [row for row in rows if row["kind"] == "parameter"] == [
        {"kind": "parameter", "name": "estimator__max_iter", "a": "5", "b": "8"}
    ]
    assert "a: models/loans/1\nb: models/loans/2\n" in succeed(
        "models", "diff", "models/loans/1", "models/loans/2"
    )


def test_tags_are_set_and_removed(work):
    text = succeed("models", "tag", "models/loans", "test")
    assert text == "loans 2 has the tag 'test': models/loans@test\n"
    assert read_json("models", "show", "models/loans@test")["version"] == 2
    document = read_json("models", "tag", "models/loans", "test", "--remove")
    assert document == {"model": "loans", "tag": "test", "version": None}
    assert "has no tag 'test'" in fail("models", "show", "models/loans@test")


def test_old_versions_are_deleted(work):
    keep = ("models", "prune", "models/loans", "--keep", "1")
    assert succeed(*keep) == "Deleted versions of loans: none\n"  # version 1 has a tag
    succeed("models", "tag", "models/loans", "live", "--remove")
    assert read_json(*keep, "--dry-run") == {"model": "loans", "deleted": [1], "dry_run": True}
    assert (work / "models/loans/1").exists()
    assert succeed(*keep) == "Deleted versions of loans: 1\n"
    assert not (work / "models/loans/1").exists()


def test_empty_store_is_no_error(work):
    (work / "empty").mkdir()
    assert succeed("models", "list", "empty") == "empty contains no models\n"
    assert read_json("models", "list", "empty") == []

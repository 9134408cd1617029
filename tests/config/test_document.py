"""YAML files: values, places, and everything that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktrainer import InputError
from sktrainer.config.document import as_document, parse_document, parse_value, read_document
from sktrainer.config.writer import to_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("1_000", 1000),
        ("0x1f", 31),
        ("1e-3", 0.001),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("on", "on"),
        ("null", None),
        ("~", None),
        ("", None),
        ("2020-01-01", "2020-01-01"),
        ("12:30:00", "12:30:00"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("[a, 1]", ["a", 1]),
        ("{a: {b: 2}}", {"a": {"b": 2}}),
        ("12345678901234567890", 12345678901234567890),
    ],
)
def test_value_is_read_as_in_yaml_1_2(text: str, value: object) -> None:
    found = parse_value(text)
    assert found == value
    assert type(found) is type(value)


def test_places_are_lines_and_columns_of_values_and_keys() -> None:
    document = parse_document("a: 1\nb:\n  c: [2, 3]\n", source="run.yaml")
    assert document.values == {"a": 1, "b": {"c": [2, 3]}}
    assert document.place(("b", "c")) == "run.yaml:3:6"
    assert document.place(("b", "c"), key=True) == "run.yaml:3:3"
    assert document.place(("b", "c", 1)) == "run.yaml:3:10"
    assert document.place(("b", "unknown")) == "run.yaml:3:3"  # of the section


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

# The text and a part of the message, which starts with the line and column.
REFUSED = {
    "tab": ("a: 1\n\tb: 2", "run.yaml:2:1: tabs cannot indent lines"),
    "two colons": ("a: b: c", "run.yaml:1:5: unexpected ':'"),
    "open bracket": ("a: [1, 2", "run.yaml:1:9: a bracket is not closed"),
    "open quote": ("a: 'x", "run.yaml:1:6: a quote or bracket is not closed"),
    "list": ("- 1", "run.yaml:1:1: expected 'key: value' lines"),
    "text": ("key", "run.yaml:1:1: expected 'key: value' lines"),
    "same key twice": ("a: 1\nb: 1\na: 2", "run.yaml:3:1: 'a' is set twice"),
    "code": ("a: !!python/object:os.system x", "run.yaml:1:4: the tag '!!python/object"),
    "tag of a mapping": ("a: !!python/dict {b: 1}", "run.yaml:1:4: the tag '!!python/dict'"),
    "tag of a list": ("a: !x [1]", "run.yaml:1:4: the tag '!x'"),
    "undefined alias": ("a: *b", "run.yaml:1:4: '*' refers to a name that is not defined"),
    "alias of itself": ("a: &a [*a]", "more than 10,000 values or 30 levels"),
    "alias bomb": (BOMB, "more than 10,000 values or 30 levels"),
    "deep nesting": (f"a: {'[' * 40}{']' * 40}", "more than 10,000 values or 30 levels"),
    "very deep nesting": (f"a: {'[' * 5_000}", "nested too deeply"),
    "infinity": ("a: .inf", "run.yaml:1:4: .inf is not a finite number"),
    "huge integer": (f"a: {'9' * 5_000}", "run.yaml:1:4: '999999999999999999999999999999'"),
    "two documents": ("a: 1\n---\nb: 2", "run.yaml:3:1: a second document starts here"),
    "reserved character": ("a: @x", "run.yaml:1:4: a value cannot start with this character"),
    "merge": ("a: {b: 1}\n<<: {c: 1}", "run.yaml:2:1: '<<' (merge) is not supported"),
    "list as key": ("? [a]\n: 1", "run.yaml:1:3: a key must be a name"),
    "unequal indentation": ("a:\n  b: 1\n c: 2", "run.yaml:3:2: unexpected indentation"),
    "control character": ("a: \x01", "run.yaml:1:4: unacceptable character"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_yaml_is_refused_in_one_line(name: str) -> None:
    text, message = REFUSED[name]
    with pytest.raises(InputError) as error:
        parse_document(text, source="run.yaml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(InputError) as error:
        parse_document("a: !x 1\na: 2\nb: .nan", source="run.yaml")
    assert len(error.value.problems) == 3


def test_missing_file_suggests_init(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist. Create one with: sktrainer init"):
        read_document(tmp_path / "run.yaml")


def test_folder_binary_and_huge_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder, expected a YAML file"):
        read_document(tmp_path)
    path = tmp_path / "run.yaml"
    path.write_bytes(b"PK\xff\xfe")
    with pytest.raises(InputError, match=r"\.yaml:\d+:\d+: not text in UTF-8"):
        read_document(path)
    path.write_text("# " + "x" * 1_000_000)
    with pytest.raises(InputError, match="expected at most 1,000,000"):
        read_document(path)


def test_empty_file_has_no_values(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("# only a comment\n")
    assert read_document(path).values == {}


def test_dict_is_copied_and_has_dotted_places() -> None:
    config = {"data": {"path": "a.csv"}}
    document = as_document(config)
    document.values["data"]["path"] = "b.csv"
    assert config == {"data": {"path": "a.csv"}}
    assert document.problem(("data", "path"), "is wrong") == "data: is wrong"
    assert document.problem(("test_size",), "test_size is wrong") == "test_size is wrong"


def test_value_of_an_option_replaces_that_of_the_file() -> None:
    document = parse_document("model: {name: forest}\ntest_size: 2", source="run.yaml")
    changed = document.with_value(("model", "max_depth"), 3, "--set max_depth")
    changed = changed.with_value(("test_size",), 3, "--test-size")
    assert changed.values == {"model": {"name": "forest", "max_depth": 3}, "test_size": 3}
    assert changed.place(("test_size",)) == "--test-size"
    assert changed.place(("model", "max_depth")) == "--set max_depth"
    assert changed.place(("model", "name")) == "run.yaml:1:15"
    assert document.values == {"model": {"name": "forest"}, "test_size": 2}
    assert changed.without(("model", "name")).values["model"] == {"max_depth": 3}


plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=["Cs", "Cc", "Co", "Cn"]), max_size=12)
    | st.sampled_from(
        ["yes", "no", "1e3", "0x1", "1_0", "~", "null", "2020-01-01", "a: b", "# c"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc<-_", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abcxyz", min_size=1, max_size=5), plain_values, max_size=4))
def test_written_values_are_read_unchanged(values: dict[str, object]) -> None:
    found = parse_document(to_yaml(values)).values
    assert found == values
    assert repr(found) == repr(values)  # 1 is not True, and 1.0 is not 1

"""Tests of JSON for plain values, arrays and tables, and of its extensions."""

from __future__ import annotations

import decimal

import pytest

from sktrainer.exceptions import FileFormatError
from sktrainer.files.json_codec import decode_json, encode_json


def _decimals(value):
    return ("$decimal", str(value)) if isinstance(value, decimal.Decimal) else None


def test_extension_encodes_values_inside_containers():
    value = {"a": [(decimal.Decimal("1.10"),)], 3: decimal.Decimal(2)}
    data = encode_json(value, _decimals)
    assert decode_json(data, {"$decimal": decimal.Decimal}) == value


def test_values_without_extension_raise():
    with pytest.raises(TypeError, match="Decimal cannot be written"):
        encode_json(decimal.Decimal(1))
    with pytest.raises(FileFormatError, match="unknown key"):
        decode_json(encode_json(decimal.Decimal(1), _decimals))


def test_special_key_beside_others_raises():
    with pytest.raises(FileFormatError, match="unknown key"):
        decode_json(b'{"$tuple": [], "other": 1}')


def test_indent_of_none_writes_one_line():
    assert encode_json({"a": [1, 2]}, indent=None) == b'{"a": [1, 2]}'

"""Tests of arrays and callback attributes in JSON documents."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sktrainer.backends._networks.documents import ArrayStore, encodable_attributes
from sktrainer.exceptions import FileFormatError
from sktrainer.files.json_codec import decode_json, encode_json


@pytest.mark.parametrize("dtype", ["float32", "bool", "bfloat16", "float8_e4m3fn"])
def test_arrays_round_trip_with_dtype(dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = np.array([[0, 1, 2]]).astype(getattr(ml_dtypes, dtype, dtype))
    store = ArrayStore()
    document = encode_json([values], store.encode)
    (found,) = decode_json(document, ArrayStore.from_bytes(store.to_bytes()).readers)
    assert found.dtype == values.dtype
    assert found.tobytes() == values.tobytes() and found.shape == values.shape


def test_file_of_objects_is_rejected(tmp_path):
    np.savez(tmp_path / "a.npz", np.array([object()], dtype=object))
    with pytest.raises(FileFormatError, match="contains objects"):
        ArrayStore.from_bytes((tmp_path / "a.npz").read_bytes())


class Callback:
    def __init__(self):
        self.count = 3
        self.best = (np.float32(0.5), {"weights": np.zeros(2)})
        self.params = {"epochs": 4}
        self.objects = [np.zeros(3), object()]
        self.table = pd.DataFrame({"a": [1]})


def test_attributes_that_cannot_be_encoded_are_left_out():
    found = encodable_attributes(Callback(), ArrayStore().encode, {"params"})
    assert set(found) == {"count", "best"}

"""Arrays and attributes of networks in JSON documents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.files.arrays import read_npz, write_npz
from sktrainer.files.json_codec import Extension, encode_json
from sktrainer.types import Array


class ArrayStore:
    """Arrays of a JSON document, which are stored in an .npz file next to it.

    Examples
    --------
    >>> from sktrainer.files.json_codec import decode_json
    >>> store = ArrayStore()
    >>> document = encode_json({"weights": np.array([1.5, 2.5])}, store.encode)
    >>> decode_json(document, ArrayStore.from_bytes(store.to_bytes()).readers)
    {'weights': array([1.5, 2.5])}
    """

    def __init__(self, arrays: Mapping[str, Array] | None = None) -> None:
        self.arrays = dict(arrays or {})

    def encode(self, value: object) -> tuple[str, Any] | None:
        """Add a numeric array (`extension` of `encode_json`)."""
        if isinstance(value, (pd.DataFrame, pd.Series)):
            raise TypeError("a table is not part of the state of a network")
        if not isinstance(value, np.ndarray):
            return None
        if value.dtype.hasobject:
            raise TypeError("an array of objects cannot be written")
        key, dtype = str(len(self.arrays)), value.dtype.name
        # NumPy cannot read types that ml_dtypes adds, such as bfloat16.
        is_added = value.dtype.type.__module__ == "ml_dtypes"
        self.arrays[key] = value.view(f"u{value.itemsize}") if is_added else value
        return "$stored", [key, dtype if is_added else ""]

    @property
    def readers(self) -> dict[str, Any]:
        """`readers` of `decode_json`."""
        return {"$stored": self._read}

    def _read(self, content: Sequence[str]) -> Array:
        key, dtype = content
        if not dtype:
            return self.arrays[key]
        import ml_dtypes

        return self.arrays[key].view(getattr(ml_dtypes, dtype))

    def to_bytes(self) -> bytes:
        """Return an .npz file."""
        return write_npz(self.arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> ArrayStore:
        """Read an .npz file, which must not contain objects."""
        return cls(read_npz("arrays.npz", data))


def encodable_attributes(
    owner: object, extension: Extension, skip: Collection[str] = ()
) -> dict[str, Any]:
    """Return the attributes of a callback that `encode_json` can write with an extension."""
    found = {}
    for name, value in vars(owner).items():
        if name in skip:
            continue
        try:
            encode_json(value, extension)
        except TypeError:
            continue
        found[name] = value
    return found

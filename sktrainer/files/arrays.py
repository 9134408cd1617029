"""Validation of NumPy and SciPy array files: correct size, no compression, no objects."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from sktrainer.exceptions import FileFormatError
from sktrainer.files.archive import open_archive, read_member, write_archive
from sktrainer.types import Array

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def check_npy(name: str, data: bytes) -> None:
    """Raise an error if the data of an array do not have the size given in its header.

    NumPy allocates the memory before it notices that data are missing.

    Raises
    ------
    FileFormatError
        If the sizes differ, or the array contains objects.

    Examples
    --------
    >>> import io, numpy as np
    >>> file = io.BytesIO()
    >>> np.save(file, np.zeros(3))
    >>> check_npy("0.npy", file.getvalue())
    """
    file = io.BytesIO(data)
    shape, dtype = _read_header(name, file)
    if dtype.hasobject:
        raise FileFormatError(f"array {name!r} contains objects, which need a pickle")
    expected = math.prod(shape) * dtype.itemsize
    if any(size < 0 for size in shape) or len(data) - file.tell() != expected:
        raise FileFormatError(
            f"array {name!r} has {len(data) - file.tell():,} bytes, but its header declares "
            f"{expected:,}"
        )


def check_npz(name: str, data: bytes) -> None:
    """Raise an error if a sparse matrix has compressed members or invalid arrays."""
    archive, members = open_archive(io.BytesIO(data), compressed=False)
    for part, info in members.items():
        check_npy(f"{name}/{part}", read_member(archive, info))


def write_npz(arrays: Mapping[str, Array]) -> bytes:
    """Return arrays as an uncompressed .npz file with reproducible bytes.

    Examples
    --------
    >>> import numpy as np
    >>> read_npz("a.npz", write_npz({"0": np.ones(2)}))
    {'0': array([1., 1.])}
    """
    members = {}
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array, allow_pickle=False)
        members[f"{name}.npy"] = file.getvalue()
    file = io.BytesIO()
    write_archive(file, members, compressed=False)
    return file.getvalue()


def read_npz(name: str, data: bytes) -> dict[str, Array]:
    """Return the arrays of an .npz file after `check_npz`."""
    check_npz(name, data)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def canonical_array(name: str, data: bytes) -> bytes:
    """Return an array file without compression and with reproducible bytes."""
    if name.endswith(".npz"):  # stored uncompressed, since the .skt file compresses it
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return write_npz({part: _to_int32_indices(part, arrays[part]) for part in arrays})
    if not name.endswith(".npy"):
        return data
    file = io.BytesIO(data)
    dtype = _read_header(name, file)[1]
    if not dtype.names:
        return data
    clean = bytearray(data)
    records = np.frombuffer(clean, dtype=np.uint8, offset=file.tell())
    # The padding between the fields of a record is undefined.
    records.reshape(-1, dtype.itemsize)[:, ~_used_bytes(dtype)] = 0
    return bytes(clean)


def _used_bytes(dtype: np.dtype[Any]) -> Array:
    """Return whether each byte of a record belongs to a field."""
    used = np.zeros(dtype.itemsize, dtype=bool)
    for field, offset, *_ in (dtype.fields or {}).values():
        used[offset : offset + field.itemsize] = _used_bytes(field) if field.names else True
    return used


def _to_int32_indices(part: str, array: Array) -> Array:
    """Return index arrays of a sparse matrix in 32 bits if they fit, as SciPy loads them."""
    is_index = part in ("indices", "indptr", "row", "col") and array.dtype == np.int64
    fits = is_index and (not array.size or array.max() <= np.iinfo(np.int32).max)
    return array.astype(np.int32) if fits else array


def _read_header(name: str, file: io.BytesIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:
        raise FileFormatError(f"array {name!r} has the unknown format version {version}")
    start = file.tell()
    length = int.from_bytes(file.read(2 if version == (1, 0) else 4), "little")
    header = file.getbuffer()[start : file.tell() + length]
    shape, dtype = _parse_header(bytes(header), version)
    file.seek(start + len(header))
    return shape, dtype


@lru_cache(maxsize=1024)
def _parse_header(
    header: bytes, version: tuple[int, int]
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Parse an array header.

    NumPy parses headers as Python code, which is slow, and the trees of a forest have
    hundreds of equal headers. Hence the cache.
    """
    shape, _, dtype = _HEADER_READERS[version](io.BytesIO(header))
    return shape, dtype

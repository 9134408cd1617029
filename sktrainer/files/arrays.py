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
    shape, dtype, start = _read_header(name, data)
    if dtype.hasobject:
        raise FileFormatError(f"array {name!r} contains objects, which need a pickle")
    expected = math.prod(shape) * dtype.itemsize
    if any(size < 0 for size in shape) or len(data) - start != expected:
        raise FileFormatError(
            f"array {name!r} has {len(data) - start:,} bytes, but its header declares "
            f"{expected:,}"
        )


def read_npy(name: str, data: bytes) -> Array:
    """Return the array of a .npy file after `check_npy`, without a copy of the data.

    Examples
    --------
    >>> import numpy as np
    >>> data, array = new_npy((2,), np.dtype(float))
    >>> array[:] = 1.0, 2.0
    >>> read_npy("a.npy", bytes(data))
    array([1., 2.])
    """
    check_npy(name, data)
    shape, dtype, start = _read_header(name, data)
    return np.frombuffer(data, dtype, offset=start).reshape(shape)


def new_npy(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[bytearray, Array]:
    """Return a .npy file of zeros, and the array that it contains, for the caller to fill."""
    file = io.BytesIO()
    description = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": description, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    start = file.tell()
    data = bytearray(start + math.prod(shape) * dtype.itemsize)
    data[:start] = file.getvalue()
    return data, np.frombuffer(data, dtype, offset=start).reshape(shape)


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
    _, dtype, start = _read_header(name, data)
    if not dtype.names:
        return data
    clean = bytearray(data)
    records = np.frombuffer(clean, dtype=np.uint8, offset=start)
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


def _read_header(name: str, data: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Return shape and dtype of an array, and where its values start."""
    version = np.lib.format.read_magic(io.BytesIO(data[: np.lib.format.MAGIC_LEN]))
    if version not in _HEADER_READERS:
        raise FileFormatError(f"array {name!r} has the unknown format version {version}")
    start = np.lib.format.MAGIC_LEN
    length_bytes = 2 if version == (1, 0) else 4
    length = int.from_bytes(data[start : start + length_bytes], "little")
    end = start + length_bytes + length
    return *_parse_header(data[start:end], version), end


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

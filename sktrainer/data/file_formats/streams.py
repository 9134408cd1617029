"""Input files as byte streams that can be opened again and are decompressed on the way."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from sktrainer._optional import require
from sktrainer.exceptions import InputError, suggest_name
from sktrainer.files.paths import as_path

#: Content that is kept in memory when standard input is read; more is written to disk.
_MAX_MEMORY = 2**26
_COMPRESSIONS = {
    ".gz": b"\x1f\x8b",
    ".bz2": b"BZh",
    ".xz": b"\xfd7zXZ\x00",
    ".zip": b"PK\x03\x04",
    ".zst": b"\x28\xb5\x2f\xfd",
}
_EMPTY_ZIP = b"PK\x05\x06"


@dataclass(frozen=True)
class Source:
    """A file that can be read several times.

    `name` is that of the file in messages, and `suffix` is in lower case, without that of the
    compression, and "" for a stream. `open_raw` opens the stored bytes. `compression` is the
    suffix of the compression, detected by the first bytes.
    """

    name: str
    suffix: str
    open_raw: Callable[[], IO[bytes]]
    compression: str = ""

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the decompressed bytes.

        Raises
        ------
        InputError
            If the compressed data are truncated or damaged.
        """
        raw = self.open_raw()
        try:
            with raw, self._decompress(raw) as stream:
                yield stream
        except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError) as error:
            # Damaged gzip and bzip2 data raise an OSError without an error number.
            if not self.compression or getattr(error, "errno", None):
                raise
            raise InputError(
                f"{self.name} is truncated or damaged ({str(error).rstrip('.')}). Copy or "
                "compress it again"
            ) from error

    def _decompress(self, raw: IO[bytes]) -> Any:
        if self.compression == ".zip":
            return _open_zip(raw, self.name)
        if self.compression == ".zst":
            pyarrow = require("pyarrow", "parquet")
            return io.BufferedReader(_ArrowStream(pyarrow.CompressedInputStream(raw, "zstd")))
        openers: dict[str, Callable[[IO[bytes]], Any]] = {
            ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
            ".bz2": bz2.BZ2File,
            ".xz": lzma.LZMAFile,
        }
        return openers.get(self.compression, lambda stream: stream)(raw)

    def head(self, size: int) -> bytes:
        """Return the first decompressed bytes."""
        with self.open() as stream:
            return stream.read(size)


def open_source(path: object) -> Source:
    """Find an input file; "-" is standard input.

    Raises
    ------
    InputError
        If the file does not exist, is a folder or is empty.

    Examples
    --------
    >>> open_source("no_such_file.csv")
    Traceback (most recent call last):
        ...
    sktrainer.exceptions.InputError: 'no_such_file.csv' does not exist...
    """
    if path == "-":
        source = Source("standard input", "", _Copy(sys.stdin.buffer).open)
    else:
        file = as_path(path)  # type: ignore[arg-type]
        if "://" in str(path):
            raise InputError(
                f"{str(path)!r} is a web address. Download the file, or pipe it into the "
                "command with - as DATA"
            )
        _check_exists(file)
        if file.is_file():
            suffix = _suffix_without_compression(file)
            source = Source(repr(str(file)), suffix, lambda: file.open("rb"))
        else:  # a pipe, such as the <(...) of a shell, can be read only once
            with file.open("rb") as stream:
                source = Source(repr(str(file)), "", _Copy(stream).open)
    with source.open_raw() as raw:
        first = raw.read(8)
    if not first:
        raise InputError(f"{source.name} is empty. Pass a table with a header and rows")
    if first.startswith(_EMPTY_ZIP):
        raise InputError(f"{source.name} contains no files. Pass a zip file with one table")
    found = [name for name, magic in _COMPRESSIONS.items() if first.startswith(magic)]
    source = replace(source, compression=found[0] if found else "")
    if source.compression and not source.head(1):
        raise InputError(f"{source.name} is empty. Pass a table with a header and rows")
    return source


def _check_exists(file: Path) -> None:
    if file.is_dir():
        raise InputError(f"{str(file)!r} is a folder. Pass the path of a file in it")
    if file.exists():
        return
    if not file.parent.is_dir():
        raise InputError(
            f"{str(file)!r} does not exist, because there is no folder {str(file.parent)!r}"
        )
    hint = suggest_name(file.name, (entry.name for entry in file.parent.iterdir()))
    raise InputError(f"{str(file)!r} does not exist{hint or '. Check the path'}")


def _suffix_without_compression(file: Path) -> str:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    while suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


class _Rewound(io.RawIOBase):
    """View of a stream from its start. Closing the view keeps the stream open."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        stream.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.stream.seek(offset, whence)
        return self.stream.tell()

    def tell(self) -> int:
        return self.stream.tell()

    def readinto(self, buffer: Any) -> int:
        content = self.stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


class _ArrowStream(io.RawIOBase):
    """Stream of pyarrow, which has no `readinto` for partial reads."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self.stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


class _Copy:
    """Copy of a stream that can be read only once. It is deleted with this object."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.file = tempfile.SpooledTemporaryFile(max_size=_MAX_MEMORY)  # noqa: SIM115
        while block := stream.read(2**20):
            self.file.write(block)

    def open(self) -> IO[bytes]:
        return io.BufferedReader(_Rewound(self.file))

    def __del__(self) -> None:
        self.file.close()


@contextmanager
def _open_zip(raw: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(raw) as archive:
        members = [
            member
            for member in archive.namelist()
            if not member.endswith("/") and not member.startswith("__MACOSX/")
        ]
        if "[Content_Types].xml" in members:
            raise InputError(
                f"{name} is an Office document, such as an Excel file. Save the sheet as CSV"
            )
        if len(members) != 1:
            raise InputError(
                f"{name} contains {len(members)} files, expected one. Extract the table and "
                "pass it"
            )
        with archive.open(members[0]) as stream:
            yield stream

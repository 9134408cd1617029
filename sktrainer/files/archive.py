"""Zip archives of `.skt` files, written reproducibly and validated before they are read.

Members are never extracted to disk. Their names and sizes are checked before any data are
decompressed; the reader then compares names and checksums with the manifest.
"""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from sktrainer.exceptions import FileFormatError

EPOCH = (1980, 1, 1, 0, 0, 0)
ALWAYS_ALLOWED_BYTES = 64 * 2**20
MAX_RATIO = 200
COMPRESSION_LEVEL = 3
MOST_COMPRESSED_BYTES = 16 * 2**20  # compression takes longer than everything else in a save


def checksum(data: bytes) -> str:
    """Return the SHA-256 of some bytes as hexadecimal digits.

    Examples
    --------
    >>> checksum(b"")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(data).hexdigest()


def write_archive(
    file: BinaryIO, members: Mapping[str, bytes], *, compressed: bool = True
) -> None:
    """Write members in the given order. The bytes depend on nothing but the members.

    Large members are stored without compression.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = 3  # Unix; the default depends on the platform
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            is_small = len(data) <= MOST_COMPRESSED_BYTES
            deflates = compressed and is_small and _is_within_ratio(data)
            info.compress_type = zipfile.ZIP_DEFLATED if deflates else zipfile.ZIP_STORED
            archive.writestr(info, data, compresslevel=COMPRESSION_LEVEL)


def _is_within_ratio(data: bytes) -> bool:
    """Return whether compressed data stay within the limit that `open_archive` enforces.

    Data such as long runs of zeros compress too well. The first MiB is used as a sample.
    """
    sample = data[: 1 << 20]
    packed = zlib.compress(sample, COMPRESSION_LEVEL)
    return len(sample) < 1 << 20 or len(sample) < MAX_RATIO / 2 * len(packed)


def open_archive(
    file: BinaryIO, *, compressed: bool = True
) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """Open a zip file and check its table of contents without decompressing anything.

    `compressed` means that the members may be compressed.

    Raises
    ------
    FileFormatError
        If the file is not a zip file, has duplicate or unsafe names, links or encrypted
        members, or would decompress to more bytes than allowed for its size.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise FileFormatError(f"it is not a zip file, or it is truncated ({error})") from None
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.filename in members:
            raise FileFormatError(f"member {info.filename!r} occurs twice")
        _check_member(info, compressed=compressed)
        members[info.filename] = info
    total = sum(info.file_size for info in members.values())
    if total > ALWAYS_ALLOWED_BYTES + MAX_RATIO * size:
        raise FileFormatError(
            f"its {size:,} bytes would decompress to {total:,}, which is more than "
            f"{MAX_RATIO} times its size"
        )
    return archive, members


def _check_member(info: zipfile.ZipInfo, *, compressed: bool) -> None:
    name, mode = info.filename, info.external_attr >> 16
    plain = name.replace(".", "").replace("_", "").replace("-", "")
    # Excludes "/", "\\", ":" and "..": members have no path.
    if not plain.isalnum() or not name.isascii() or name.startswith("."):
        raise FileFormatError(f"member {name!r} has a name that is not allowed")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise FileFormatError(f"member {name!r} is a link or a special file")
    if info.flag_bits & 0x1:
        raise FileFormatError(f"member {name!r} is encrypted")
    allowed = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} if compressed else {zipfile.ZIP_STORED}
    if info.compress_type not in allowed:
        raise FileFormatError(f"member {name!r} uses a compression that is not allowed")
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise FileFormatError(f"member {name!r} has two different sizes")


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Decompress a member, reading no more bytes than its entry declares.

    Raises
    ------
    FileFormatError
        If the member is damaged, or has another size than declared.
    """
    try:
        with archive.open(info) as member:
            data = member.read(info.file_size + 1)  # one more, to notice a longer member
    except Exception as error:
        raise FileFormatError(f"member {info.filename!r} is damaged ({error})") from None
    if len(data) != info.file_size:
        raise FileFormatError(
            f"member {info.filename!r} has {len(data):,} bytes, expected {info.file_size:,}"
        )
    return data

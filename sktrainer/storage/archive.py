"""The zip that a bundle is: written the same each time, and read with nothing believed.

Nothing is ever unpacked to a disk. Names are compared with those that the manifest lists,
sizes are bounded before a byte is unpacked, and every member has to have its checksum.
"""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Mapping
from typing import BinaryIO

from sktrainer.exceptions import FileFormatError

__all__ = ["checksum", "open_archive", "read_member", "write_archive"]

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every member, so that the same trainer gives the same bytes."""

FREE_BYTES = 64 * 2**20
MOST_RATIO = 200
"""A file may unpack to so many times its own size, and `FREE_BYTES` more."""

LEVEL = 3
"""Of compression: model files shrink little further at six times the cost."""


def checksum(data: bytes) -> str:
    """Return the SHA-256 of some bytes, as hexadecimal digits.

    Examples
    --------
    >>> checksum(b"")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(data).hexdigest()


def write_archive(
    file: BinaryIO, members: Mapping[str, bytes], *, compressed: bool = True
) -> None:
    """Write members, in their order, as a zip that depends on them alone."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = 3  # Unix, whoever writes
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            packs = compressed and _packs_within_bounds(data)
            info.compress_type = zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
            archive.writestr(info, data, compresslevel=LEVEL)


def _packs_within_bounds(data: bytes) -> bool:
    """Tell whether compressed data would still be read: a long run of zeros would not."""
    sample = data[: 1 << 20]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        archive.writestr("sample", sample)
    return len(sample) < 1 << 20 or len(sample) < MOST_RATIO / 2 * len(packed.getvalue())


def open_archive(
    file: BinaryIO, *, compressed: bool = True
) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """Open a zip and check its table of contents; nothing is unpacked.

    Parameters
    ----------
    file : binary file
    compressed : bool, default=True
        Whether members may be compressed.

    Returns
    -------
    archive : ZipFile
    members : dict of str to ZipInfo

    Raises
    ------
    FileFormatError
        Names that stand twice or lead elsewhere, links, encrypted members, or more bytes
        than a file of this size may unpack to.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise FileFormatError(
            f"it is no zip file, or one that was cut short ({error})"
        ) from None
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.filename in members:
            raise FileFormatError(f"member {info.filename!r} stands in it twice")
        _check_member(info, compressed=compressed)
        members[info.filename] = info
    total = sum(info.file_size for info in members.values())
    if total > FREE_BYTES + MOST_RATIO * size:
        raise FileFormatError(
            f"it has {size:,} bytes and says that it unpacks to {total:,}, more than the "
            f"{MOST_RATIO}-fold that is read"
        )
    return archive, members


def _check_member(info: zipfile.ZipInfo, *, compressed: bool) -> None:
    name, mode = info.filename, info.external_attr >> 16
    plain = name.replace(".", "").replace("_", "").replace("-", "")
    if not plain.isalnum() or not name.isascii() or name.startswith("."):
        raise FileFormatError(f"member {name!r} has a name that no bundle has")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise FileFormatError(f"member {name!r} is a link or a special file")
    if info.flag_bits & 0x1:
        raise FileFormatError(f"member {name!r} is encrypted")
    allowed = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} if compressed else {zipfile.ZIP_STORED}
    if info.compress_type not in allowed:
        raise FileFormatError(f"member {name!r} is compressed in a way that no bundle is")
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        raise FileFormatError(f"member {name!r} has two sizes")


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Unpack a member: no more bytes than its entry declares, which were bounded.

    Raises
    ------
    FileFormatError
    """
    try:
        with archive.open(info) as member:
            data = member.read(info.file_size + 1)
    except Exception as error:
        raise FileFormatError(f"member {info.filename!r} is damaged ({error})") from None
    if len(data) != info.file_size:
        raise FileFormatError(
            f"member {info.filename!r} has {len(data):,} bytes, expected {info.file_size:,}"
        )
    return data

"""Detection of delimiter, encoding and column names of a CSV file."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from sktrainer.data.columns import preview_names
from sktrainer.data.file_formats.streams import Source
from sktrainer.data.number_formats import is_number
from sktrainer.exceptions import InputError

#: The first bytes of a file, in which the delimiter is detected.
_SAMPLE_SIZE = 2**17
_SAMPLE_ROWS = 200
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_EXCEL_HINT = re.compile(r"sep=.", re.IGNORECASE)


@dataclass(frozen=True)
class CsvDialect:
    """Notation of a CSV file.

    `names` are the column names, and `skip_spaces` states whether a space follows each
    delimiter.
    """

    names: tuple[str, ...]
    delimiter: str
    skip_spaces: bool
    encoding: str

    @property
    def description(self) -> str:
        """What differs from a standard file, or ""."""
        found = []
        if self.delimiter != ",":
            found.append(f"the delimiter {self.delimiter!r}")
        if self.encoding not in ("utf-8", "utf-8-sig"):
            found.append(f"the encoding {self.encoding}")
        return " and ".join(found)


def detect_dialect(source: Source, encoding: str = "utf-8") -> CsvDialect:
    """Detect the notation of a CSV file in its first bytes; a byte order mark has precedence.

    Raises
    ------
    InputError
        If no delimiter is found, the column names are not unique or missing, or the file
        contains no text.
    """
    sample = source.head(_SAMPLE_SIZE)
    encoding = next(
        (name for mark, name in _MARKS.items() if sample.startswith(mark)), encoding
    )
    text = sample.decode(encoding, errors="replace")
    if "\0" in text:
        raise InputError(
            f"{source.name} contains binary data, not the text of a CSV file. Pass a CSV, "
            "Parquet, Feather or JSON lines file"
        )
    lines = [line for line in io.StringIO(text, newline="") if line.strip()]
    if len(sample) == _SAMPLE_SIZE and len(lines) > 1:
        lines.pop()  # it may be incomplete
    if not lines:
        raise InputError(f"{source.name} has no rows. Pass a table with a header and rows")
    if _EXCEL_HINT.fullmatch(lines[0].strip()):
        raise InputError(
            f"{source.name} starts with the line {lines[0].strip()!r}, which only Excel reads. "
            "Remove this line"
        )
    delimiter = _detect_delimiter(lines, source.name)
    skip_spaces = lines[0].count(delimiter) == lines[0].count(f"{delimiter} ") > 0
    header = next(csv.reader(lines, delimiter=delimiter, skipinitialspace=skip_spaces))
    return CsvDialect(_check_names(header, source.name), delimiter, skip_spaces, encoding)


def _detect_delimiter(lines: list[str], name: str) -> str:
    """Return the character that divides most rows into as many fields as the header."""
    best = ","
    best_score: tuple[float, int] = (0.0, 1)
    for delimiter in _DELIMITERS:
        try:
            reader = csv.reader(lines, delimiter=delimiter)
            rows = [row for row, _ in zip(reader, range(_SAMPLE_ROWS), strict=False)]
        except csv.Error:  # a field that is too long, because a quotation mark is missing
            continue
        width = len(rows[0])
        if width < 2:
            continue
        share = sum(len(row) == width for row in rows) / len(rows)
        if (share, width) > best_score:
            best, best_score = delimiter, (share, width)
    if best_score[1] > 1:
        return best
    header = lines[0].strip()
    used = [text for sign, text in _DELIMITERS.items() if any(sign in line for line in lines)]
    # A file with one column has no delimiter.
    if used or (len(header.split()) > 1 and not header.startswith('"')):
        raise InputError(
            f"{name} has no delimiter that divides its rows into columns; its header is "
            f"{_shorten(header)!r}. Separate the columns by commas, semicolons, tabs or "
            "vertical bars"
        )
    return ","


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_names(header: list[str], name: str) -> tuple[str, ...]:
    if len(header) > 1 and not header[-1].strip() and all(header[:-1]):
        header = header[:-1]  # each line ends with a delimiter
    names = [text.strip() or f"Unnamed: {number}" for number, text in enumerate(header)]
    if all(map(is_number, names)) and not _are_consecutive(names):
        raise InputError(
            f"{name} has no column names: its first line contains only numbers "
            f"({_shorten(', '.join(names))}). Add a header line"
        )
    repeated = dict.fromkeys(text for text in names if names.count(text) > 1)
    if repeated:
        raise InputError(
            f"{name} has several columns named {preview_names(repeated)}. Rename them in the "
            "header"
        )
    return tuple(names)


def _are_consecutive(names: list[str]) -> bool:
    """Return whether the names are positions or years, such as 0, 1, 2."""
    if not all(text.isdecimal() for text in names):
        return False
    first = int(names[0])
    return len(names) > 1 and [*map(int, names)] == [*range(first, first + len(names))]

"""SKT208: strings contain numbers with a decimal comma, a currency or a percent sign."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sktrainer.data.audit.table import AuditTable, describe_columns
from sktrainer.data.number_formats import is_missing_string
from sktrainer.types import Finding

MIN_LEVELS, MIN_SHARE = 10, 0.9
MAX_LEVELS_READ = 200

_UNIT = r"(?:[€$£¥₹%]|[A-Z]{3}|kr)"
_GROUPS = r"\d{1,3}(?:[.,' \u00a0]\d{3})+(?:[.,]\d+)?"
_NUMBER = re.compile(rf"[+-]?{_UNIT}?\s?[+-]?(?:{_GROUPS}|\d+(?:[.,]\d+)?)\s?{_UNIT}?")


def find(table: AuditTable) -> Iterator[Finding]:
    """Find numbers in another notation: a warning if they are read as categories."""
    named = list(zip(table.names, table.columns, strict=True))
    columns = tuple(name for name, column in named if column.warning)
    if columns:
        yield Finding(
            "note",
            columns,
            f"{describe_columns(columns)} contain{'s' * (len(columns) == 1)} numbers in "
            "another notation",
            "A number that is read in the wrong notation can be wrong by a factor of 1,000",
            "Convert the strings to numbers before fit",
            "; ".join(column.warning for _, column in named if column.warning),
        )
    columns = tuple(
        name
        for name, column in named
        if column.kind == "category" and not column.warning and looks_numeric(column.levels)
    )
    if columns:
        yield Finding(
            "warning",
            columns,
            f"{describe_columns(columns)} contain{'s' * (len(columns) == 1)} numbers in a "
            "notation that is read as strings, such as a decimal comma or a currency",
            "The model treats each number as a separate category and ignores their order",
            "Convert them first, for example with pandas.read_csv(..., decimal=',', "
            "thousands='.') or Series.str.replace",
        )


def looks_numeric(levels: tuple[str, ...]) -> bool:
    """Return whether almost all strings are numbers with a comma, a unit or separators.

    Examples
    --------
    >>> looks_numeric(tuple(f"{i},50 €" for i in range(20)))
    True
    >>> looks_numeric(tuple(f"0{i}" for i in range(20)))
    False
    """
    # The levels are sorted, so every n-th one represents all of them.
    step = max(1, len(levels) // MAX_LEVELS_READ)
    strings = [s.strip() for s in levels[::step] if not is_missing_string(s)]
    if len(strings) < MIN_LEVELS:
        return False
    numbers = [s for s in strings if _NUMBER.fullmatch(s)]
    # Digits alone may be postal codes.
    notation = [s for s in numbers if re.search(r"[^\d+.-]", s) or s.count(".") > 1]
    return len(numbers) >= MIN_SHARE * len(strings) and len(notation) >= len(numbers) / 2

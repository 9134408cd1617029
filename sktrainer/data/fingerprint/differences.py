"""Readable description of the differences between two data fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sktrainer.data.fingerprint.fingerprint import (
    ArgumentFingerprint,
    ColumnFingerprint,
    Fingerprint,
)

__all__ = ["fingerprint_differences"]


MOST_NAMED = 8


def fingerprint_differences(before: Fingerprint, now: Fingerprint) -> list[str]:
    """Return one line per difference between the data of two fingerprints.

    The list is empty if the data are identical.
    """
    if before["digest"] == now["digest"]:
        return []
    lines = []
    for name in dict.fromkeys([*before["parts"], *now["parts"]]):
        old, new = before["parts"].get(name), now["parts"].get(name)
        if old is None or new is None:
            lines.append(f"{name}: {'newly given' if old is None else 'no longer given'}")
        elif old != new:
            lines += [f"{name}: {line}" for line in _part_differences(old, new)]
    return lines


def _part_differences(old: ArgumentFingerprint, new: ArgumentFingerprint) -> list[str]:
    lines = []
    if old["kind"] != new["kind"]:
        lines.append(f"was {_with_article(old['kind'])}, now is {_with_article(new['kind'])}")
    if old["rows"] != new["rows"]:
        lines.append(f"had {old['rows']:,} rows, now has {new['rows']:,}")
    before = {_key(column["name"]): column for column in old["columns"]}
    now = {_key(column["name"]): column for column in new["columns"]}
    gone = [name for name in before if name not in now]
    added = [name for name in now if name not in before]
    lines += [f"removed: {_named(gone)}"] if gone else []
    lines += [f"added: {_named(added)}"] if added else []
    both = [name for name in before if name in now]
    if both != [name for name in now if name in before]:
        lines.append("column order changed")
    retyped = [name for name in both if before[name]["dtype"] != now[name]["dtype"]]
    lines += [
        f"{name} was {_dtype(before[name])}, now is {_dtype(now[name])}"
        for name in retyped[:MOST_NAMED]
    ]
    if len(retyped) > MOST_NAMED:
        lines.append(f"dtypes changed in {len(retyped) - MOST_NAMED:,} more columns")
    changed = [name for name in both if before[name]["digest"] != now[name]["digest"]]
    changed = [name for name in changed if name not in retyped]
    # With another number of rows every digest differs, which says nothing new.
    if changed and old["rows"] == new["rows"]:
        everywhere = len(changed) == len(before) > 1
        of_all = " (all columns: the row order may have changed)" if everywhere else ""
        lines.append(f"values changed in {_named(changed)}{of_all}")
    # `before` and `now` hold one column per name, so duplicates are invisible above.
    return lines or ["order of columns with the same name changed"]


def _with_article(kind: str) -> str:
    return (
        f"an {kind}"
        if kind == "array"
        else f"a {kind}" + (" frame" if kind in ("pandas", "polars") else "")
    )


def _key(name: Any) -> str:
    if name is None:
        return "its values"
    return f"column {name}" if isinstance(name, int) else repr(name)


def _dtype(column: ColumnFingerprint) -> str:
    return column["dtype"].partition(",")[0]


def _named(names: Sequence[str]) -> str:
    if len(names) <= MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED:,} more"

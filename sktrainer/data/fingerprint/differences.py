"""Readable description of the differences between two data fingerprints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sktrainer.data.fingerprint.fingerprint import (
    SHAPE,
    ArgumentFingerprint,
    ColumnFingerprint,
    Fingerprint,
)

MAX_NAMES = 8
VALUES = "the values"


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
    before, now = _columns_by_label(old["columns"]), _columns_by_label(new["columns"])
    removed = [name for name in before if name not in now]
    added = [name for name in now if name not in before]
    lines += [f"removed: {_preview(removed)}"] if removed else []
    lines += [f"added: {_preview(added)}"] if added else []
    both = [name for name in before if name in now]
    if both != [name for name in now if name in before]:
        lines.append("column order changed")
    retyped = [name for name in both if before[name]["dtype"] != now[name]["dtype"]]
    lines += [_retyped(name, before[name], now[name]) for name in retyped[:MAX_NAMES]]
    if len(retyped) > MAX_NAMES:
        lines.append(f"dtypes changed in {len(retyped) - MAX_NAMES:,} more columns")
    changed = [name for name in both if before[name]["digest"] != now[name]["digest"]]
    changed = [name for name in changed if name not in retyped]
    # With another number of rows every digest differs, which says nothing new.
    if changed and old["rows"] == new["rows"]:
        everywhere = len(changed) == len(before) > 1
        of_all = " (all columns: the row order may have changed)" if everywhere else ""
        where = _preview(changed)
        lines.append(
            f"{VALUES} changed" if changed == [VALUES] else f"values changed in {where}{of_all}"
        )
    return lines


def _with_article(kind: str) -> str:
    if kind in ("pandas", "polars"):
        return f"a {kind} frame"
    return f"an {kind}" if kind == "array" else f"a {kind}"


def _columns_by_label(columns: Sequence[ColumnFingerprint]) -> dict[str, ColumnFingerprint]:
    """Return the columns by name. Columns with the same name are numbered from the second."""
    by_label, counts = {}, Counter[str]()
    for column in columns:
        name = column["name"]
        label = f"column {name}" if isinstance(name, int) else repr(name)
        # The values of an unnamed array have a name that describes their shape.
        label = VALUES if name is None or str(name).startswith(SHAPE) else label
        counts[label] += 1
        number = f" (number {counts[label]})" if counts[label] > 1 else ""
        by_label[label + number] = column
    return by_label


def _retyped(name: str, old: ColumnFingerprint, new: ColumnFingerprint) -> str:
    was, now = (
        # The dtype of a categorical column contains its categories.
        "category" if column["dtype"].startswith("category") else column["dtype"]
        for column in (old, new)
    )
    if was == now:
        return f"the categories of {name} changed"
    return f"{name} was {was}, now is {now}"


def _preview(names: Sequence[str]) -> str:
    n_more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {n_more:,} more" if n_more > 0 else "")

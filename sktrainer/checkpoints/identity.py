"""Identity of a run: data fingerprints, parameters and library versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_MAX_LENGTH = 80

_MESSAGES = {
    "data": "{name} differs (fingerprint was {was}, is now {now})",
    "parameters": "{name}: was {was}, is now {now}",
    "versions": "the version of {name}: was {was}, is now {now}",
}


@dataclass(frozen=True)
class RunIdentity:
    """Everything that determines the result of a run.

    `data` has the fingerprint of each argument of `fit`, and `parameters` plain values.
    """

    data: Mapping[str, str]
    parameters: Mapping[str, Any]
    versions: Mapping[str, str]

    def plain(self) -> dict[str, dict[str, Any]]:
        """Return the identity as values that a JSON round trip does not change."""
        plain: dict[str, dict[str, Any]] = json.loads(json.dumps(asdict(self)))
        return plain

    def digest(self) -> str:
        """Return the SHA-256 of the identity."""
        text = json.dumps(self.plain(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def identity_differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Describe the differences between two identities.

    Examples
    --------
    >>> identity_differences({"parameters": {"cv": 5}}, {"parameters": {"cv": 3}})
    ['cv: was 5, is now 3']
    """
    differences = []
    for part, message in _MESSAGES.items():
        before, after = was.get(part, {}), now.get(part, {})
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                pair = {"was": _preview(before, name), "now": _preview(after, name)}
                differences.append(message.format(name=name, **pair))
    return differences


def _preview(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return "absent"
    value = values[name]
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."

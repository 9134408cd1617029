"""Networks of a trainer as files, for networks of every library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sktrainer.backends._networks.placeholders import (
    EstimatorPlaceholder,
    NetworkPlaceholder,
    insert_networks,
    replace_networks,
)


class NetworkFiles:
    """Serializer of networks, on their own or as attributes of estimators.

    A subclass converts networks to a JSON document and a file of arrays and back, and knows the
    estimators that hold them. `prefix` starts the file names for networks in the trainer's
    parameters; its last part, with ".json", ends the names of all documents. `array_suffix` is
    that of the files with arrays.
    """

    prefix: str
    array_suffix: str

    def holds(self, value: object) -> bool:
        """Return whether this is a network, or another object that is stored like one."""
        raise NotImplementedError

    def encode(self, networks: Sequence[Any]) -> tuple[bytes, bytes]:
        """Return networks as a JSON document and a file of arrays."""
        raise NotImplementedError

    def decode(self, document: bytes, arrays: bytes) -> Sequence[Any]:
        """Create networks from the result of `encode`, whose type names must be trusted."""
        raise NotImplementedError

    def type_names(self, document: bytes, arrays: bytes) -> set[str]:
        """Return the import paths in a document, without creating anything."""
        raise NotImplementedError

    def take_apart(self, value: object) -> EstimatorPlaceholder | None:
        """Return class and attributes of an estimator of this library; None for others."""
        raise NotImplementedError

    def put_together(self, stored: EstimatorPlaceholder) -> Any:
        """Return the estimator with this class and these attributes."""
        raise NotImplementedError

    def to_files(self, value: object, prefix: str) -> tuple[Any, dict[str, bytes]]:
        """Return a value with placeholders for its networks, and the networks as files."""
        networks: list[Any] = []
        stored = self.take_apart(value)
        if stored is None:
            value = replace_networks(value, self.holds, networks)
        else:
            stored.state = replace_networks(stored.state, self.holds, networks)
            value = stored
        if not networks:
            return value, {}
        document, arrays = self.encode(networks)
        return value, {f"{prefix}.json": document, f"{prefix}{self.array_suffix}": arrays}

    def from_files(self, value: object, files: Mapping[str, bytes], prefix: str) -> Any:
        """Restore the value that was passed to `to_files`."""
        if not isinstance(value, (NetworkPlaceholder, EstimatorPlaceholder)):
            return value
        networks: Sequence[Any] = ()
        document = files.get(f"{prefix}.json")
        if document is not None:
            networks = self.decode(document, files[f"{prefix}{self.array_suffix}"])
        if isinstance(value, NetworkPlaceholder):
            return insert_networks(value, networks)
        state = insert_networks(value.state, networks)
        return self.put_together(EstimatorPlaceholder(value.kind, state, value.fitted))

    def names_in(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the import paths in all documents among a bundle's files."""
        ending = f".{self.prefix.rpartition('.')[2]}.json"
        prefixes = [name.removesuffix(".json") for name in files if name.endswith(ending)]
        return {
            name
            for prefix in prefixes
            for name in self.type_names(
                files[f"{prefix}.json"], files[f"{prefix}{self.array_suffix}"]
            )
        }

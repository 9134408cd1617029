"""Lines that libraries write to the standard error of the process, below Python."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def drop_native_lines(parts: Sequence[str]) -> Iterator[None]:
    """Drop lines with one of these parts that are written to the file descriptor 2.

    Other lines are written when the context ends.
    """
    try:
        before = os.dup(2)
    except OSError:  # the process has no standard error
        yield
        return
    with tempfile.TemporaryFile() as output:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(output.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            output.seek(0)
            dropped = [part.encode() for part in parts]
            kept = [line for line in output if not any(part in line for part in dropped)]
            os.write(2, b"".join(kept))


class QuietImport:
    """Imports a package without its log lines in the process in which it is unpickled.

    It must be unpickled before the objects of the package.
    """

    def __init__(self, package: str, noise: Sequence[str]) -> None:
        self._package = package
        self._noise = tuple(noise)

    def __reduce__(
        self,
    ) -> tuple[Callable[[str, Sequence[str]], QuietImport], tuple[object, ...]]:
        return _import_quietly, (self._package, self._noise)


def _import_quietly(package: str, noise: Sequence[str]) -> QuietImport:
    if package not in sys.modules:
        with drop_native_lines(noise):
            import_module(package)
    return QuietImport(package, noise)

"""Values that shells complete: columns of DATA, names of models, paths."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

# The other imports are in the functions: all commands import this module.
if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Complete: TypeAlias = Callable[
    [click.Context, click.Parameter, str], "list[str] | list[CompletionItem]"
]

#: Models with a short name.
MODEL_NAMES = ("lightgbm", "xgboost", "catboost", "hgb", "forest", "linear", "sgd", "mlp")

_MOST_BYTES = 100_000


def complete_from(values: Iterable[str], *, files: bool = False) -> Complete:
    """Return a function that completes values; with `files`, paths if none begins like this."""
    known = [*values]

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[str] | list[CompletionItem]:
        from click.shell_completion import CompletionItem

        found = [value for value in known if value.startswith(incomplete)]
        return found or ([CompletionItem(incomplete, type="file")] if files else [])

    return complete


def complete_column(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a column of DATA.

    Only the header of the file is read. Names with characters that a shell or its completion
    script would interpret are left out.
    """
    names = next(filter(None, map(read_header, _files_on_the_line())), [])
    plain = [name for name in names if name.replace("_", "a").replace("-", "a").isalnum()]
    return [name for name in plain if name.startswith(incomplete)]


def _files_on_the_line() -> list[str]:
    """Return the tables among the words; click does not parse a line whose end is missing."""
    from click.shell_completion import split_arg_string

    words = split_arg_string(os.environ.get("COMP_WORDS", ""))
    paths = [Path(word).expanduser() for word in words if not word.startswith("-")]
    return [str(path) for path in paths if path.suffix != ".skt" and path.is_file()]


def read_header(path: str) -> list[str]:
    """Return the column names of a file, or [] if they cannot be read."""
    import bz2
    import csv
    import gzip
    import io
    import lzma

    readers: dict[str, Callable[..., Any]] = {
        ".gz": gzip.open,
        ".bz2": bz2.open,
        ".xz": lzma.open,
    }
    suffix = Path(path).suffix
    try:
        if suffix == ".parquet":
            from sktrainer.data.file_formats.arrow import parquet_columns

            return parquet_columns(path)
        with readers.get(suffix, open)(path, "rb") as file:
            line = file.read(_MOST_BYTES).decode("utf-8-sig", "ignore").splitlines()[0]
    # A completion has nowhere to report an error.
    except (OSError, ImportError, ValueError, IndexError, EOFError):
        return []
    delimiter = max(",;\t|", key=line.count)
    return next(csv.reader(io.StringIO(line), delimiter=delimiter))

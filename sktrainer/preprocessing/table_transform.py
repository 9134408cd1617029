"""Learned encoding of a table with typed columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from sktrainer.data.column_checks import (
    UnreadableValueError,
    has_infinite,
    infinite_message,
    join_errors,
)
from sktrainer.data.columns import column_reader
from sktrainer.data.levels import MISSING
from sktrainer.data.unparsed_values import UnparsedValues
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.base import ColumnSources
from sktrainer.preprocessing.column_transforms import ColumnTransform
from sktrainer.preprocessing.fit_matrix import check_not_sparse
from sktrainer.preprocessing.postprocessing import Postprocessing
from sktrainer.types import Array


@dataclass(frozen=True)
class TableTransform:
    """State required by `transform`, pickled with the encoder.

    `positions` holds the input columns that are kept, and `starts` the first output column
    of each. `names` are the output columns; missing indicators come last. `codes` holds the
    output columns with category codes. With `frame`, the output becomes a DataFrame, and is
    therefore stored column by column.
    """

    positions: tuple[int, ...]
    plans: tuple[ColumnTransform, ...]
    starts: tuple[int, ...]
    names: tuple[str, ...]
    codes: tuple[int, ...]
    dtype: str
    finish: Postprocessing
    frame: bool = False

    @property
    def sources(self) -> ColumnSources:
        """Input column of each output column."""
        kept = zip(self.positions, self.plans, strict=True)
        values = tuple(position for position, plan in kept for _ in plan.names)
        return ColumnSources(values, tuple(values[at] for at in self.finish.steps.marked))

    def empty(self, n_rows: int) -> Array:
        """Return an uninitialized output array."""
        order: Literal["F", "C"] = "F" if self.frame else "C"
        return np.empty((n_rows, len(self.names)), dtype=self.dtype, order=order)

    def transform(self, X: Any, input_names: Sequence[str]) -> Array:
        """Encode rows in one pass over the columns.

        Raises
        ------
        InputError
            A column contains values of another kind than in training, or infinite values.
        """
        check_not_sparse(X)
        column = column_reader(X, exact=False)
        out = self.empty(len(X))
        unparsed, errors = UnparsedValues(), list[InputError]()
        with np.errstate(over="ignore"):  # too large for float32: refused below as infinite
            for position, plan, start in zip(
                self.positions, self.plans, self.starts, strict=True
            ):
                values = column(position)
                try:
                    parsed = plan.read(values)
                except UnreadableValueError as error:
                    errors.append(error.as_input_error(input_names[position], "training"))
                    continue
                plan.write(parsed, out[:, start : start + len(plan.names)])
                if plan.input_kind:
                    unparsed.record(input_names[position], plan.input_kind, values, parsed)
        if errors:
            raise join_errors(errors)
        unparsed.warn()
        if has_infinite(out[:, : self.finish.steps.first_mark]):
            starts = zip(self.positions, self.starts, strict=True)
            infinite = [input_names[at] for at, start in starts if has_infinite(out[:, start])]
            if infinite:
                raise InputError(infinite_message(infinite))
        self.finish.apply(out)
        return out

    def as_frame(self, out: Array, index: pd.Index | None = None) -> pd.DataFrame:
        """Return the output as a DataFrame with int32 codes; -1 for missing values."""
        columns = {}
        for position, name in enumerate(self.names):
            values = out[:, position]
            if position in self.codes:
                values = np.where(np.isnan(values), MISSING, values).astype(np.int32)
            columns[name] = values
        return pd.DataFrame(columns, index=index, copy=False)

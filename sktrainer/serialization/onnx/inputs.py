"""Inputs of an exported model, and export of the automatic preprocessor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sktrainer.data.column_kinds import column_kind
from sktrainer.data.columns import column_names, column_reader, is_frame
from sktrainer.data.levels import Levels, factorize
from sktrainer.data.numbers import to_numbers, to_seconds
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.column_transforms import (
    LevelTransform,
    NumericTransform,
    OneHotTransform,
)
from sktrainer.preprocessing.fit_matrix import MatrixTransform
from sktrainer.preprocessing.postprocessing import Postprocessing
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.preprocessing.table_transform import TableTransform
from sktrainer.serialization.onnx.graph_builder import ML_DOMAIN, GraphBuilder
from sktrainer.types import Array

#: Name of the input if X is an array.
MATRIX = "X"


@dataclass(frozen=True)
class GraphValue:
    """Value in the ONNX graph: numbers or booleans (n_rows, width), or a string column."""

    name: str
    kind: Literal["float", "double", "text", "truth"]
    width: int


@dataclass(frozen=True)
class InputSpec:
    """Input of the ONNX file.

    Attributes
    ----------
    name : str
        Name of the column; "X" for an array.
    position : int or None
        Position of the column in X; None for a complete array.
    kind : {"double", "text"}
    width : int
        Number of columns.
    read : callable
        Converts the values of a column of numbers.
    """

    name: str
    position: int | None
    kind: Literal["double", "text"]
    width: int = 1
    read: Callable[[Any], Array] = to_numbers

    def declared(self, graph: GraphBuilder) -> GraphValue:
        """Declare the input in the graph."""
        from onnx import TensorProto

        kind = TensorProto.STRING if self.kind == "text" else TensorProto.DOUBLE
        return GraphValue(graph.input(self.name, kind, self.width), self.kind, self.width)

    def cells(self, X: Any) -> Array:
        """Return the input values for the rows of X, of shape (n_rows, width).

        A missing string becomes an empty string, which is not a level of any exported model.
        """
        if self.position is None:
            return np.asarray(X, dtype=np.float64)
        cells = column_reader(X)(self.position)
        if self.kind == "double":
            return self.read(cells).astype(np.float64)[:, np.newaxis]
        codes, levels = factorize(cells)
        table = np.array([*levels, ""], dtype=object)
        found: Array = table[codes][:, np.newaxis]
        return found


def array_inputs(X: Any) -> list[InputSpec]:
    """Return the inputs for steps that take X unchanged: one per column, or one array.

    Raises
    ------
    InputError
        If X is not a table or dense numeric array, or has columns of other types than
        numbers and strings.
    """
    if is_frame(X):
        column = column_reader(X)
        kinds = [column_kind(column(position)) for position in range(X.shape[1])]
        names = [str(name) for name in column_names(X)]
        _refuse_kinds(names, kinds)
        return [
            InputSpec(
                name,
                position,
                "text" if kind == "strings" else "double",
                read=to_seconds if kind == "durations" else to_numbers,
            )
            for position, (name, kind) in enumerate(zip(names, kinds, strict=True))
        ]
    if getattr(X, "ndim", 0) != 2 or getattr(X, "dtype", None) is None:
        raise InputError(
            f"X must be a table or a two-dimensional numeric array, got {type(X).__name__}"
        )
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "iufb":
        raise InputError(
            f"X must be a table or a dense numeric array, got {type(X).__name__} of "
            f"{X.dtype}; pass a DataFrame or X.toarray() to both fit and to_onnx"
        )
    return [InputSpec(MATRIX, None, "double", X.shape[1])]


def _refuse_kinds(names: Sequence[str], kinds: Sequence[str]) -> None:
    known = ("numbers", "booleans", "strings", "empty", "durations")
    pairs = zip(names, kinds, strict=True)
    problems = [
        f"column {name!r} contains {kind}, which to_onnx cannot pass to the steps of your "
        "Pipeline; convert it to numbers or strings before fit"
        for name, kind in pairs
        if kind not in known
    ]
    if problems:
        raise InputError(problems)


def encoder_inputs(encoder: TableEncoder, X: Any) -> list[InputSpec]:
    """Return the inputs for a TableEncoder: one per column that it uses.

    Raises
    ------
    InputError
        If some columns cannot be encoded in an ONNX file. The error names all of them.
    """
    plan = encoder._plan
    if isinstance(plan, MatrixTransform):
        return array_inputs(X)
    if not isinstance(plan, TableTransform):
        raise InputError(
            "the trainer was fitted on a sparse matrix, which onnxruntime does not support; "
            "fit on X.toarray() instead"
        )
    feeds, problems = [], []
    names = encoder._names
    for position, column in zip(plan.positions, plan.plans, strict=True):
        name = names[position]
        if isinstance(column, NumericTransform):
            feeds.append(InputSpec(name, position, "double", read=column.read))
        elif isinstance(column, LevelTransform | OneHotTransform):
            feeds.append(InputSpec(name, position, "text"))
            if "" in column.levels.levels:
                problems.append(
                    f"column {name!r} contains empty strings, which represent missing values "
                    "in an ONNX file; replace them before fit"
                )
        else:
            problems.append(
                f"column {name!r} contains dates, which ONNX does not support; replace it by "
                "numbers such as X[column].dt.year before fit, or drop it"
            )
    if problems:
        raise InputError(problems)
    return feeds


def concatenate(graph: GraphBuilder, values: list[GraphValue]) -> GraphValue:
    """Concatenate numeric columns.

    Raises
    ------
    InputError
        If a column contains strings.
    """
    strings = [value.name for value in values if value.kind == "text"]
    if strings:
        raise InputError(
            f"string columns are passed to the model without encoding: "
            f"{', '.join(map(repr, strings))}; encode them in the Pipeline, or use "
            'preprocessor="auto"'
        )
    if len(values) == 1:
        return values[0]
    name = graph.add("Concat", *(value.name for value in values), axis=1)
    return GraphValue(name, values[0].kind, sum(value.width for value in values))


def add_encoder(
    graph: GraphBuilder, encoder: Any, values: list[GraphValue], X: Any
) -> GraphValue:
    """Add the operations of a TableEncoder."""
    plan = encoder._plan
    if isinstance(plan, MatrixTransform):
        return _matrix(graph, plan, concatenate(graph, values), X)
    kind = _kind(plan.dtype)
    column = column_reader(X)
    parts = [
        _column(graph, each, value.name, kind, _spellings(each, column(position)))
        for position, each, value in zip(plan.positions, plan.plans, values, strict=True)
    ]
    out = concatenate(graph, parts)
    return _postprocess(graph, plan.finish, out, len(plan.names))


def _kind(dtype: npt.DTypeLike) -> Literal["float", "double"]:
    return "double" if np.dtype(dtype) == np.float64 else "float"


def cast_value(
    graph: GraphBuilder, value: GraphValue, kind: Literal["float", "double"]
) -> GraphValue:
    """Cast numbers or booleans to float or double."""
    from onnx import TensorProto

    if value.kind == kind:
        return value
    to = TensorProto.DOUBLE if kind == "double" else TensorProto.FLOAT
    return GraphValue(graph.cast(value.name, to), kind, value.width)


def _matrix(
    graph: GraphBuilder, plan: MatrixTransform, value: GraphValue, X: Any
) -> GraphValue:
    dtypes = [X.dtype] if isinstance(X, np.ndarray) else list(getattr(X, "dtypes", ["f8"]))
    wide = [np.float64] if plan.float64 else []
    value = cast_value(graph, value, _kind(np.result_type(*dtypes, *wide, np.float32)))
    value = _mask_missing(graph, value, plan.missing)
    if plan.kept is not None:
        kept = graph.constant(np.array(plan.kept, dtype=np.int64))
        value = GraphValue(
            graph.add("Gather", value.name, kept, axis=1), value.kind, len(plan.kept)
        )
    elif not plan.impute:
        return value
    return _postprocess(graph, plan.finish, value, len(plan.names))


def _spellings(plan: Any, cells: Any) -> dict[str, str]:
    """Return further spellings of numeric levels, such as "1.0" for "1", with their level."""
    if not isinstance(plan, LevelTransform | OneHotTransform):
        return {}
    values = getattr(cells, "categories", cells)
    if getattr(values.dtype, "kind", "O") not in "iuf":
        return {}
    levels = plan.levels.levels.tolist()
    return {f"{text}.0": text for text in levels if text.removeprefix("-").isdecimal()}


def _column(
    graph: GraphBuilder,
    plan: Any,
    name: str,
    kind: Literal["float", "double"],
    spellings: Mapping[str, str],
) -> GraphValue:
    if isinstance(plan, NumericTransform):
        value = _mask_missing(graph, GraphValue(name, "double", 1), plan.missing)
        return cast_value(graph, value, kind)
    if isinstance(plan, OneHotTransform):
        # Look up the position of the level, then compare it with all positions.
        slots = _lookup_levels(graph, name, plan.levels, plan.slots.astype(np.int64), spellings)
        ones = graph.add("Equal", slots, graph.constant(np.arange(len(plan.names))))
        return cast_value(graph, GraphValue(ones, "truth", len(plan.names)), kind)
    columns = [
        GraphValue(_lookup_levels(graph, name, plan.levels, numbers, spellings), "float", 1)
        for numbers in plan.table.astype(np.float32).T
    ]
    return cast_value(graph, concatenate(graph, columns), kind)


def _mask_missing(graph: GraphBuilder, value: GraphValue, missing: float) -> GraphValue:
    """Replace the number that means missing by NaN."""
    if missing != missing:
        return value
    dtype = np.float64 if value.kind == "double" else np.float32
    found = graph.add("Equal", value.name, graph.constant(np.array(missing, dtype=dtype)))
    nan = graph.constant(np.array(np.nan, dtype=dtype))
    return replace(value, name=graph.add("Where", found, nan, value.name))


def _lookup_levels(
    graph: GraphBuilder, name: str, levels: Levels, table: Array, spellings: Mapping[str, str]
) -> str:
    """Map each string to the entry of its level in `table`; unknown strings to the last."""
    kind = "int64" if table.dtype.kind == "i" else "float"
    keys, entries = levels.levels.tolist(), table[:-1].tolist()
    by_key = dict(zip(keys, entries, strict=True))
    more = {key: by_key[level] for key, level in spellings.items() if key not in by_key}
    keys, entries = [*keys, *more], [*entries, *more.values()]
    attributes = {
        "keys_strings": keys or [""],  # an empty list has no type
        f"values_{kind}s": entries or [table[-1].item()],
        f"default_{kind}": table[-1].item(),
    }
    return graph.add("LabelEncoder", name, domain=ML_DOMAIN, **attributes)


def _postprocess(
    graph: GraphBuilder, finish: Postprocessing, value: GraphValue, width: int
) -> GraphValue:
    """Impute, add missing indicators and standardize, as `Finish.apply` does."""
    steps, marks = finish.steps, []
    dtype = np.float64 if value.kind == "double" else np.float32
    if finish.imputer is not None:
        missing = graph.add("IsNaN", value.name)
        if len(steps.marked):
            at = graph.constant(steps.marked.astype(np.int64))
            marked = GraphValue(
                graph.add("Gather", missing, at, axis=1), "truth", len(steps.marked)
            )
            marks = [cast_value(graph, marked, _kind(dtype))]
        medians = np.full((1, value.width), np.nan, dtype=dtype)
        medians[0, steps.filled] = finish.imputer.statistics_
        filled = graph.add("Where", missing, graph.constant(medians), value.name)
        value = GraphValue(filled, value.kind, value.width)
    if finish.scaler is not None:
        means, scales = np.zeros((1, width)), np.ones((1, width))
        means[0, steps.scaled] = finish.scaler.mean_
        scales[0, steps.scaled] = finish.scaler.scale_
        value = _standardized(graph, value, means, scales)
    return concatenate(graph, [value, *marks])


def _standardized(
    graph: GraphBuilder, value: GraphValue, means: Array, scales: Array
) -> GraphValue:
    # In double precision, so that the result is rounded to float32 only once.
    wide = cast_value(graph, value, "double").name
    centered = graph.add("Sub", wide, graph.constant(means[:, : value.width]))
    scaled = graph.add("Div", centered, graph.constant(scales[:, : value.width]))
    kind: Any = value.kind
    return cast_value(graph, GraphValue(scaled, "double", value.width), kind)

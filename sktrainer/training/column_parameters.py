"""Translation of model parameters that refer to columns of X to the encoded columns.

Encoding drops columns, turns one column into several, and appends missing-value indicators.
A constraint by column name or position refers to the user's table.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktrainer.backends.estimators import iter_nested_models
from sktrainer.backends.registry import find_backend
from sktrainer.backends.support import ColumnParameter, MissingParameter
from sktrainer.exceptions import ParameterError, suggest_name
from sktrainer.preprocessing.base import ColumnSources
from sktrainer.preprocessing.fit_sparse import SparseTransform
from sktrainer.preprocessing.table_encoder import TableEncoder


def translate_model_parameters(model: Any, steps: Sequence[tuple[str, Any]]) -> None:
    """Translate a model's column parameters to the encoded columns.

    Parameters
    ----------
    model : estimator
        Modified in place, together with its nested models. Pass a clone.
    steps : sequence of (str, transformer)
        Fitted steps. The parameters are only translated if the automatic preprocessor is
        the only transformer, because the origin of each encoded column is unknown otherwise.

    Raises
    ------
    ParameterError
        If a column does not exist, the number of values is wrong, or a constraint refers to
        a column that was encoded as several.
    """
    encoder = _only_encoder(steps)
    if encoder is None or not _declared_parameters(model):
        return
    models = [model, *iter_nested_models(model, enter=_passes_columns_through)]
    affected = [(each, given) for each in models if (given := _set_parameters(each))]
    if not affected:
        return
    columns, problems = _ColumnTranslation.of(encoder), list[str]()
    for each, given in affected:
        known = _declared_parameters(each)
        changed = {n: columns.translated(n, v, known[n], problems) for n, v in given.items()}
        each.set_params(**changed)
    if problems:
        raise ParameterError(problems)


def missing_number(model: Any) -> float:
    """Return the number that a model's parameters declare as missing; NaN if there is none.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> missing_number(Ridge())
    nan
    """
    numbers = [each.number(value) for _, value, each in _missing_parameters(model)]
    return next((number for number in numbers if number == number), math.nan)


def _missing_parameters(model: Any) -> Iterator[tuple[str, Any, MissingParameter]]:
    """Yield name, value and description of each parameter that declares missing values."""
    if hasattr(model, "get_params"):
        known = find_backend(model).parameters.missing
        for name, value in model.get_params(deep=False).items() if known else ():
            if name in known:
                yield name, value, known[name]


def unset_missing_number(model: Any, steps: Sequence[tuple[str, Any]]) -> None:
    """Unset the parameters that declare a number as missing, which the encoder replaced by NaN.

    Otherwise, category codes and 0/1 columns that equal the number would be missing, too. A
    sparse matrix has no such columns, and keeps the parameter.

    Raises
    ------
    ParameterError
        If a nested model declares a number as missing, because its siblings may not.
    """
    encoder = _only_encoder(steps)
    if encoder is None or isinstance(encoder._plan, SparseTransform):
        return
    for name, _, each in [*_missing_parameters(model)]:
        model.set_params(**{name: each.unset})
    for nested in iter_nested_models(model, enter=_passes_columns_through):
        number = missing_number(nested)
        if number == number:
            raise ParameterError(
                f"the nested {type(nested).__name__} declares {number:g} as missing, which may "
                "also be a value of an encoded column. Replace the number by NaN in X and "
                "leave the parameter out, or encode X yourself and pass preprocessor=None."
            )


def _declared_parameters(model: Any) -> Mapping[str, ColumnParameter]:
    """Return the parameters of this type of model that refer to columns, by name."""
    return find_backend(model).parameters.columns if hasattr(model, "get_params") else {}


def _set_parameters(model: Any) -> dict[str, Any]:
    """Return the column parameters that are set on the model, with their values."""
    known = _declared_parameters(model)
    parameters = model.get_params(deep=False).items() if known else ()
    return {name: value for name, value in parameters if name in known and _is_set(value)}


def _is_set(value: object) -> bool:
    """Return whether a value is set: not None, not empty and not "auto"."""
    if value is None or (isinstance(value, str) and value == "auto"):
        return False
    return not hasattr(value, "__len__") or len(value) > 0


def _passes_columns_through(holder: object) -> bool:
    """Return whether a meta-estimator passes its columns unchanged to its sub-estimators.

    Pipelines and transformers do not. A voting ensemble has `transform` too, but predicts.
    """
    transforms = hasattr(holder, "transform") and not hasattr(holder, "predict")
    return not (transforms or hasattr(holder, "steps"))


def _only_encoder(steps: Sequence[tuple[str, Any]]) -> TableEncoder | None:
    transforms = [
        step for _, step in steps if step != "passthrough" and hasattr(step, "transform")
    ]
    if len(transforms) == 1 and isinstance(transforms[0], TableEncoder):
        return transforms[0]
    return None


@dataclass(frozen=True)
class _ColumnTranslation:
    """Columns of X and the encoded columns derived from them."""

    names: tuple[str, ...]
    sources: ColumnSources
    outputs: tuple[str, ...]
    codes: frozenset[int]
    kinds: tuple[str, ...]

    @classmethod
    def of(cls, encoder: TableEncoder) -> _ColumnTranslation:
        n_columns = encoder.n_features_in_
        names = getattr(encoder, "feature_names_in_", None)
        return cls(
            tuple(map(str, range(n_columns) if names is None else names)),
            encoder.sources_,
            tuple(encoder.get_feature_names_out()),
            frozenset(encoder.categorical_features_),
            tuple(decision.kind for decision in encoder.decisions_),
        )

    def translated(
        self, name: str, value: object, parameter: ColumnParameter, problems: list[str]
    ) -> Any:
        """Return a parameter's value for the encoded columns, or add to `problems`."""
        value = _parse_literal(value)
        if isinstance(value, str) and parameter.kind not in ("strings", "types"):
            return value  # a keyword of the library, such as "pairwise"
        try:
            return getattr(self, f"_{parameter.kind}")(name, value, parameter)
        except ParameterError as error:
            problems.extend(error.problems)
            return value

    def _each(self, name: str, value: object, parameter: ColumnParameter) -> Any:
        """Translate constraint directions; each applies to exactly one numeric column."""
        found = [0] * len(self.sources)
        problems = []
        for position, sign in self._pairs(name, value):
            if int(sign) == 0:  # no constraint
                continue
            outputs = self.sources.value_outputs(position)
            if len(outputs) > 1 or not self.codes.isdisjoint(outputs):
                problems.append(self._not_one(name, position, outputs))
            for output in outputs:  # empty if the column was dropped
                found[output] = int(sign)
        if problems:
            raise ParameterError(problems)
        return parameter.form(found)

    def _weights(self, name: str, value: object, parameter: ColumnParameter) -> Any:
        """Translate weights; each applies to all columns encoded from one, 1 elsewhere."""
        found = [1.0] * len(self.sources)
        for position, weight in self._pairs(name, value):
            for output in self.sources.outputs(position):
                found[output] = float(weight)
        return parameter.form(found)

    def _groups(self, name: str, value: Iterable[Any], parameter: ColumnParameter) -> Any:
        """Translate groups of columns to groups of encoded columns."""
        groups = [self._outputs(name, group) for group in value]
        return parameter.form([group for group in groups if group])

    def _listed(self, name: str, value: Iterable[Any], parameter: ColumnParameter) -> Any:
        """Translate a list of columns to all columns encoded from them."""
        return parameter.form(self._outputs(name, value))

    def _categories(self, name: str, value: object, parameter: ColumnParameter) -> Any:
        """Check that the listed columns are categorical, then reset the parameter.

        The backend gets the categorical columns from the encoder instead.
        """
        positions = _mask_to_positions(value)
        numbers = [
            self.names[position]
            for position in (self._position(name, column) for column in positions)
            if self.kinds[position] in ("numeric", "datetime", "duration")
        ]
        if numbers:
            raise ParameterError(self._in_the_table(f"{name} lists {numbers[0]!r}", numbers[0]))
        return parameter.form([])

    def _types(self, name: str, value: object, parameter: ColumnParameter) -> Any:
        raise ParameterError(self._in_the_table(f"{name}={value!r} is set", self.names[0]))

    def _in_the_table(self, what: str, column: str) -> str:
        return (
            f"{what}, but categorical columns are inferred from the dtypes of X. Convert them, "
            f"for example with X.astype({{{column!r}: 'category'}}), and leave the parameter "
            "out; or encode X yourself and pass preprocessor=None."
        )

    def _strings(self, name: str, value: object, parameter: ColumnParameter) -> Any:
        raise ParameterError(
            f"{name}={value!r} requires unencoded columns, but the automatic preprocessor "
            "encodes them. Pass preprocessor=None, or leave this parameter out."
        )

    def _outputs(self, name: str, columns: Iterable[Any]) -> list[int]:
        positions = [self._position(name, column) for column in columns]
        return [at for position in positions for at in self.sources.outputs(position)]

    def _pairs(self, name: str, value: Any) -> list[tuple[int, Any]]:
        if isinstance(value, Mapping):
            return [(self._position(name, key), each) for key, each in value.items()]
        if len(value) != len(self.names):
            raise ParameterError(
                f"{name} must have one value for each of the {len(self.names):,} columns of X, "
                f"got {len(value):,}. Or use column names, as in {{{self.names[0]!r}: 1}}."
            )
        return list(enumerate(value))

    def _position(self, name: str, column: object) -> int:
        # An integer is a position, as in the libraries; out of range it may be a name.
        if isinstance(column, (int, np.integer)) and 0 <= column < len(self.names):
            return int(column)
        if str(column) in self.names:
            return self.names.index(str(column))
        raise ParameterError(
            f"{name}: {column!r} is not a column of X{suggest_name(str(column), self.names)}"
        )

    def _not_one(self, name: str, position: int, outputs: tuple[int, ...]) -> str:
        became = ", ".join(self.outputs[at] for at in outputs[:4])
        became += ", ..." if len(outputs) > 4 else ""
        what = f"{len(outputs)} columns ({became})" if len(outputs) > 1 else "category codes"
        return (
            f"{name}: column {self.names[position]!r} is encoded as {what}, but a constraint "
            "requires one numeric column. Leave the column out, or convert it to numbers."
        )


def _mask_to_positions(value: Any) -> list[Any]:
    """Return the listed columns, or the positions at which a boolean mask is true."""
    listed = [value] if isinstance(value, (str, int, np.integer)) else list(value)
    if listed and all(isinstance(each, (bool, np.bool_)) for each in listed):
        return [position for position, is_one in enumerate(listed) if is_one]
    return listed


def _parse_literal(value: object) -> Any:
    """Evaluate a list or tuple in a string, such as XGBoost's "(1, 0)"; keep other values."""
    if not isinstance(value, str) or value.strip()[:1] not in ("(", "["):
        return value
    try:
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        return value  # the library reports what it cannot parse

"""Translation of model parameters that refer to columns of X to the encoded columns.

Encoding drops columns, turns one column into several, and appends missing-value indicators.
A constraint by column name or position refers to the user's table.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.backends.estimators import iter_nested_models
from sktrainer.backends.registry import find_backend
from sktrainer.backends.support import ColumnParameter
from sktrainer.data.columns import column_labels
from sktrainer.exceptions import ParameterError, suggest_name
from sktrainer.preprocessing.base import ColumnSources
from sktrainer.preprocessing.column_origins import column_origins
from sktrainer.preprocessing.model_input import ModelInput
from sktrainer.preprocessing.table_encoder import TableEncoder


def translate_model_parameters(
    model: Any, steps: Sequence[tuple[str, Any]], names: Sequence[str] | None
) -> None:
    """Translate a model's column parameters to the columns that reach the model.

    The model and its nested models are modified in place; pass a clone. `steps` are fitted, and
    `names` the columns of X; None if X is not a table, whose parameters are not translated.

    Raises
    ------
    ParameterError
        If a column does not exist, the number of values is wrong, or a constraint refers to
        a column that was encoded as several, or cannot be followed through the steps.
    """
    if names is None or not _declared_parameters(model):
        return
    models = [model, *iter_nested_models(model, enter=passes_columns_through)]
    affected = [(each, given) for each in models if (given := _set_parameters(each))]
    if not affected:
        return
    columns, problems = _ColumnTranslation.of(steps, names), list[str]()
    for each, given in affected:
        known = _declared_parameters(each)
        changed = {n: columns.translated(n, v, known[n], problems) for n, v in given.items()}
        each.set_params(**changed)
    if problems:
        raise ParameterError(problems)


def translate_sampler_parameters(
    sampler: Any, steps: Sequence[tuple[str, Any]], X: Any
) -> None:
    """Translate the categorical columns of a sampler such as SMOTENC to the encoded columns.

    The sampler is modified in place; pass a clone. `steps` are the fitted steps before the
    sampler, which get the table X. Without any, the sampler gets X itself.

    Raises
    ------
    ParameterError
        If a column does not exist, was encoded as several, or cannot be followed.
    """
    name, names = "categorical_features", column_labels(X)
    value = sampler.get_params(deep=False).get(name) if hasattr(sampler, "get_params") else None
    if value is None or names is None or not _transformers(steps):
        return
    columns = _ColumnTranslation.of(steps, names)
    if isinstance(value, str) and value == "auto":
        dtypes = getattr(X, "dtypes", ())
        is_category = [isinstance(dtype, pd.CategoricalDtype) for dtype in dtypes]
        value = [kind == "category" for kind in columns.kinds] or is_category
    positions = [columns.position(name, column) for column in _mask_to_positions(value)]
    outputs = [at for position in positions for at in columns.single_output(name, position)]
    sampler.set_params(**{name: outputs})


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


def passes_columns_through(holder: object) -> bool:
    """Return whether a meta-estimator passes its columns unchanged to its sub-estimators.

    Pipelines and transformers do not. A voting ensemble has `transform` too, but predicts.
    """
    transforms = hasattr(holder, "transform") and not hasattr(holder, "predict")
    return not (transforms or hasattr(holder, "steps"))


def _transformers(steps: Sequence[tuple[str, Any]]) -> list[Any]:
    return [
        step
        for _, step in steps
        if hasattr(step, "transform") and not isinstance(step, ModelInput)
    ]


def only_encoder(steps: Sequence[tuple[str, Any]]) -> TableEncoder | None:
    """Return the automatic preprocessor if it is the only transformer, else None."""
    transforms = _transformers(steps)
    if len(transforms) == 1 and isinstance(transforms[0], TableEncoder):
        return transforms[0]
    return None


@dataclass(frozen=True)
class _ColumnTranslation:
    """Columns of X and the encoded columns derived from them.

    `encodes` states whether the automatic preprocessor encodes them. `mixed` holds the columns
    of X that are combined with others, or whose encoded columns are unknown.
    """

    names: tuple[str, ...]
    sources: ColumnSources
    outputs: tuple[str, ...]
    codes: frozenset[int]
    kinds: tuple[str, ...]
    encodes: bool = True
    mixed: frozenset[int] = frozenset()

    @classmethod
    def of(cls, steps: Sequence[tuple[str, Any]], names: Sequence[str]) -> _ColumnTranslation:
        encoder = only_encoder(steps)
        if encoder is None:
            return cls._of_own_steps(_transformers(steps), tuple(names))
        return cls(
            tuple(names),
            encoder.sources_,
            tuple(encoder.get_feature_names_out()),
            frozenset(encoder.categorical_features_),
            tuple(decision.kind for decision in encoder.decisions_),
        )

    @classmethod
    def _of_own_steps(cls, steps: Sequence[Any], names: tuple[str, ...]) -> _ColumnTranslation:
        origins = column_origins(steps, names)
        if origins is None:
            everything = frozenset(range(len(names)))
            sources, mixed = ColumnSources(()), everything
        else:
            single = tuple(min(each) if len(each) == 1 else -1 for each in origins)
            sources = ColumnSources(single)
            mixed = frozenset[int]().union(*(each for each in origins if len(each) > 1))
        outputs = tuple(f"column {position}" for position in range(len(sources)))
        return cls(names, sources, outputs, frozenset(), (), encodes=False, mixed=mixed)

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
            outputs = self._followed(name, position, self.sources.value_outputs(position))
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
            for output in self._followed(name, position, self.sources.outputs(position)):
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

        The backend gets the categorical columns from the encoder instead. After user-defined
        steps, the parameter lists the columns derived from them; without steps, it is kept.
        """
        if not self.encodes:
            unchanged = self.sources.values == tuple(range(len(self.names)))
            return value if unchanged else self._outputs(name, _mask_to_positions(value))
        positions = _mask_to_positions(value)
        numbers = [
            self.names[position]
            for position in (self.position(name, column) for column in positions)
            if self.kinds[position] in ("numeric", "datetime", "duration")
        ]
        if numbers:
            raise ParameterError(self._in_the_table(f"{name} lists {numbers[0]!r}", numbers[0]))
        return parameter.form([])

    def _types(self, name: str, value: object, parameter: ColumnParameter) -> Any:
        if not self.encodes:
            return value  # the types of the columns that reach the model
        raise ParameterError(self._in_the_table(f"{name}={value!r} is set", self.names[0]))

    def _in_the_table(self, what: str, column: str) -> str:
        return (
            f"{what}, but categorical columns are inferred from the dtypes of X. Convert them, "
            f"for example with X.astype({{{column!r}: 'category'}}), and leave the parameter "
            "out; or encode X yourself and pass preprocessor=None."
        )

    def _strings(self, name: str, value: object, parameter: ColumnParameter) -> Any:
        if not self.encodes:
            return value
        raise ParameterError(
            f"{name}={value!r} requires unencoded columns, but the automatic preprocessor "
            "encodes them. Pass preprocessor=None, or leave this parameter out."
        )

    def _outputs(self, name: str, columns: Iterable[Any]) -> list[int]:
        positions = [self.position(name, column) for column in columns]
        outputs = self.sources.outputs
        return [at for p in positions for at in self._followed(name, p, outputs(p))]

    def _followed(self, name: str, position: int, outputs: tuple[int, ...]) -> tuple[int, ...]:
        """Return the outputs; raise ParameterError if other columns depend on the column."""
        if position in self.mixed:
            raise ParameterError(
                f"{name}: column {self.names[position]!r} cannot be followed through your own "
                "steps, which combine columns or do not name their output. Leave it out, or "
                "use steps that keep it separate, such as a ColumnTransformer."
            )
        return outputs

    def single_output(self, name: str, position: int) -> tuple[int, ...]:
        """Return the encoded column of a column of X; () if it was dropped."""
        outputs = self._followed(name, position, self.sources.value_outputs(position))
        if len(outputs) > 1:
            raise ParameterError(
                f"{name}: column {self.names[position]!r} is encoded as {len(outputs)} "
                "columns, which a sampler would change separately. Use "
                "handle_imbalance='smote', which supports categories, or "
                "categorical_encoding='ordinal'."
            )
        return outputs

    def _pairs(self, name: str, value: Any) -> list[tuple[int, Any]]:
        if isinstance(value, Mapping):
            return [(self.position(name, key), each) for key, each in value.items()]
        if len(value) != len(self.names):
            raise ParameterError(
                f"{name} must have one value for each of the {len(self.names):,} columns of X, "
                f"got {len(value):,}. Or use column names, as in {{{self.names[0]!r}: 1}}."
            )
        return list(enumerate(value))

    def position(self, name: str, column: object) -> int:
        """Return the position in X of a column that a parameter names."""
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

"""Python code that repeats a fit, and the parameters that differ from their defaults."""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np

from sktrainer.backends.estimators import EstimatorParts
from sktrainer.data.inputs import FIT_ARGUMENTS, FitInputs
from sktrainer.runtime.signatures import public_module
from sktrainer.training.parameters import TrainerParams

_MOST_ITEMS = 50
_NO_DEFAULT = inspect.Parameter.empty
_cached_signature = lru_cache(maxsize=256)(inspect.signature)  # read for each parameter
_NOT_REPEATED = ("estimator", "random_state", "output", "parent_id", "trackers")


def changed_parameters(params: TrainerParams, parts: EstimatorParts) -> tuple[str, ...]:
    """Return the names of parameters that differ from their defaults.

    The names are those of `describe_params`. Steps of the user's Pipeline count as changed.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer.backends.estimators import unwrap_pipeline
    >>> params = TrainerParams(Ridge(alpha=2.0), test_size=0.2)
    >>> changed_parameters(params, unwrap_pipeline(params.estimator))
    ('test_size', 'estimator__alpha')
    """
    names = [name for name in params.values() if _differs(params, name)]
    prefix = "estimator__"
    if parts.steps or parts.name != "model":
        names += [prefix + name.replace(".", "__") for name, _ in parts.steps]
        prefix += parts.name.replace(".", "__") + "__"
    values = parts.model.get_params(deep=True)
    for name in values:
        outer, _, inner = name.rpartition("__")
        owner = parts.model if not outer else values.get(outer)
        # The default of a nested parameter is that of the nested estimator.
        if owner is None or _differs(owner, inner, values[name]):
            names.append(prefix + name)
    return tuple(names)


def reproduction_code(params: TrainerParams, inputs: FitInputs, seed: int) -> str:
    """Return Python code that creates the trainer with the same seed and fits it.

    Values that cannot be written as code, such as arrays and objects defined in the script,
    are variables, and a comment says what they are.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> inputs = FitInputs(None, "price", groups=[1, 2])
    >>> print(reproduction_code(TrainerParams(Ridge(alpha=2.0), cv=3), inputs, 7))
    from sklearn.linear_model import Ridge
    from sktrainer import ManagedTrainer
    <BLANKLINE>
    trainer = ManagedTrainer(
        Ridge(alpha=2.0),
        cv=3,
        random_state=7,
    )
    trainer.fit(X, y="price", groups=groups)
    """
    writer = _CodeWriter()
    arguments = [writer.write(params.estimator, "estimator")]
    names = [n for n in params.__dataclass_fields__ if n not in _NOT_REPEATED]
    arguments += [
        f"{name}={writer.write(getattr(params, name), name)}"
        for name in names
        if _differs(params, name)
    ]
    arguments.append(f"random_state={seed}")
    lines = "".join(f"    {argument},\n" for argument in arguments)
    code = f"trainer = ManagedTrainer(\n{lines})\n"
    if params.output is not None:
        code += f"trainer.set_output(transform={_quoted(params.output)})\n"
    given = "" if inputs.y is None else "y"
    fit = [
        "X",
        *filter(None, [f"y={_quoted(inputs.y)}" if isinstance(inputs.y, str) else given]),
    ]
    others = {name: getattr(inputs, name) for name in FIT_ARGUMENTS}
    fit += [
        f"{name}={_quoted(value) if isinstance(value, str) else name}"
        for name, value in others.items()
        if value is not None
    ]
    writer.imports.add(("sktrainer", "ManagedTrainer"))
    imports = "".join(f"from {m} import {name}\n" for m, name in sorted(writer.imports))
    notes = "".join(f"# {note}\n" for note in writer.notes)
    return f"{imports}\n{notes}{code}trainer.fit({', '.join(fit)})"


class _CodeWriter:
    """Writer of values as Python code. It collects the imports and what cannot be written."""

    def __init__(self) -> None:
        self.imports: set[tuple[str, str]] = set()
        self.notes: list[str] = []

    def write(self, value: Any, name: str) -> str:
        """Return the code of a value; `name` is that of the variable for other values."""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if isinstance(value, str):
            return _quoted(value)
        if value is None or isinstance(value, (bool, int, float, bytes)):
            return repr(value)
        if isinstance(value, (list, tuple, set, dict)) and len(value) <= _MOST_ITEMS:
            return self._container(value, name)
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType, np.ufunc)):
            return self._imported(value, name)
        if isinstance(value, partial):
            parts = [self.write(v, name) for v in (value.func, *value.args)]
            return self._call(partial, parts, value.keywords, name)
        if hasattr(value, "_score_func") and hasattr(value, "_sign"):
            return self._scorer(value, name)
        return self._object(value, name)

    def _container(self, value: Any, name: str) -> str:
        if isinstance(value, dict):
            items = [f"{self.write(k, name)}: {self.write(v, name)}" for k, v in value.items()]
            return f"{{{', '.join(items)}}}"
        items = [self.write(item, name) for item in value]
        if isinstance(value, list):
            return f"[{', '.join(items)}]"
        if isinstance(value, set):
            return f"{{{', '.join(sorted(items))}}}" if items else "set()"
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"

    def _imported(self, value: Any, name: str) -> str:
        """Return the name of a class or function, and import it."""
        module, found = getattr(value, "__module__", None), getattr(value, "__name__", "")
        module = "numpy" if isinstance(value, np.ufunc) else module
        if module == "builtins":
            return str(found)
        qualified = getattr(value, "__qualname__", found)
        if module in (None, "__main__") or qualified != found or not found.isidentifier():
            return self._unknown(value, name)
        self.imports.add((public_module(value, module), found))
        return str(found)

    def _call(self, kind: Any, parts: list[str], keywords: Mapping[str, Any], name: str) -> str:
        parts = [*parts, *(f"{key}={self.write(v, key)}" for key, v in keywords.items())]
        return f"{self._imported(kind, name)}({', '.join(parts)})"

    def _scorer(self, scorer: Any, name: str) -> str:
        from sklearn.metrics import make_scorer

        keywords: dict[str, Any] = {"response_method": scorer._response_method}
        if scorer._sign < 0:
            keywords["greater_is_better"] = False
        parts = [self.write(scorer._score_func, name)]
        return self._call(make_scorer, parts, keywords | dict(scorer._kwargs), name)

    def _object(self, value: Any, name: str) -> str:
        """Return the call that creates an estimator, a splitter or a dataclass."""
        kind = type(value)
        if hasattr(value, "get_params"):
            params = value.get_params(deep=False)
            values = {n: v for n, v in params.items() if not n.startswith("_")}
        else:
            known = [n for n, p in _signature(kind).items() if p.kind is not p.VAR_KEYWORD]
            is_empty = not known and not getattr(value, "__dict__", True)
            if not is_empty and not (known and all(hasattr(value, n) for n in known)):
                return self._unknown(value, name)
            values = {each: getattr(value, each) for each in known}
        signature = _signature(kind)
        required = [n for n in values if n in signature and _is_required(signature[n])]
        changed = {n: v for n, v in values.items() if n in required or _differs(value, n, v)}
        positional = [self.write(values[n], n) for n in required[:1]]
        for each in required[:1]:
            changed.pop(each, None)
        return self._call(kind, positional, changed, name)

    def _unknown(self, value: Any, name: str) -> str:
        kind = value.__name__ if hasattr(value, "__name__") else type(value).__name__
        size = f" of shape {value.shape}" if hasattr(value, "shape") else ""
        note = f"{name}: {kind}{size}, as in the script that trained the model"
        if isinstance(value, (type, types.FunctionType)) and kind.isidentifier():
            note, name = f"{kind} is defined in the script that trained the model", kind
        if note not in self.notes:
            self.notes.append(note)
        return name


def _quoted(text: str) -> str:
    """Return a string literal, with double quotes if it needs no escapes."""
    plain = repr(text)
    return plain if '"' in text or "\\" in plain or "'" in text else f'"{text}"'


def _signature(kind: type) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class by name, those of its base classes included."""
    found: dict[str, inspect.Parameter] = {}
    for each in kind.__mro__[:-1]:
        if "__init__" not in vars(each):
            continue
        parameters = list(_cached_signature(each.__init__).parameters.values())[1:]  # type: ignore[misc]
        found = {p.name: p for p in parameters if p.kind is not p.VAR_POSITIONAL} | found
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break  # it passes no further arguments on
    return found


def _is_required(parameter: inspect.Parameter) -> bool:
    kinds = (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    return parameter.default is _NO_DEFAULT and parameter.kind not in kinds


def _differs(owner: object, name: str, value: Any = _NO_DEFAULT) -> bool:
    """Return whether a parameter of an object differs from the default of its class."""
    value = getattr(owner, name) if value is _NO_DEFAULT else value
    parameter = _signature(type(owner)).get(name)
    default = None if parameter is None else parameter.default
    if value is default:
        return False
    # NaN differs from itself, and arrays have no truth value.
    return type(value) is not type(default) or repr(value) != repr(default)

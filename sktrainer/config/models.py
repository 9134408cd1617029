"""Models by short name, by Python file, or by import path."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from sklearn.base import clone

from sktrainer._optional import require
from sktrainer.backends.estimators import is_raw_network, wrap_estimator
from sktrainer.backends.registry import backend_specs, find_backend, is_builder
from sktrainer.backends.spec import BackendSpec, NamedModel
from sktrainer.config.run_config import RunConfig
from sktrainer.exceptions import ParameterError, suggest_name
from sktrainer.runtime.signatures import accepts_any_keyword, default_values, named_parameters
from sktrainer.types import Task

# Names that are at least this similar to a parameter are taken for misspelled. `eta` and
# `lambda`, which XGBoost accepts under these names too, are less similar to all others.
MIN_SIMILARITY = 0.85


def named_models() -> dict[str, tuple[NamedModel, BackendSpec]]:
    """Return the models that have a short name, with the backend that trains them.

    Examples
    --------
    >>> named_models()["forest"][0].address("classification")
    'sklearn.ensemble:RandomForestClassifier'
    """
    return {model.name: (model, spec) for spec in backend_specs() for model in spec.models}


def needs_task(config: RunConfig) -> bool:
    """Return whether the model depends on the task, and the configuration does not name it."""
    return config.model.name in named_models() and config.params.get("task", "auto") == "auto"


def build_model(config: RunConfig, task: Task | None = None) -> Any:
    """Return the unfitted model of a configuration.

    `task` is the task for a short name, by default the one in the configuration.

    Raises
    ------
    ParameterError
        If there is no such model, or it has no such parameters.
    ImportError
        If the library of the model is not installed. The message names the extra to install.

    Examples
    --------
    >>> from sktrainer.config.reader import load_config
    >>> config = load_config({"model": {"name": "forest", "n_estimators": 10}})
    >>> build_model(config, "regression")
    RandomForestRegressor(n_estimators=10)
    """
    name, params = config.model.name, dict(config.model.params)
    if name is None:
        raise ParameterError(f"the configuration names no model. Set model.name: {_names()}")
    if task is None and config.params.get("task", "auto") != "auto":
        task = config.params["task"]
    if name in named_models():
        named, spec = named_models()[name]
        if task is None:
            raise ParameterError(
                f"model.name={name!r} is a classifier or a regressor. Set task, or data.path "
                "and data.target"
            )
        if spec.extra:
            require(spec.packages[0], spec.extra)
        target = _load(named.address(task), config)
        params = {**named.params, **params}
    elif ":" in name:
        target = _load(name, config)
    else:
        hint = suggest_name(name, named_models())
        raise ParameterError(
            config.document.problem(
                ("model", "name"),
                f"there is no model {name!r}{hint or f'. Expected {_names()}'}",
            )
        )
    return _with_params(target, params, config)


def check_model(config: RunConfig) -> None:
    """Check the name of the model and, if it can be imported, the names of its parameters.

    Raises
    ------
    ParameterError
        If there is no such model, or it has no such parameters.
    ImportError
        If the library of the model is not installed.
    """
    if config.model.name is not None:
        build_model(config, "classification" if needs_task(config) else None)


def _names() -> str:
    return f"{', '.join(named_models())}, FILE.py:NAME or package.module:NAME"


def _load(address: str, config: RunConfig) -> Any:
    """Import an object by "module:name" or "FILE.py:name"."""
    place, _, name = address.rpartition(":")
    is_file = place.endswith(".py")
    try:
        module = _load_file(Path(place)) if is_file else importlib.import_module(place)
    except ImportError as error:
        if not is_file and error.name and place.startswith(error.name):
            text = f"there is no module {error.name!r} for model.name={address!r}. Install it"
        else:
            text = f"{place!r} cannot be imported: {error}"
        raise ParameterError(config.document.problem(("model", "name"), text)) from error
    except Exception as error:
        text = f"{place!r} cannot be imported: {type(error).__name__}: {error}. Fix the file"
        raise ParameterError(config.document.problem(("model", "name"), text)) from error
    if not hasattr(module, name):
        public = [each for each in vars(module) if not each.startswith("_")]
        text = f"{place!r} defines no {name!r}{suggest_name(name, public)}"
        raise ParameterError(config.document.problem(("model", "name"), text))
    return getattr(module, name)


def _load_file(path: Path) -> ModuleType:
    """Import a Python file under its own name, so that pickles can refer to its classes."""
    if not path.is_file():
        raise ImportError(f"the file {str(path)!r} does not exist")
    loaded = sys.modules.get(path.stem)
    if loaded is not None and getattr(loaded, "__file__", None) == str(path):
        return loaded
    found = None if loaded is not None else importlib.util.find_spec(path.stem)
    # The file itself is found if its folder is the working directory.
    is_other = found is not None and found.origin != str(path)
    if loaded is not None or is_other:
        raise ImportError(f"{path.stem!r} is also the name of another module. Rename the file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def _with_params(target: Any, params: dict[str, Any], config: RunConfig) -> Any:
    """Return a class, an instance or a network with these parameters."""
    if is_raw_network(target) or is_builder(target):
        return wrap_estimator(target).set_params(**params) if params else target
    if not hasattr(target, "get_params"):
        text = (
            f"{config.model.name!r} is {type(target).__name__} {target!r}, expected a model "
            "with fit and get_params, a network, or a function that builds one"
        )
        raise ParameterError(config.document.problem(("model", "name"), text))
    problems = [*_unknown(target, params, config)]
    if problems:
        raise ParameterError(problems)
    params = _with_tuples(target, params)
    if not isinstance(target, type):
        return clone(target).set_params(**params)
    try:
        with warnings.catch_warnings():
            # The names are checked below; the library would warn without a suggestion.
            warnings.simplefilter("ignore")
            model = target(**params)
    except Exception as error:
        text = f"{target.__name__} cannot be created: {type(error).__name__}: {error}"
        raise ParameterError(config.document.problem(("model",), text)) from error
    ignored = dict(find_backend(model).ignored_parameters(model))
    if accepts_any_keyword(target):
        # The library would pass such a name on, and ignore it or fail during training.
        known = [*target().get_params()]
        for name in set(params) - set(known) - set(ignored):
            if similar := difflib.get_close_matches(name, known, 1, MIN_SIMILARITY):
                ignored[name] = f". Did you mean {similar[0]!r}?"
    if ignored:
        raise ParameterError(
            [_unknown_problem(name, hint, target, config) for name, hint in ignored.items()]
        )
    return model


def _with_tuples(target: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Replace a list, since YAML has no tuples, if the default of the parameter is a tuple."""
    defaults = default_values(target if isinstance(target, type) else type(target))
    return {
        name: tuple(value)
        if isinstance(value, list) and isinstance(defaults.get(name), tuple)
        else value
        for name, value in params.items()
    }


def _unknown(target: Any, params: Mapping[str, Any], config: RunConfig) -> Iterator[str]:
    """Yield a problem for each parameter that a model does not have."""
    if isinstance(target, type):
        create: Callable[..., Any] = target
        known = set(named_parameters(create))
        if accepts_any_keyword(create):
            return
    elif hasattr(target, "get_params"):
        known = set(target.get_params())
    else:
        known = set()
    for name in params:
        if name not in known:
            yield _unknown_problem(name, suggest_name(name, known), target, config)


def _unknown_problem(name: str, hint: str, target: Any, config: RunConfig) -> str:
    model = target.__name__ if isinstance(target, type) else type(target).__name__
    text = f"{model} has no parameter {name!r}{hint}"
    return config.document.problem(("model", name), text, key=True)

"""Unwrap, wrap, clone and walk estimators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

from sktrainer.backends.registry import (
    FALLBACK,
    backend_by_name,
    find_backend,
    imported_networks,
    is_builder,
)
from sktrainer.exceptions import ParameterError
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.signatures import accepts_parameter


@dataclass(frozen=True)
class EstimatorParts:
    """Steps and model of an estimator.

    `steps` come before the model. Nested pipelines are flattened; their steps are named
    "outer.inner". `name` is that of the model in the pipeline.
    """

    steps: tuple[tuple[str, Any], ...]
    name: str
    model: Any

    @property
    def has_transformer(self) -> bool:
        """Whether a step of the user's Pipeline transforms X."""
        return any(has_method(step, "transform") for _, step in self.steps)


def unwrap_pipeline(estimator: Any) -> EstimatorParts:
    """Split an estimator into the steps before the model and the model.

    A network, its class or a function that builds one is wrapped in an estimator.

    Raises
    ------
    ParameterError
        If `estimator` is an estimator class, has no `fit`, or is a Pipeline that does not end
        in a model.
    """
    if is_raw_network(estimator):
        return EstimatorParts((), "model", wrap_estimator(estimator))
    if isinstance(estimator, type):
        raise ParameterError(
            f"estimator must be an instance, got the class {estimator.__name__}. "
            f"Pass {estimator.__name__}()"
        )
    if isinstance(estimator, Pipeline):
        flat = _flatten_steps(estimator.steps)
        if not flat or flat[-1][1] in (None, "passthrough"):
            raise ParameterError(
                "estimator is a Pipeline without a model as its last step. Add a classifier or "
                "a regressor"
            )
        name, model = flat[-1]
        if not is_raw_network(model):
            _check_model(model, f"the last step {name!r} of the Pipeline")
        return EstimatorParts(tuple(flat[:-1]), name, wrap_estimator(model))
    _check_model(estimator, "estimator")
    return EstimatorParts((), "model", wrap_estimator(estimator))


def _check_model(model: Any, what: str) -> None:
    if isinstance(model, type) or not (hasattr(model, "fit") and hasattr(model, "get_params")):
        raise ParameterError(
            f"{what} must be a model with fit, predict and get_params, got {model!r}. Pass, "
            "for example, sklearn.linear_model.LogisticRegression()"
        )
    if not hasattr(model, "predict") and not hasattr(type(model), "predict"):
        raise ParameterError(
            f"{what} must have a predict method, got {type(model).__name__}. Pass a classifier "
            "or a regressor"
        )
    tags = getattr(model, "__sklearn_tags__", None)
    kind = None if tags is None else tags().estimator_type
    if kind in ("clusterer", "outlier_detector", "density_estimator"):
        raise ParameterError(
            f"{what} must be a classifier or a regressor, got {type(model).__name__}, which is "
            f"a {kind!r}"
        )


def _flatten_steps(steps: list[tuple[str, Any]], prefix: str = "") -> list[tuple[str, Any]]:
    flat = []
    for name, step in steps:
        if isinstance(step, Pipeline):
            flat += _flatten_steps(step.steps, f"{prefix}{name}.")
        else:
            flat.append((f"{prefix}{name}", step))
    return flat


def has_method(step: object, method: str) -> bool:
    """Return whether a step of a pipeline is an estimator with this method."""
    return step is not None and not isinstance(step, str) and hasattr(step, method)


def is_raw_network(value: object) -> bool:
    """Return whether this is a network that is not an estimator.

    That is an instance or class of a network library, or a function, which is assumed to
    build a network.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> is_raw_network(Ridge()), is_raw_network(Ridge), is_raw_network(lambda n_outputs: None)
    (False, False, True)
    """
    if is_builder(value):
        return True
    networks = find_backend(value).networks
    return networks is not None and networks.is_raw(value)


def wrap_estimator(estimator: Any) -> Any:
    """Return the estimator to train: a wrapper if needed, otherwise the argument itself.

    The wrapper of a network has the parameters of the network.

    Raises
    ------
    ImportError
        If the required library is not installed.
    """
    networks = find_backend(estimator).networks
    return estimator if networks is None else networks.wrap(estimator)


def clone_network(estimator: Any) -> Any:
    """Clone an estimator or a network that the user passed.

    Copies of a network are pickled by content, so that all of them have the same hash.
    """
    if isinstance(estimator, type):
        return estimator
    # The library of a function may be missing; `fit` reports that.
    networks = None if is_builder(estimator) else find_backend(estimator).networks
    return clone_estimator(estimator) if networks is None else networks.clone(estimator)


@dataclass(frozen=True)
class EncodedNetwork:
    """Network as plain values, with the name of the backend that restores it."""

    backend: str
    content: Any


def encode_networks(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with networks replaced by plain values with a reproducible pickle."""
    encoded = dict(values)
    for backend, networks in imported_networks():
        for name, value in values.items():
            content = networks.encode(value)
            if content is not value:
                encoded[name] = EncodedNetwork(backend, content)
    return encoded


def decode_networks(values: Mapping[str, Any]) -> dict[str, Any]:
    """Restore the networks that `encode_networks` replaced.

    Raises
    ------
    ImportError
        If the library of a network is not installed.
    """
    decoded = dict(values)
    for name, value in values.items():
        if isinstance(value, EncodedNetwork):
            networks = backend_by_name(value.backend).networks
            assert networks is not None
            decoded[name] = networks.decode(value.content)
    return decoded


def iter_sub_estimators(model: Any) -> Iterator[Any]:
    """Yield the estimators among a model's parameters, single or as (name, estimator) pairs.

    Examples
    --------
    >>> from sklearn.ensemble import BaggingClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> list(iter_sub_estimators(BaggingClassifier(DecisionTreeClassifier())))
    [DecisionTreeClassifier()]
    """
    if not hasattr(model, "get_params"):
        return
    for value in model.get_params(deep=False).values():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            part = item[1] if isinstance(item, tuple) and len(item) == 2 else item
            # A class has the methods of its instances, but is not an estimator.
            is_class = isinstance(part, type)
            if not is_class and hasattr(part, "fit") and hasattr(part, "get_params"):
                yield part


def iter_nested_models(
    model: Any, *, enter: Callable[[Any], bool] = lambda part: True
) -> Iterator[Any]:
    """Yield all nested estimators of a model, recursively.

    `enter` is called with a nested estimator and returns whether to descend into it.

    Examples
    --------
    >>> from sklearn.ensemble import BaggingClassifier, VotingClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> vote = VotingClassifier([("bag", BaggingClassifier(DecisionTreeClassifier()))])
    >>> [type(part).__name__ for part in iter_nested_models(vote)]
    ['BaggingClassifier', 'DecisionTreeClassifier']
    """
    for part in iter_sub_estimators(model):
        yield part
        if enter(part):
            yield from iter_nested_models(part, enter=enter)


def apply_nested_defaults(model: Any) -> None:
    """Prepare nested models as their backends define it.

    Parameters that the user left unset are set, and a model may be replaced by one that other
    models can hold. The model is modified in place; pass a clone.

    Examples
    --------
    >>> from catboost import CatBoostClassifier
    >>> from sklearn.ensemble import VotingClassifier
    >>> vote = VotingClassifier([("trees", CatBoostClassifier())])
    >>> apply_nested_defaults(vote)
    >>> vote.get_params()["trees__allow_writing_files"]
    False
    """
    for part in iter_nested_models(model):
        defaults = find_backend(part).parameters.nested_defaults
        if defaults:
            given = part.get_params()
            part.set_params(**{n: v for n, v in defaults.items() if given.get(n) is None})
    for path, part in model.get_params().items():
        if hasattr(part, "predict") and not isinstance(part, type):
            nested = find_backend(part).as_nested(part)
            if nested is not part:
                model.set_params(**{path: nested})


def limit_nested_threads(model: Any, n_threads: int) -> None:
    """Divide the threads of a model among the nested models that start their own.

    Nested models of scikit-learn follow joblib, which limits them. Other libraries would use
    all cores in each of the members that are fitted at the same time. The nested models are
    modified in place; pass a clone.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> from sklearn.ensemble import VotingRegressor
    >>> one_by_one = TransformedTargetRegressor(LGBMRegressor())
    >>> limit_nested_threads(one_by_one, 4)
    >>> at_once = VotingRegressor([("a", LGBMRegressor()), ("b", LGBMRegressor())])
    >>> limit_nested_threads(at_once, 4)
    >>> one_by_one.regressor.n_jobs, at_once.estimators[0][1].n_jobs
    (4, 1)
    """
    n_jobs = getattr(model, "n_jobs", 1)  # None: as many members at once as there are threads
    n_members = n_threads if n_jobs is None or n_jobs < 0 else n_jobs
    n_threads = max(1, n_threads // max(1, n_members))
    for part in iter_sub_estimators(model):
        backend = find_backend(part)
        if backend.spec.name != FALLBACK:
            given = part.get_params()
            names = [
                name
                for name in backend.parameters.threads
                if name in given or accepts_parameter(type(part), name)
            ]
            for name in [n for n in names if given.get(n) is not None] or names[:1]:
                wanted = given.get(name)
                fewer = wanted is not None and 0 < wanted < n_threads
                part.set_params(**{name: wanted if fewer else n_threads})
        limit_nested_threads(part, n_threads)


def model_name(model: Any) -> str:
    """Return the name of a model for reports: that of its class, or of what it wraps.

    A wrapper's class attribute `wrapped_parameter` names the parameter with the wrapped model.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> model_name(Ridge()), model_name(Ridge)
    ('Ridge', 'Ridge')
    """
    inner = getattr(type(model), "wrapped_parameter", None)
    if isinstance(inner, str):
        return model_name(getattr(model, inner))
    return str(getattr(model, "__name__", type(model).__name__))

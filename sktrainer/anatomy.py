"""Split an estimator into the steps before the model and the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

from sktrainer.backends.adoption import is_raw_network, wrap_estimator
from sktrainer.exceptions import ParameterError

__all__ = ["EstimatorParts", "unwrap_pipeline"]


@dataclass(frozen=True)
class EstimatorParts:
    """Steps and model of an estimator.

    Attributes
    ----------
    steps : tuple of (str, transformer or sampler)
        Steps before the model. Nested pipelines are flattened; their steps are named
        "outer.inner".
    name : str
        Name of the model in the pipeline.
    model : estimator
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

    A torch Module, a Keras model or a function that builds one is wrapped in an estimator;
    see `sktrainer.backends.adoption`.

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


def has_method(step: Any, method: str) -> bool:
    return step is not None and not isinstance(step, str) and hasattr(step, method)

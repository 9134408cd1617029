"""What a caller's estimator is made of: the steps before the model, and the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

from sktrainer.backends.adoption import adopt, is_bare
from sktrainer.exceptions import ParameterError

__all__ = ["Anatomy", "dissect"]


@dataclass(frozen=True)
class Anatomy:
    """A caller's estimator taken apart: the steps before the model, and the model.

    Attributes
    ----------
    steps : tuple of (str, transformer or sampler)
        Pipelines inside pipelines are laid flat, as "outer.inner".
    name : str
        The model's name in the pipeline.
    model : estimator
    """

    steps: tuple[tuple[str, Any], ...]
    name: str
    model: Any

    @property
    def transforms(self) -> bool:
        """Whether a step of the caller's own transforms X."""
        return any(does(step, "transform") for _, step in self.steps)


def dissect(estimator: Any) -> Anatomy:
    """Take an estimator apart into the steps before the model and the model.

    What is no estimator yet (a torch Module, a Keras model, a function that builds one)
    becomes the one that trains it; see `sktrainer.backends.adoption`.

    Raises
    ------
    ParameterError
        Where it is another class, has no `fit`, or is a Pipeline without a model at its end.
    """
    if is_bare(estimator):
        return Anatomy((), "model", adopt(estimator))
    if isinstance(estimator, type):
        raise ParameterError(
            f"estimator must be an instance, got the class {estimator.__name__}; "
            f"pass {estimator.__name__}()"
        )
    if isinstance(estimator, Pipeline):
        flat = _flatten(estimator.steps)
        if not flat or flat[-1][1] in (None, "passthrough"):
            raise ParameterError("estimator is a Pipeline without a model as its last step")
        name, model = flat[-1]
        if not is_bare(model):
            _check_model(model, f"the last step {name!r} of the Pipeline")
        return Anatomy(tuple(flat[:-1]), name, adopt(model))
    _check_model(estimator, "estimator")
    return Anatomy((), "model", adopt(estimator))


def _check_model(model: Any, what: str) -> None:
    if isinstance(model, type) or not (hasattr(model, "fit") and hasattr(model, "get_params")):
        raise ParameterError(
            f"{what} must be a model with fit, predict and get_params, got {model!r}; pass, "
            "for example, sklearn.linear_model.LogisticRegression()"
        )
    if not hasattr(model, "predict") and not hasattr(type(model), "predict"):
        raise ParameterError(
            f"{what} must have predict, got {type(model).__name__}; pass a classifier or a "
            "regressor"
        )
    tags = getattr(model, "__sklearn_tags__", None)
    kind = None if tags is None else tags().estimator_type
    if kind in ("clusterer", "outlier_detector", "density_estimator"):
        raise ParameterError(
            f"{what} must learn a target, got {type(model).__name__}, which is of the kind "
            f"{kind!r}; pass a classifier or a regressor"
        )


def _flatten(steps: list[tuple[str, Any]], prefix: str = "") -> list[tuple[str, Any]]:
    flat = []
    for name, step in steps:
        if isinstance(step, Pipeline):
            flat += _flatten(step.steps, f"{prefix}{name}.")
        else:
            flat.append((f"{prefix}{name}", step))
    return flat


def does(step: Any, method: str) -> bool:
    return step is not None and not isinstance(step, str) and hasattr(step, method)

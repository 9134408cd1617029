"""The tags of a trainer: those of the model inside, less what the trainer takes care of."""

from __future__ import annotations

from typing import Any

from sklearn.utils import ClassifierTags, RegressorTags, Tags, get_tags

from sktrainer.anatomy import dissect
from sktrainer.backends._base import Traits
from sktrainer.backends.registry import find_backend
from sktrainer.exceptions import ParameterError
from sktrainer.types import Task

__all__ = ["takes_several_targets", "trainer_tags"]


def trainer_tags(tags: Tags, trainer: Any) -> Tags:
    """Fill in the tags of a trainer from its estimator.

    Parameters
    ----------
    tags : Tags
        Those that every estimator starts with.
    trainer : ManagedTrainer

    Returns
    -------
    Tags
    """
    inner, traits = _inner_tags(trainer)
    tags.target_tags.required = True
    if inner is None:
        return tags
    tags.estimator_type = inner.estimator_type
    tags.classifier_tags = inner.classifier_tags
    tags.regressor_tags = inner.regressor_tags
    if trainer.task in ("classification", "regression") and tags.estimator_type is None:
        is_classifier = trainer.task == "classification"
        tags.estimator_type = "classifier" if is_classifier else "regressor"
        tags.classifier_tags = ClassifierTags() if is_classifier else None
        tags.regressor_tags = None if is_classifier else RegressorTags()
    tags.non_deterministic = inner.non_deterministic and trainer.random_state is None
    tags.input_tags = inner.input_tags
    if traits is not None:
        # The auto preprocessor comes first: it fills and encodes what the model cannot take.
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = traits.sparse
    tags.target_tags = inner.target_tags
    tags.target_tags.required = True
    if tags.estimator_type == "classifier":
        tags.target_tags.multi_output = False
    if tags.classifier_tags is not None:
        tags.classifier_tags.multi_label = False
    return tags


def takes_several_targets(trainer: Any) -> bool:
    """Tell whether a regression may be given a y of several columns.

    By the tag of the model, or where its backend knows better: scikit-learn's perceptron
    has no such tag, and how wide a network is shows only once it is built, when its
    outputs are compared with y.
    """
    if trainer.__sklearn_tags__().target_tags.multi_output:
        return True
    try:
        model = dissect(trainer.estimator).model
    except ParameterError:
        return False
    return find_backend(model).traits(model, "regression").several_targets


def _inner_tags(trainer: Any) -> tuple[Tags | None, Traits | None]:
    """Return the estimator's tags, and its model's traits if the auto preprocessor is used."""
    try:
        anatomy = dissect(trainer.estimator)
        tags = get_tags(trainer.estimator if anatomy.transforms else anatomy.model)
    except (ParameterError, AttributeError):
        return None, None
    if not isinstance(trainer.preprocessor, str) or anatomy.transforms:
        return tags, None
    task: Task = "regression" if tags.estimator_type == "regressor" else "classification"
    return tags, find_backend(anatomy.model).traits(anatomy.model, task)

"""scikit-learn tags of the trainer, derived from the tags of its estimator."""

from __future__ import annotations

from typing import Any

from sklearn.utils import ClassifierTags, RegressorTags, Tags, get_tags

from sktrainer.backends.base import Capabilities
from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.exceptions import ParameterError
from sktrainer.types import Task


def trainer_tags(tags: Tags, trainer: Any) -> Tags:
    """Set the tags of a trainer from its estimator.

    `tags` are the default tags of scikit-learn.
    """
    inner, capabilities = _estimator_tags(trainer)
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
    if capabilities is not None:
        # The automatic preprocessor imputes and encodes what the model does not support.
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = capabilities.accepts_sparse
    tags.target_tags = inner.target_tags
    tags.target_tags.required = True
    if tags.estimator_type == "classifier":
        tags.target_tags.multi_output = False
    if tags.classifier_tags is not None:
        tags.classifier_tags.multi_label = False
    return tags


def supports_multi_output(model: Any) -> bool:
    """Return whether a regression supports a y with several columns.

    The tag of the model decides, unless its backend overrides it: scikit-learn's MLPRegressor
    lacks the tag, and the number of outputs of a network is known only after it is built,
    when it is compared with y.
    """
    try:
        if get_tags(model).target_tags.multi_output:
            return True
    except AttributeError:  # not a scikit-learn estimator
        pass
    return find_backend(model).capabilities(model, "regression").multi_output


def _estimator_tags(trainer: Any) -> tuple[Tags | None, Capabilities | None]:
    """Return the estimator's tags, and the capabilities of a model that gets an encoder."""
    try:
        parts = unwrap_pipeline(trainer.estimator)
        tags = get_tags(trainer.estimator if parts.has_transformer else parts.model)
    except (ParameterError, AttributeError):
        return None, None
    if not isinstance(trainer.preprocessor, str) or parts.has_transformer:
        return tags, None
    task: Task = "regression" if tags.estimator_type == "regressor" else "classification"
    try:
        return tags, find_backend(parts.model).capabilities(parts.model, task)
    except ParameterError:  # `fit` raises it, unless a search sets another value before
        return tags, None

"""Capabilities of scikit-learn models, derived from their tags, classes and parameters."""

from __future__ import annotations

from typing import Any

from sklearn import get_config
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from sktrainer.backends.base import Capabilities
from sktrainer.backends.estimators import iter_nested_models, iter_sub_estimators
from sktrainer.backends.registry import find_backend
from sktrainer.backends.sklearn import SPEC
from sktrainer.backends.sklearn.train.strategies import iteration_strategy, sklearn_class_names

_CATEGORICAL = {"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"}

# Base classes. Trees depend only on the order of values. Naive Bayes
# treats each column separately, and some variants reject the negative values that scaling
# produces. Dummy estimators ignore X.
_SCALE_FREE = set(
    "BaseDecisionTree BaseForest BaseGradientBoosting BaseHistGradientBoosting _BaseNB "
    "DummyClassifier DummyRegressor".split()
)

# Inverts the covariance matrix of each class, which is singular with one-hot columns.
_FULL_RANK = {"QuadraticDiscriminantAnalysis"}

# Ensembles whose sensitivity is that of their members; the default members are trees.
_TREE_ENSEMBLES = {"BaseBagging", "BaseWeightBoosting"}

# `fit` spends most of its time without the GIL, so that folds can be trained in threads.
_RELEASES_GIL = set(
    "BaseDecisionTree BaseForest BaseGradientBoosting BaseHistGradientBoosting BaseLibSVM "
    "BaseSGD ElasticNet".split()
)

# `predict` returns the class with the highest `predict_proba`.
_PREDICT_IS_ARGMAX = set(
    "BaseForest BaseGradientBoosting BaseHistGradientBoosting BaggingClassifier "
    "DecisionTreeClassifier LogisticRegression _BaseNB".split()
)

# Their models do not depend on what the labels are.
_LIBRARIES = ("sklearn", "imblearn")

_SEMI_SUPERVISED = {"BaseLabelPropagation", "SelfTrainingClassifier"}

# `fit` passes `sample_weight` to the nested models, as an argument or in **fit_params.
_FORWARDS_WEIGHTS = set(
    "_BaseVoting _BaseStacking TransformedTargetRegressor BaseSearchCV RegressorChain".split()
)

# `fit` has the parameter, but raises or warns if the nested models do not accept it.
_NEEDS_WEIGHTS_INSIDE = set(
    "_MultiOutputEstimator AdaBoostClassifier CalibratedClassifierCV RANSACRegressor".split()
)


def capabilities_of(model: Any) -> Capabilities:
    """Return the capabilities and requirements of a model with its current parameters."""
    inputs = _input_tags(model)
    strategy = iteration_strategy(model)
    scale_sensitive = _scale_sensitive(model)
    return Capabilities(
        native_categorical=accepts_category_columns(model)
        and not _has_interaction_groups(model),
        native_missing=bool(getattr(inputs, "allow_nan", False)),
        accepts_sparse=bool(getattr(inputs, "sparse", False)),
        scale_sensitive=scale_sensitive,
        preserves_dtype=scale_sensitive,  # trees do not depend on scales or on the dtype
        needs_full_rank=_is_any(model, _FULL_RANK),
        multi_output=_accepts_several_targets(model),
        accepts_sample_weight=_accepts_weights(model),
        reads_labels=any(map(_is_user_defined, (model, *iter_nested_models(model)))),
        predict_is_argmax=_is_any(model, _PREDICT_IS_ARGMAX),
        max_iter=None if strategy is None else int(getattr(model, strategy.count_parameter)),
        early_stopping_by_default=strategy is not None and strategy.stops_by_default,
        inner_folds_by_default=strategy is not None and strategy.inner_folds_by_default,
        iteration_name="iteration" if strategy is None else strategy.iteration,
        releases_gil=_releases_gil(model),
        segmented_training=strategy is not None and strategy.segmented_training,
    )


def _is_user_defined(model: Any) -> bool:
    """Return whether other code than scikit-learn's fits the model or predicts.

    Such code may compare labels, so that codes in their place would be wrong.
    """
    if not hasattr(model, "predict") or find_backend(model).spec is not SPEC:
        return False
    kinds = type(model).__mro__
    owners = [
        next((kind.__module__ for kind in kinds if method in vars(kind)), "sklearn")
        for method in ("fit", "predict", "predict_proba")
    ]
    return any(owner.partition(".")[0] not in _LIBRARIES for owner in owners)


def is_semi_supervised(model: Any) -> bool:
    """Return whether the model takes rows with the label -1 as unlabeled."""
    return _is_any(model, _SEMI_SUPERVISED)


def accepts_category_columns(model: Any) -> bool:
    """Return whether the model has native support for categorical features."""
    return _is_any(model, _CATEGORICAL)


def _has_interaction_groups(model: Any) -> bool:
    """Return whether `interaction_cst` lists groups of columns.

    scikit-learn 1.9 moves categorical columns to the front, together with their monotonic
    constraints, but does not update the positions in `interaction_cst`. The groups would then
    refer to the wrong columns.
    """
    groups = getattr(model, "interaction_cst", None)
    return groups is not None and not isinstance(groups, str)


def _is_any(model: Any, names: set[str]) -> bool:
    return not names.isdisjoint(sklearn_class_names(model))


def _input_tags(model: Any) -> Any:
    try:
        return get_tags(model).input_tags
    except (AttributeError, TypeError, ValueError):
        # A class that is not derived from BaseEstimator, or a meta-estimator without nested
        # estimators: assume that nothing is supported.
        return None


def _accepts_several_targets(model: Any) -> bool:
    """Return whether the model accepts a 2-d y although it has no tag for it."""
    if _is_any(model, {"MLPRegressor"}):
        return True
    if not _is_any(model, {"BaggingRegressor"}):
        return False
    nested = next(iter(iter_sub_estimators(model)), None)
    return (
        nested is None
        or bool(get_tags(nested).target_tags.multi_output)
        or _accepts_several_targets(nested)
    )


def _scale_sensitive(model: Any) -> bool:
    if _is_any(model, _SCALE_FREE):
        return False
    nested = [part for part in iter_sub_estimators(model) if hasattr(part, "predict")]
    if not nested:
        return not _is_any(model, _TREE_ENSEMBLES)
    return any(_scale_sensitive(part) for part in nested)


def _releases_gil(model: Any) -> bool:
    if _is_any(model, _RELEASES_GIL):
        return True
    nested = list(iter_sub_estimators(model))
    return all(map(_releases_gil, nested)) if nested else _is_any(model, _TREE_ENSEMBLES)


def _accepts_weights(model: Any) -> bool:
    has_parameter = bool(has_fit_parameter(model, "sample_weight"))
    nested = list(iter_sub_estimators(model))
    if not nested:
        return has_parameter
    if get_config()["enable_metadata_routing"] and hasattr(model, "get_metadata_routing"):
        routing = get_routing_for_object(model)
        return bool(routing.consumes("fit", ["sample_weight"]))
    if _is_any(model, _FORWARDS_WEIGHTS) or (
        has_parameter and _is_any(model, _NEEDS_WEIGHTS_INSIDE)
    ):
        return all(map(_accepts_weights, nested))
    return has_parameter

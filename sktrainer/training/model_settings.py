"""Settings of the model itself that the trainer has settings for too.

These are class weights and the patience of early stopping.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from sktrainer.backends.estimators import EstimatorParts, iter_nested_models, model_name
from sktrainer.backends.registry import find_backend
from sktrainer.resampling.class_weight import is_weighting_rule, weight_factors
from sktrainer.resampling.samplers import is_automatic
from sktrainer.runtime.signatures import default_values
from sktrainer.types import Array, ClassWeightForm, FitData, Task

DEFAULT_PATIENCE = 50


@dataclass(frozen=True)
class OwnClassWeight:
    """A parameter by which the model, or a model inside it, weights the classes.

    `owner` is the name of the class of the model that has the parameter `name`, `form` the
    meaning of the value, as in `ClassParameter.weights`, and `nested` whether the parameter
    belongs to a nested model.
    """

    name: str
    value: Any
    owner: str
    form: ClassWeightForm
    nested: bool

    def __str__(self) -> str:
        return f"{self.name}={reprlib.repr(self.value)} of {self.owner}"

    @property
    def is_rule(self) -> bool:
        """Whether the weights follow from the number of rows of each class."""
        return is_weighting_rule(self.form, self.value)

    def factors(self, classes: Array, counts: Array) -> Array | None:
        """Return the weight of each class, or None if the effect is unknown."""
        if self.nested:
            return None
        return weight_factors(self.form, self.value, classes, counts)


def own_class_weights(model: Any, n_classes: int) -> tuple[OwnClassWeight, ...]:
    """Return the parameters that weight the classes in a model and its nested models.

    Examples
    --------
    >>> from sklearn.ensemble import BaggingClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = BaggingClassifier(LogisticRegression(class_weight="balanced"))
    >>> [str(weight) for weight in own_class_weights(model, 2)]
    ["class_weight='balanced' of LogisticRegression"]
    """
    nested = iter_nested_models(model, enter=lambda part: not _is_transformer(part))
    return tuple(
        OwnClassWeight(path, value, model_name(part), meaning.weights, nested=part is not model)
        for part in (model, *nested)
        if hasattr(part, "get_params") and not _is_transformer(part)
        for path, meaning in find_backend(part).parameters.classes.items()
        if meaning.weights is not None
        and _weights_classes(meaning.weights, value := parameter_value(part, path), n_classes)
    )


def class_weight_problems(
    own: tuple[OwnClassWeight, ...], handle_imbalance: Any, data: FitData, *, correct: bool
) -> Iterator[str]:
    """Yield an error text for each of the model's class weights that contradicts the trainer.

    `correct` is `correct_probabilities`.
    """
    classes = data.classes
    for weight in own if classes is not None else ():
        assert classes is not None
        if isinstance(handle_imbalance, str) and handle_imbalance == "class_weight":
            yield (
                f"handle_imbalance='class_weight' would weight the classes twice, because "
                f"{weight} weights them too. Remove one of the two, or use "
                "handle_imbalance='auto', which keeps the weights of the model"
            )
        elif correct:
            known = weight.factors(classes, np.ones(len(classes), dtype=int)) is not None
            if known and not (weight.is_rule and data.sample_weight is not None):
                continue
            reason = (
                "a nested model"
                if weight.nested
                else "balanced weights together with sample_weight"
                if known
                else "a value with an unknown effect"
            )
            yield (
                f"correct_probabilities=True cannot undo {weight} ({reason}). Remove it and "
                "use handle_imbalance='class_weight', or set correct_probabilities=False"
            )


def resolve_imbalance(
    method: Any, own: tuple[OwnClassWeight, ...], parts: EstimatorParts, task: Task
) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Return how class imbalance is handled, notes for the report, and warnings.

    The model's own class weights and the samplers of the Pipeline replace "auto". Any other
    method is used in addition to them.
    """
    if task != "classification" or method is None:
        return None, (), ()
    if is_automatic(method):
        samplers = [step for _, step in parts.steps if hasattr(step, "fit_resample")]
        found = [*map(str, own), *(f"{type(s).__name__} in the Pipeline" for s in samplers)]
        note = f"handle_imbalance={method!r} changes nothing, because of {' and '.join(found)}"
        return (None, (note,), ()) if found else (method, (), ())
    fixed = " and ".join(str(weight) for weight in own if not weight.is_rule)
    if not fixed:
        return method, (), ()
    name = repr(method) if isinstance(method, str) else type(method).__name__
    twice = (
        f"handle_imbalance={name} resamples the rows, and {fixed} weights the classes in "
        "addition. Remove one of them unless you want both"
    )
    return method, (), (twice,)


@dataclass(frozen=True)
class OwnPatience:
    """Patience of the model's own early stopping.

    `name` has the parameter with its value and the name of the model, and `stops` states
    whether the model itself would stop early on held-out rows.
    """

    n_iter: int
    name: str
    stops: bool


def own_patience(model: Any) -> OwnPatience | None:
    """Return the patience that the user set on the model, or None.

    Examples
    --------
    >>> from sklearn.ensemble import GradientBoostingClassifier
    >>> own_patience(GradientBoostingClassifier(n_iter_no_change=4)).n_iter
    4
    >>> own_patience(GradientBoostingClassifier()) is None
    True
    """
    asks = model.get_params(deep=False).get("early_stopping")
    stops = not (asks is False or asks == "auto")
    defaults = default_values(type(model))
    for path in find_backend(model).parameters.patience:
        value, owner = parameter_value(model, path), path.rpartition(".")[0]
        watched = parameter_value(model, f"{owner}.monitor") if owner else None
        is_count = (
            isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0
        )
        # A callback may watch the training loss. A default is not set by the user, unless the
        # user turned on the early stopping of the model.
        if not is_count or (isinstance(watched, str) and not watched.startswith("val")):
            continue
        if value != defaults.get(path) or asks is True:
            name = f"{path.rpartition('.')[2]}={value} of {model_name(model)}"
            return OwnPatience(int(value), name, stops)
    return None


def resolve_patience(
    given: int | None, own: OwnPatience | None, *, stops: bool
) -> tuple[int | None, str, tuple[str, ...]]:
    """Return the patience (None: no early stopping), its source in the model, and notes.

    Examples
    --------
    >>> own = OwnPatience(4, "n_iter_no_change=4 of GradientBoostingClassifier", stops=True)
    >>> resolve_patience(None, own, stops=True)
    (4, 'n_iter_no_change=4 of GradientBoostingClassifier', ())
    >>> resolve_patience(9, own, stops=True)[2]
    ('n_iter_no_change=9 replaces n_iter_no_change=4 of GradientBoostingClassifier',)
    >>> resolve_patience(None, None, stops=True)[0]
    50
    """
    if not stops:
        is_dropped = own is not None and own.stops
        note = f"{own and own.name} is not used, because the trainer does not stop early"
        return None, "", (note,) if is_dropped else ()
    if given is None and own is not None:
        return own.n_iter, own.name, ()
    patience = DEFAULT_PATIENCE if given is None else int(given)
    if own is None or own.n_iter == patience:
        return patience, "", ()
    return patience, "", (f"n_iter_no_change={patience} replaces {own.name}",)


def setup_warnings(parts: EstimatorParts) -> tuple[str, ...]:
    """Return warnings about parameters that a library ignores, and about a fitted model.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> model = GaussianNB().fit([[0], [1]], [0, 1])
    >>> print(*setup_warnings(EstimatorParts((), "model", model)))
    GaussianNB is already fitted, but a fit trains a clone that has only its parameters. The \
fitted model is neither used nor changed
    """
    found, model = [], parts.model
    for top in [*(step for _, step in parts.steps if hasattr(step, "get_params")), model]:
        for part in (top, *iter_nested_models(top)):
            name = model_name(part)
            found += [
                f"{name} ignores {key}={part.get_params()[key]!r}, because it has no such "
                f"parameter{hint or '. Check the name'}"
                for key, hint in find_backend(part).ignored_parameters(part).items()
            ]
    if _is_fitted(model):
        found.append(
            f"{model_name(model)} is already fitted, but a fit trains a clone that has only "
            "its parameters. The fitted model is neither used nor changed"
        )
    return tuple(dict.fromkeys(found))


def network_notes(model: Any) -> tuple[str, ...]:
    """Return a note on each `n_jobs` of a model that holds networks, which is not used."""
    nested = [*iter_nested_models(model)]
    if all(find_backend(part).networks is None for part in nested):
        return ()
    given = [(part, parameter_value(part, "n_jobs")) for part in (model, *nested)]
    return tuple(
        f"n_jobs={n_jobs} of {model_name(part)} was set to 1: networks are trained one at a "
        "time, because they share random generators"
        for part, n_jobs in given
        if isinstance(n_jobs, Integral) and n_jobs != 1
    )


def _is_fitted(model: Any) -> bool:
    for name in ("__sklearn_is_fitted__", "is_fitted"):
        if callable(method := getattr(model, name, None)):
            return bool(method())
    return any(name.endswith("_") and not name.startswith("_") for name in vars(model))


def parameter_value(model: Any, path: str) -> Any:
    """Return the value of a parameter, or of a part of it; None if there is none.

    The parts of a path are separated by dots: after the name of the parameter, the key of a
    dict, the class of an object (alone or in a list), or the name of an attribute.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.multiclass import OneVsRestClassifier
    >>> parameter_value(OneVsRestClassifier(LogisticRegression(C=3)), "estimator.C")
    3
    """
    name, *rest = path.split(".")
    value = model.get_params(deep=False).get(name)
    for key in rest:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, (list, tuple)):
            items = [item[-1] if isinstance(item, tuple) else item for item in value]
            value = next((i for i in items if key in _class_names(i)), None)
        elif key not in _class_names(value):
            value = getattr(value, key, None)
    return value


def _class_names(item: object) -> set[str]:
    return {base.__name__ for base in type(item).__mro__}


def _is_transformer(part: object) -> bool:
    return hasattr(part, "transform") and not hasattr(part, "predict")


def _weights_classes(form: ClassWeightForm, value: Any, n_classes: int) -> bool:
    """Return whether a parameter is set to a value that weights classes differently."""
    if value is None or (isinstance(value, str) and value == "None"):
        return False
    if form in ("positive", "balance") and n_classes != 2:  # libraries ignore or refuse it
        return False
    if form == "balance":
        return bool(value)
    if form == "other" or isinstance(value, str):
        return True
    weights = list(value.values()) if isinstance(value, Mapping) else value
    return bool(np.any(np.asarray(getattr(weights, "tolist", lambda: weights)()) != 1))

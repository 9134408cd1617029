"""Fit the steps before the model on training rows only.

The steps are fitted one by one, because `Pipeline.fit` cannot pass encoded validation rows
to its last step. `fit_transform` and `fit_resample` get training rows; validation rows only
pass through `transform`, and never through samplers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from sktrainer.backends.estimators import iter_nested_models
from sktrainer.backends.registry import find_backend
from sktrainer.data.indexing import take_rows
from sktrainer.data.tables import explain_text_columns
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.model_input import ModelInput
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.resampling import class_weight, samplers
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.seeds import derive_seed, set_unset_seeds
from sktrainer.training.class_parameters import translate_class_parameters
from sktrainer.training.column_parameters import translate_sampler_parameters
from sktrainer.training.plan import StepsPlan
from sktrainer.types import Array, FitData, PreparedData, PreparedSummary, Rows, Split

SAMPLER_STEP = "resample"
INPUT_STEP = "model_input"


@dataclass
class _StepState:
    """State while the steps are fitted: both sets of rows and the steps fitted so far."""

    train: Rows
    X_val: Any
    fitted: list[tuple[str, Any]]
    unsampled: Any


def prepare(
    plan: StepsPlan, data: FitData, split: Split, seed: int, *, all_classes: bool = False
) -> PreparedData:
    """Fit the steps on training rows and encode training and validation rows.

    Validation rows in `data` replace those of the split. With `all_classes`, the model also
    gets the classes that do not occur in the training rows.
    """
    validation = data.validation
    if validation is None and len(split.validation):
        validation = _select_rows(data, split.validation)
    train = _select_rows(data, split.train)
    X_val = None if validation is None else validation.X
    state = _StepState(train, X_val, [], unsampled=train.X)
    del train  # lets the unencoded rows be freed after encoding
    counts = {"before": _counts(state.train, data)}
    before = _weighted_counts(state.train, data)
    for name, step in plan.steps:
        _fit_step(state, plan, name, step, data, seed)
    categorical = _categorical(state) if plan.codes_at_end else ()
    method = _resolve_imbalance(plan, data, counts["before"])
    per_class = _apply_imbalance(state, method, categorical, data, seed)
    _fit_model_input(state, plan)
    counts["after"] = _counts(state.train, data)
    after, factors = _weighted_counts(state.train, data), _own_factors(plan, state.train, data)
    if validation is not None:
        weight_val = _validation_weight(validation, per_class)
        validation = Rows(state.X_val, validation.y, weight_val)
    named = method is None or isinstance(method, str)
    prepared = PreparedData(
        train=state.train,
        validation=validation,
        steps=tuple(state.fitted),
        summary=PreparedSummary(
            class_counts=counts if data.classes is not None else {},
            imbalance=method if named else type(method).__name__,
            class_weight=per_class,
            own_factors=factors,
            notes=_sampler_notes(state, data),
        ),
        categorical=categorical,
        train_before_resampling=state.unsampled,
        prior_shift=None
        if before is None or after is None
        else class_weight.prior_shift(before, after if factors is None else after * factors),
    )
    if data.classes is None:
        return prepared
    if all_classes:
        return replace(prepared, class_codes=np.arange(data.n_classes))
    return _renumber_present_classes(prepared)


def _select_rows(data: FitData, positions: Array) -> Rows:
    weight = None if data.sample_weight is None else data.sample_weight[positions]
    return Rows(take_rows(data.X, positions), data.y[positions], weight)


def _fit_step(
    state: _StepState, plan: StepsPlan, name: str, step: Any, data: FitData, seed: int
) -> None:
    """Fit one step on the training rows and transform training and validation rows."""
    if step is None or step == "passthrough":
        state.fitted.append((name, "passthrough"))
        return
    step = clone_estimator(step)
    set_unset_seeds(step, derive_seed(seed, "step", name))
    takes_codes = isinstance(step, TableEncoder) or _takes_codes(step, data)
    output = plan.output
    if isinstance(step, TableEncoder):  # the model gets the same rows with every configuration
        output = output or "default"
    if output is not None and hasattr(step, "set_output"):
        step.set_output(transform=output)
    if hasattr(step, "fit_resample"):
        # `unsampled` and the validation rows are unchanged, because samplers only apply to
        # the rows that the model is fitted on.
        translate_sampler_parameters(step, state.fitted, data.X)
        resampled = samplers.resample(step, state.train, classes=data.classes)
        state.train, state.fitted = resampled, [*state.fitted, (name, step)]
        return
    sampled = state.train.X is not state.unsampled
    y = state.train.y if takes_codes else _labels(state.train.y, data)
    if isinstance(step, TableEncoder):
        if data.classes is not None and len(data.classes) > 2:
            step.set_params(class_names=[str(label) for label in data.classes.tolist()])
        encoded = step.fit_transform(state.train.X, y, state.train.sample_weight)
    else:
        with explain_text_columns(f"step {name!r} ({type(step).__name__})", state.train.X):
            encoded = _fit_transform(step, state.train.X, y)
    if state.X_val is not None:
        state.X_val = step.transform(state.X_val)
    # The output of `fit_transform` can be reused to score training rows only if no sampler
    # ran before and the step is not cross-fitted on y. Otherwise they are transformed again.
    same = not sampled and state.unsampled is not None and not _is_cross_fitted(step)
    state.unsampled = encoded if same else None
    state.train = replace(state.train, X=encoded)
    state.fitted.append((name, step))


def _takes_codes(step: Any, data: FitData) -> bool:
    """Return whether a step fits nested classifiers, which get class codes as the model does.

    All other user-defined steps get the original labels.
    """
    nested = [part for part in iter_nested_models(step) if is_classifier(part)]
    found = [find_backend(part).capabilities(part, "classification") for part in nested]
    if data.classes is None or not nested or any(each.reads_labels for each in found):
        return False
    translate_class_parameters(step, data.classes, np.arange(data.n_classes))
    return True


def _fit_transform(step: Any, X: Any, y: Array) -> Any:
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, y)
    return step.fit(X, y).transform(X)


def _is_cross_fitted(step: object) -> bool:
    """Return whether `fit_transform` may differ from `fit` followed by `transform`.

    The automatic preprocessor reports it. Other steps are only trusted if they inherit
    `fit_transform` from scikit-learn's TransformerMixin, which calls `fit` and `transform`.
    """
    if isinstance(step, TableEncoder):
        return bool(step.cross_fitted_)
    own = getattr(type(step), "fit_transform", None)
    return own is not None and getattr(own, "__module__", "") != "sklearn.base"


def _labels(y: Array, data: FitData) -> Array:
    return y if data.classes is None else data.classes[y]


def _categorical(state: _StepState) -> tuple[int, ...]:
    encoder = next((s for _, s in reversed(state.fitted) if isinstance(s, TableEncoder)), None)
    return () if encoder is None else tuple(encoder.categorical_features_)


def _resolve_imbalance(plan: StepsPlan, data: FitData, counts: tuple[int, ...]) -> Any:
    """Return the method for imbalance; "auto" depends on the training rows and the model."""
    if data.classes is None:
        return None
    return samplers.resolve_method(plan.imbalance, np.asarray(counts), weights=plan.weights)


def _sampler_notes(state: _StepState, data: FitData) -> tuple[str, ...]:
    if data.classes is None:
        return ()
    found = [step for _, step in state.fitted if hasattr(step, "fit_resample")]
    return tuple(n for step in found for n in samplers.sampler_notes(step, data.classes))


def _apply_imbalance(
    state: _StepState, method: object, categorical: tuple[int, ...], data: FitData, seed: int
) -> Array | None:
    """Weight or resample the training rows, and return the class weights, if any."""
    if method is None or data.classes is None:
        return None
    if isinstance(method, str) and method == "class_weight":
        weights, per_class = class_weight.class_weights(
            state.train.y, data.n_classes, state.train.sample_weight
        )
        state.train = replace(state.train, sample_weight=weights)
        return per_class
    counts = class_weight.count_classes(state.train.y, data.n_classes)
    sampler_seed = derive_seed(seed, "sampler")
    sampler = samplers.make_sampler(method, categorical, counts, sampler_seed)
    translate_sampler_parameters(sampler, state.fitted, data.X)
    state.train = samplers.resample(sampler, state.train, classes=data.classes)
    state.fitted.append((_unused_step_name(state.fitted), sampler))
    return None


def _fit_model_input(state: _StepState, plan: StepsPlan) -> None:
    """Add a step that converts the rows if the library of the model refuses them."""
    limits = plan.input_limits
    step = ModelInput(
        name_characters=limits.name_characters, sparse_floats_only=limits.sparse_floats_only
    )
    if not step.is_needed(state.train.X):
        return
    step.fit(state.train.X)
    state.train = replace(state.train, X=step.transform(state.train.X))
    state.X_val, state.unsampled = (
        None if X is None else step.transform(X) for X in (state.X_val, state.unsampled)
    )
    state.fitted.append((_unused_step_name(state.fitted, INPUT_STEP), step))


def _unused_step_name(fitted: list[tuple[str, Any]], wanted: str = SAMPLER_STEP) -> str:
    taken = {name for name, _ in fitted}
    names = [wanted, *(f"{wanted}{i}" for i in range(len(taken) + 1))]
    return next(name for name in names if name not in taken)


def _counts(rows: Rows, data: FitData) -> tuple[int, ...]:
    if data.classes is None:
        return ()
    return tuple(np.bincount(rows.y, minlength=data.n_classes).tolist())


def _weighted_counts(rows: Rows, data: FitData) -> Array | None:
    if data.classes is None:
        return None
    return np.bincount(rows.y, weights=rows.sample_weight, minlength=data.n_classes)


def _own_factors(plan: StepsPlan, rows: Rows, data: FitData) -> Array | None:
    """Return the weights that the model itself gives the classes, or None if unknown."""
    if not plan.own_weights or data.classes is None:
        return None
    counts = class_weight.count_classes(rows.y, data.n_classes)
    found = [own.factors(data.classes, counts) for own in plan.own_weights]
    known = [factors for factors in found if factors is not None]
    return np.prod(known, axis=0) if len(known) == len(found) else None


def _validation_weight(validation: Rows, per_class: Array | None) -> Array | None:
    """Weight validation rows like the training rows, so that both losses are comparable."""
    if per_class is None:
        return validation.sample_weight
    weight = per_class[validation.y]
    return weight if validation.sample_weight is None else weight * validation.sample_weight


def _renumber_present_classes(prepared: PreparedData) -> PreparedData:
    """Renumber the classes of the training rows from 0 without gaps.

    Validation rows of other classes are dropped, because the model has no probability for
    them.
    """
    present, local = np.unique(prepared.train.y, return_inverse=True)
    if len(present) < 2:
        raise InputError(
            "the training rows must have at least 2 classes, got one class only. Hold out "
            "fewer rows, or use split='stratified'."
        )
    train = replace(prepared.train, y=local)
    validation = prepared.validation
    if validation is not None:
        known = np.flatnonzero(np.isin(validation.y, present))
        weight = validation.sample_weight
        validation = Rows(
            take_rows(validation.X, known),
            np.searchsorted(present, validation.y[known]),
            None if weight is None else weight[known],
        )
    return replace(prepared, train=train, validation=validation, class_codes=present)

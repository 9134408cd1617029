"""Rows and fitted attributes that scikit-learn's callbacks read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from sktrainer.callbacks.sklearn_callbacks import TaskRows
from sktrainer.data.indexing import take_rows
from sktrainer.scoring.predictor import Predictor
from sktrainer.training.plan import FitPlan
from sktrainer.types import Array, FitData, PreparedData, Rows, Split


def most_iterations(plan: FitPlan) -> int | None:
    """Return the maximum number of iterations of a fit, if it is known."""
    return plan.model.n_iter or plan.model.capabilities.max_iter


def n_subtasks(plan: FitPlan) -> int:
    """Return the number of parts of a fit: its iterations, or its inner folds and one fit."""
    return plan.inner_folds + 1 if plan.inner_folds else most_iterations(plan) or 0


@dataclass(frozen=True, repr=False)
class KnownRowsPredictor(Predictor):
    """Predictor that does not transform the rows of a task again in each iteration.

    Attributes
    ----------
    known : list of tuple
        Rows, and the same rows after the fitted steps.
    """

    known: list[tuple[Any, Any]] = field(default_factory=list)

    def encode(self, X: Any) -> Any:
        """Transform X with the fitted steps, unless it is one of the known objects."""
        for i, (rows, encoded) in enumerate(self.known):
            if rows is X:
                if encoded is None:
                    encoded = super().encode(X)
                    self.known[i] = (rows, encoded)
                return encoded
        return super().encode(X)

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        # A pickle must not contain the rows.
        return Predictor, tuple(getattr(self, each.name) for each in fields(Predictor))


class SplitRows(TaskRows):
    """Training and validation rows of one split; read only if a callback needs them.

    Without `prepared` and `predictor_of`, which makes the predictor of a model, there is no
    fitted estimator.
    """

    def __init__(
        self,
        data: FitData,
        split: Split,
        prepared: PreparedData | None = None,
        predictor_of: Callable[[Any], Predictor] | None = None,
    ) -> None:
        self._data, self._split, self._prepared = data, split, prepared
        self._predictor_of = predictor_of

    def value(self, name: str) -> object:
        """Return the value of a hook parameter."""
        part = self._validation if name.endswith("_val") else self._train
        if part is None:
            return None
        name = name.removesuffix("_val")
        if name == "metadata":
            weight = part.sample_weight
            return None if weight is None else {"sample_weight": weight}
        return getattr(part, name)

    def attributes(self, model: Any, n_iter: int | None) -> Mapping[str, Any]:
        """Return the fitted attributes of the trainer if training had ended with `model`."""
        data = self._data
        assert self._predictor_of is not None
        made = self._predictor_of(model)
        parts = {each.name: getattr(made, each.name) for each in fields(Predictor)}
        predictor = KnownRowsPredictor(**parts, known=self._known)
        attributes = {
            "_predictor": predictor,
            "pipeline_": predictor.pipeline,
            "model_": model,
            "n_iter_": n_iter,
            "best_iteration_": n_iter,
        }
        if data.classes is not None:
            attributes["classes_"] = data.classes
        if data.positive is not None:
            attributes["pos_label_"] = data.positive.label
        return attributes

    @cached_property
    def _train(self) -> Rows:
        return self._rows_at(self._split.train)

    @cached_property
    def _validation(self) -> Rows | None:
        passed = self._data.validation
        if passed is not None:
            return Rows(passed.X, self._labels(passed.y), passed.sample_weight)
        positions = self._split.validation
        return self._rows_at(positions) if len(positions) else None

    @cached_property
    def _known(self) -> list[tuple[Any, Any]]:
        prepared = self._prepared
        assert prepared is not None
        known = [(self._train.X, prepared.train_before_resampling)]
        if self._validation is not None:
            # The fit dropped the validation rows of classes that the training rows lack.
            kept = prepared.validation
            complete = kept is not None and len(kept) == len(self._validation)
            known.append((self._validation.X, kept.X if kept and complete else None))
        return known

    def _rows_at(self, positions: Array) -> Rows:
        data, weight = self._data, self._data.sample_weight
        kept = None if weight is None else weight[positions]
        return Rows(take_rows(data.X, positions), self._labels(data.y[positions]), kept)

    def _labels(self, y: Array) -> Array:
        labels: Array = y if self._data.classes is None else self._data.classes[y]
        return labels

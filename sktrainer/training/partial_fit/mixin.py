"""Method of the trainer to train on one chunk of rows after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy.typing as npt
from sklearn.utils.metaestimators import available_if

from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.data.inputs import FitInputs
from sktrainer.data.named_columns import pop_columns
from sktrainer.exceptions import InputError
from sktrainer.reporting.report import TrainingReport
from sktrainer.scoring.predictor import Predictor

if TYPE_CHECKING:
    from sktrainer.training.parameters import TrainerParams
    from sktrainer.training.partial_fit.state import PartialFitResult, PartialFitState


def supports_partial_fit(trainer: PartialFitMixin) -> bool:
    """Return whether the model and its backend have `partial_fit`."""
    fitted = getattr(trainer, "_predictor", None)
    model = unwrap_pipeline(trainer.estimator).model if fitted is None else fitted.model
    return hasattr(model, "partial_fit") and find_backend(model).fit_chunk is not None


class PartialFitMixin:
    """Mixin with `partial_fit`."""

    estimator: Any
    report_: TrainingReport
    _predictor: Predictor
    _params: Callable[[], TrainerParams]
    _set_fitted_attributes: Callable[[PartialFitResult], None]
    _remember_columns: Callable[[Any], None]
    __sklearn_is_fitted__: Callable[[], bool]
    _partial_fit_state: PartialFitState | None = None

    @available_if(supports_partial_fit)
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        *,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Train incrementally on a chunk of rows.

        Each call trains one epoch on the chunk: one call of `partial_fit` of a scikit-learn
        model, or one epoch of a network. The first chunk fits the steps before the model.
        They are not fitted again: later chunks must have the same columns and are encoded by
        these steps. After `fit`, training continues with the fitted steps and model.

        `partial_fit` holds out no rows, computes no scores and does not stop early: `split`,
        `test_size`, `validation_size`, `cv`, `early_stopping` and `refit` apply to `fit`
        only. `n_iter_` counts the chunks, added to the iterations of a previous `fit`.
        `stop_reason_` is "partial_fit". `history_` has the training loss of each chunk if
        the library reports it. `scores_` is empty. `split_` has the training rows of this
        chunk, and `report_` the rows and classes of all chunks. `fit` starts from scratch.

        If a chunk is invalid or training on it fails, the trainer is unchanged. For this a
        copy of the model is trained, which needs memory for a second model. Parameters that
        are set between two chunks take effect at the next `fit`.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            The same columns as the first chunk, in the same order and of the same kind.
        y, sample_weight : array-like of shape (n_samples,) or str
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes of all chunks. Required in the first call if its y lacks some.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If parameters or data are invalid: before training, with all mistakes.

        Examples
        --------
        >>> from sklearn.linear_model import SGDClassifier
        >>> from sktrainer import ManagedTrainer
        >>> from sktrainer.datasets import load_hypothyroid
        >>> X, y = load_hypothyroid(return_X_y=True)
        >>> trainer = ManagedTrainer(SGDClassifier(), random_state=0)
        >>> for chunk in range(4):
        ...     trainer = trainer.partial_fit(X[chunk::4], y[chunk::4])
        >>> trainer.n_iter_
        4
        >>> trainer.score(X, y) > 0.9
        True
        """
        from sktrainer.training.partial_fit.run import run_partial_fit
        from sktrainer.training.partial_fit.state import PreviousFit

        previous = None
        if self.__sklearn_is_fitted__():
            state = self._checked_state(pop_columns(X, y=y, sample_weight=sample_weight)[0])
            previous = PreviousFit(self._predictor, state, self.report_)
        inputs = FitInputs(X, y, sample_weight, classes=classes, chunk=True)
        result = run_partial_fit(self._params(), inputs, previous)
        self._set_fitted_attributes(result)
        self._partial_fit_state = result.state
        if previous is None:
            self._remember_columns(pop_columns(X, y=y, sample_weight=sample_weight)[0])
        return self

    def _checked_state(self, X: Any) -> PartialFitState:
        """Return the state of earlier chunks, after a check of the columns of X."""
        if self._partial_fit_state is None:
            raise InputError(
                "this fitted trainer has no state from which partial_fit can continue; call "
                "fit again, or call partial_fit on a clone"
            )
        problem = self._predictor.columns.name_problem(X)
        if problem is not None:
            raise InputError(problem)
        return self._partial_fit_state

"""Interface and defaults of the iterative training strategies."""

from __future__ import annotations

from sktrainer.backends.base import FitRequest
from sktrainer.backends.sklearn.parameters import fit_rows, override_params
from sktrainer.backends.sklearn.train.validation import ValidationScorer
from sktrainer.types import ModelFit


class IterationStrategy:
    """Iterative training strategy for one family of models.

    Attributes
    ----------
    iteration : str
        Name of an iteration.
    count_parameter : str
        Name of the parameter that sets the number of iterations.
    stops_by_default : bool
        Whether more iterations overfit.
    inner_folds_by_default : bool
        Whether inner folds choose the number of iterations on small training sets.
    segmented_training : bool
        Whether the model is trained in segments if there is a checkpoint.
    equals_plain_fit : bool
        Whether `fit_n_iterations` equals the model's `fit` and can resume.
    """

    iteration = "member"
    count_parameter = "n_estimators"
    stops_by_default = False
    inner_folds_by_default = False
    segmented_training = False
    equals_plain_fit = False

    def fit_with_monitor(self, request: FitRequest, validation: ValidationScorer) -> ModelFit:
        """Fit until the monitor stops and keep the best iteration."""
        raise NotImplementedError

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` iterations, bit-identical to a monitored fit cut at `n_iter`."""
        with override_params(request.model, **{self.count_parameter: n_iter}):
            fit_rows(request.model, request.train)

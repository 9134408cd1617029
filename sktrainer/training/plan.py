"""Plan of a fit: every decision that does not depend on the values of X."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sktrainer.backends.base import Backend, Capabilities
from sktrainer.backends.support import InputLimits
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.devices import DeviceChoice
from sktrainer.runtime.resources import split_cores
from sktrainer.scoring.scorers import Scoring
from sktrainer.splitting.plan import SplitPlan
from sktrainer.training.model_settings import OwnClassWeight


@dataclass(frozen=True)
class StepsPlan:
    """Unfitted steps and the handling of imbalance.

    Attributes
    ----------
    steps : tuple of (str, transformer or sampler)
        Cloned before they are fitted.
    imbalance : None, str or sampler
        "auto", "class_weight", "smote", "oversample", "undersample", or an imblearn
        sampler.
    weights : bool
        Whether the model accepts sample weights.
    codes_at_end : bool
        Whether the last step is the automatic preprocessor and the model needs to know which
        columns hold category codes.
    input_limits : InputLimits
        What the libraries of the model and its nested models refuse.
    output : str or None
        The output container of the steps, as passed to scikit-learn's `set_output`.
    own_weights : tuple of OwnClassWeight
        Parameters of the model that weight the classes.
    """

    steps: tuple[tuple[str, Any], ...]
    imbalance: Any = None
    weights: bool = True
    codes_at_end: bool = False
    input_limits: InputLimits = field(default_factory=InputLimits)
    output: str | None = None
    own_weights: tuple[OwnClassWeight, ...] = ()


@dataclass(frozen=True)
class ModelPlan:
    """Model and fit options.

    Attributes
    ----------
    name : str
        Name of the model's step in the pipeline.
    model : estimator
        Cloned before it is fitted.
    n_iter_no_change : int or None
        Patience of early stopping (None: no early stopping).
    patience_source : str
        Parameter of the model that the patience is from, if any.
    n_iter : int or None
        Exact number of iterations, without early stopping (None: as the model's parameters
        say).
    """

    name: str
    model: Any
    backend: Backend
    capabilities: Capabilities
    metric: EvalMetric
    n_iter_no_change: int | None = None
    patience_source: str = ""
    tol: float = 0.0
    correct_probabilities: bool = False
    device: DeviceChoice = field(default_factory=DeviceChoice)
    n_iter: int | None = None


@dataclass(frozen=True)
class FoldPlan:
    """Folds of a cross-validation, and how they are fitted in parallel."""

    cv: Any
    n_jobs: int | None
    joblib_backend: Literal["loky", "threading"]

    def split_cores(self, n_folds: int) -> tuple[int, int]:
        """Return the number of folds fitted in parallel, and the number of threads of each."""
        return split_cores(self.n_jobs, n_folds)


@dataclass(frozen=True)
class FitPlan:
    """All decisions for one fit, without the raw parameters.

    Attributes
    ----------
    steps, model, split : StepsPlan, ModelPlan, SplitPlan
    split_reason, validation_reason : str
        Why this kind of split is used, and why inner folds are used by default or not.
    scoring : Scoring
    folds : FoldPlan or None
        None: no cross-validation.
    seed, n_threads : int
        Root seed, and the number of threads of a fit that runs alone.
    inner_folds : int
        Number of inner folds that choose the number of rounds, or 0.
    repairs : bool
        Whether a diverged fit of a classifier is repeated with a safe setting.
    n_retries : int
        Maximum number of retries with another seed after a failed or diverged fit.
    refit : bool
        Whether the model is fitted again without held-out validation rows.
    ignored_checks : tuple of str
        Codes of the data checks that are not run.
    parameters : mapping of str to str
        Parameters of the trainer and its estimator as text, for the report.
    notes, warnings : tuple of str
        Notes for the report; `warnings` are also issued as warnings.
    """

    steps: StepsPlan
    model: ModelPlan
    split: SplitPlan
    split_reason: str
    scoring: Scoring
    folds: FoldPlan | None
    seed: int
    n_threads: int
    n_retries: int
    refit: bool
    ignored_checks: tuple[str, ...]
    parameters: Mapping[str, str]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    inner_folds: int = 0
    validation_reason: str = ""
    repairs: bool = True

    @property
    def stops_early(self) -> bool:
        """Whether early stopping is used."""
        return self.model.n_iter_no_change is not None

    @property
    def first_split(self) -> SplitPlan:
        """Split of all rows, before any folds."""
        if self.folds is not None and self.refit:
            # The folds determine the number of rounds, so the final fit needs no validation
            # rows.
            return replace(self.split, validation_size=None)
        return self.split

    def without_early_stopping(self, n_iter: int | None = None) -> FitPlan:
        """Return the plan without early stopping, for `n_iter` iterations if it is set."""
        model = replace(self.model, n_iter_no_change=None, n_iter=n_iter)
        return replace(self, model=model, inner_folds=0)

    def with_settings(self, settings: Mapping[str, Any]) -> FitPlan:
        """Return the plan with other parameters of the model."""
        if not settings:
            return self
        model = clone_estimator(self.model.model).set_params(**settings)
        return replace(self, model=replace(self.model, model=model))

    def for_final_fit(
        self, n_iter: int | None, settings: Mapping[str, Any] | None = None
    ) -> FitPlan:
        """Return the plan of the fit after the folds.

        `n_iter` is the best iteration of the folds, and `settings` the parameters that were
        changed in most of them because they diverged.
        """
        if self.folds is None or not self.refit:
            return self
        n_iter = n_iter if self.stops_early else None
        return self.with_settings(settings or {}).without_early_stopping(n_iter)

"""Functions that train, score and save a model in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.metaestimators import available_if

from sktrainer.callbacks.progress import Progress
from sktrainer.config.arguments import accepts_config
from sktrainer.data.inputs import FIT_ARGUMENTS, FitInputs, unknown_argument_problem
from sktrainer.data.metadata import ProblemList
from sktrainer.exceptions import ParameterError
from sktrainer.reporting.key_metrics import key_metrics_line
from sktrainer.reporting.report import TrainingReport
from sktrainer.reporting.text import render_summary
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.seeds import RandomState
from sktrainer.save_path import make_saver, save_or_warn
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array, ScoringParam

if TYPE_CHECKING:
    from sktrainer.config.run_config import RunConfig

__all__ = ["TrainingResult", "train_model", "train_with_cv"]


@dataclass(frozen=True, repr=False)
class TrainingResult:
    """Result of `train_model` and `train_with_cv`. Printing it shows a short summary.

    Attributes
    ----------
    model : ManagedTrainer
        The fitted trainer. It predicts for tables like X; `model.model_` is the fitted model
        as an object of its own library, which takes encoded rows.
    scores : DataFrame
        One row per set (train, validation, test) and one column per metric.
    history : DataFrame
        One row per iteration, set and metric.
    cv_results : dict or None
        The keys of `GridSearchCV.cv_results_`. None without cross-validation.
    report : TrainingReport
        Everything that was decided and measured during the fit.
    model_path : pathlib.Path or None
        File that the trainer was saved to. None if it was not saved.
    """

    model: ManagedTrainer
    scores: pd.DataFrame
    history: pd.DataFrame
    cv_results: dict[str, Any] | None
    report: TrainingReport
    model_path: Path | None

    def predict(self, X: Any) -> Array:
        """Predict class labels or regression values, as `model.predict` does."""
        return self.model.predict(X)

    @available_if(lambda result: hasattr(result.model, "predict_proba"))
    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class, as `model.predict_proba` does."""
        return np.asarray(self.model.predict_proba(X))

    def __repr__(self) -> str:
        scores = key_metrics_line(self.report, limit=1)
        return f"<TrainingResult of {self.report.estimator}: {scores}>"

    def __str__(self) -> str:
        n_notes = len(self.report.notes) + len(self.report.findings)
        notes = f", with {n_notes} note{'s' if n_notes > 1 else ''}" if n_notes else ""
        return (
            f"{render_summary(self.report)}\n\n{self._saved}\n"
            f"Full report{notes}: print(result.report)"
        )

    def _repr_html_(self) -> str:
        return f"{self.report._repr_html_()}<p>{escape(self._saved)}</p>"

    @property
    def _saved(self) -> str:
        return "Not saved" if self.model_path is None else f"Saved to {self.model_path}"


@accepts_config
def train_model(
    model: Any = None,
    X: Any = None,
    y: Any = None,
    *,
    config: str | os.PathLike[str] | Mapping[str, Any] | RunConfig | None = None,
    test_size: float | int | None = 0.2,
    validation_size: float | int | str | None = "auto",
    stratify: bool = True,
    shuffle: bool = True,
    handle_imbalance: object = "auto",
    early_stopping: bool | str = "auto",
    random_state: RandomState = 42,
    save_path: str | os.PathLike[str] | None = "models/",
    verbose: int = 1,
    **trainer_params: Any,
) -> TrainingResult:
    """Split the rows, train a model, score it on the held-out test rows, and save it.

    Parameters
    ----------
    model : estimator
        Any estimator that `ManagedTrainer` accepts. It is not modified.
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        The rows.
    y : array-like of shape (n_samples,) or str
        The target, or the name of its column in X.
    config : path-like, dict or None, default=None
        A YAML file, or its values as a nested dict, which sets the arguments that are not
        passed, `model`, `X` and `y` included. The configuration that was used is saved beside
        the model.
    test_size : float, int or None, default=0.2
        Fraction or number of rows held out for the test scores.
    validation_size : "auto", "cv", float, int or None, default="auto"
        As in `ManagedTrainer`.
    stratify : bool, default=True
        Whether to keep the class proportions in every set. No effect for regression. If
        `split` is passed too, `split` takes precedence.
    shuffle : bool, default=True
        As in `ManagedTrainer`.
    handle_imbalance : None, str or sampler, default="auto"
        As in `ManagedTrainer`, where the default is None: an estimator that is used in
        pipelines and searches leaves the predicted probabilities as they are, while this
        function handles imbalanced classes and warns with their counts.
    early_stopping : bool or "auto", default="auto"
        As in `ManagedTrainer`.
    random_state : int, RandomState or None, default=42
        As in `ManagedTrainer`.
    save_path : path-like or None, default="models/"
        Folder of a `ModelStore`, in which the trainer is saved as the next version under the
        name of the model class, such as "lgbm_classifier"; or path of a ``.skt``,
        ``.joblib`` or ``.pkl`` file. None: do not save. Before training, a file is checked
        to be writable and a ``.skt`` file to support the parameters.
    verbose : int, default=1
        0: silent; 1: stages and scores; 2: every iteration.
    **trainer_params
        Further parameters of `ManagedTrainer`, and the arguments `sample_weight`, `groups`,
        `X_val`, `y_val`, `sample_weight_val` of its `fit`.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        If parameters or data are invalid. It is raised before training and lists all
        mistakes.

    Warns
    -----
    SaveWarning
        If saving failed after training, for example because the disk is full. The result is
        returned; a trainer that a ``.skt`` file cannot store is saved to a ``.joblib`` file.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sktrainer import train_model
    >>> X, y = load_iris(return_X_y=True)
    >>> result = train_model(LogisticRegression(), X, y, save_path=None, verbose=0)
    >>> bool(result.scores.loc["test", "accuracy"] > 0.8)
    True
    >>> result.predict(X[:2])
    array([0, 0])
    """
    fit_arguments = _pop_fit_arguments(trainer_params)
    problems: list[str] = []
    if not isinstance(stratify, (bool, np.bool_)):
        problems.append(
            f"stratify must be True or False, got {type(stratify).__name__}. True keeps the "
            "class proportions of y; for other strata pass a splitter as split"
        )
    elif not stratify and "split" not in trainer_params:  # groups and times take precedence
        by_rows = not {"groups", "time_column"} & {*fit_arguments, *trainer_params}
        trainer_params["split"] = "random" if by_rows else "auto"
    parameters = {
        "test_size": test_size,
        "validation_size": validation_size,
        "shuffle": shuffle,
        "handle_imbalance": handle_imbalance,
        "early_stopping": early_stopping,
        "random_state": random_state,
        "verbose": verbose,
        **trainer_params,
    }
    return _train(model, X, y, parameters, fit_arguments, save_path, problems, config=config)


@accepts_config
def train_with_cv(
    model: Any = None,
    X: Any = None,
    y: Any = None,
    *,
    config: str | os.PathLike[str] | Mapping[str, Any] | RunConfig | None = None,
    cv: object = 5,
    scoring: ScoringParam = None,
    handle_imbalance: object = "auto",
    save_path: str | os.PathLike[str] | None = "models/",
    verbose: int = 1,
    **trainer_params: Any,
) -> TrainingResult:
    """Evaluate a model by cross-validation, then train it on all rows and save it.

    A model that stops early does so in each fold, on validation rows that are split off from
    the fold's training rows. The final model is trained for the median of the folds' best
    iterations.

    Parameters
    ----------
    model, X, y, config
        As in `train_model`.
    cv : int, splitter or iterable, default=5
        As in `ManagedTrainer`.
    scoring : str, list, dict, callable or None, default=None
        As in `ManagedTrainer`.
    handle_imbalance : None, str or sampler, default="auto"
        As in `train_model`.
    save_path : path-like or None, default="models/"
        As in `train_model`.
    verbose : int, default=1
        As in `train_model`.
    **trainer_params
        Further parameters of `ManagedTrainer` (`random_state` defaults to 42), and arguments
        of its `fit`, such as `sample_weight` and `groups`.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        If parameters or data are invalid. It is raised before training and lists all
        mistakes.
    FitError
        If every fold failed.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer import train_with_cv
    >>> X, y = load_diabetes(return_X_y=True)
    >>> result = train_with_cv(Ridge(), X, y, cv=3, save_path=None, verbose=0)
    >>> result.report.folds.shape[0]
    3
    """
    fit_arguments = _pop_fit_arguments(trainer_params)
    parameters = {
        "cv": cv,
        "scoring": scoring,
        "handle_imbalance": handle_imbalance,
        "refit": True,
        "random_state": 42,
        "verbose": verbose,
        **trainer_params,
    }
    no_folds = (
        "cv=None gives no folds. Pass a number of folds, such as cv=5, or use train_model"
    )
    found = [no_folds] if cv is None else []
    return _train(model, X, y, parameters, fit_arguments, save_path, found, config=config)


def _pop_fit_arguments(trainer_params: dict[str, Any]) -> dict[str, Any]:
    return {k: trainer_params.pop(k) for k in FIT_ARGUMENTS if k in trainer_params}


def _train(
    model: Any,
    X: Any,
    y: Any,
    parameters: dict[str, Any],
    fit_arguments: dict[str, Any],
    save_path: str | os.PathLike[str] | None,
    found: Sequence[str] = (),
    *,
    config: Any = None,
) -> TrainingResult:
    """Train, save and return the result. `config` is a checked configuration or None."""
    problems, trainer, save = ProblemList(found), None, None
    with problems.collect():
        trainer = _make_trainer(model, parameters)
        if save_path is not None:
            save = make_saver(save_path, trainer)
    if problems:
        from sktrainer.training.validation import validate

        if trainer is not None:  # report the mistakes in parameters and data, too
            with problems.collect():
                validate(trainer._params(), FitInputs(X, y, **fit_arguments))
        raise ParameterError([*dict.fromkeys(problems)])
    assert trainer is not None
    if config is not None:
        from sktrainer.config.run import save_checkpoint_config, save_run_files

        save_checkpoint_config(config, trainer)
    trainer.fit(X, y, **fit_arguments)
    if config is not None:
        from sktrainer.config.command import run_command

        command = run_command(config, trainer)
        trainer.report_ = replace(trainer.report_, command=command)
    path = None if save is None else save_or_warn(trainer, save)
    if config is not None:
        save_run_files(config, trainer, path)
    if path is not None:
        Progress(int(trainer.verbose)).show(f"Saved to {path}")
    return TrainingResult(
        model=trainer,
        scores=trainer.scores_,
        history=trainer.history_,
        cv_results=getattr(trainer, "cv_results_", None),
        report=trainer.report_,
        model_path=path,
    )


def _make_trainer(model: Any, parameters: dict[str, Any]) -> ManagedTrainer:
    """Create the trainer, or raise for parameters that it does not have."""
    nested = {name: value for name, value in parameters.items() if "__" in name}
    own = {name: value for name, value in parameters.items() if "__" not in name}
    valid = {*ManagedTrainer._get_param_names()} - {"estimator"}
    problems = [unknown_argument_problem(name, valid) for name in own if name not in valid]
    if problems:
        raise ParameterError(problems)
    trainer = ManagedTrainer(model, **own)
    if nested:
        # Set them on a clone, so that the model that was passed is not modified.
        trainer = clone_estimator(trainer)
        trainer.set_params(**nested)
    return trainer

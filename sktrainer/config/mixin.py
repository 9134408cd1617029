"""Methods of the trainer that read and write a configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from sktrainer.data.inputs import FitInputs
    from sktrainer.reporting.report import TrainingReport


class ConfigMixin:
    """Mixin with `from_config` and `to_config`."""

    report_: TrainingReport

    @classmethod
    def from_config(cls, config: str | os.PathLike[str] | Mapping[str, Any]) -> Self:
        """Return an unfitted trainer with the model and parameters of a configuration.

        Parameters
        ----------
        config : path-like or dict
            A YAML file, or its values as a nested dict. Keys that are not parameters of the
            trainer, such as `test_size` of `train_model`, have the defaults of the trainer.
            A short model name needs `task`, or `data.path` and `data.target`, from which the
            task is inferred.

        Returns
        -------
        ManagedTrainer

        Raises
        ------
        InputError
            With all mistakes. Those of a file start with its name, line and column.

        Examples
        --------
        >>> from sktrainer import ManagedTrainer
        >>> trainer = ManagedTrainer.from_config(
        ...     {
        ...         "model": {"name": "forest", "n_estimators": 200},
        ...         "task": "regression",
        ...         "early_stopping": {"enabled": True, "rounds": 20},
        ...     }
        ... )
        >>> trainer.estimator, trainer.n_iter_no_change
        (RandomForestRegressor(n_estimators=200), 20)
        """
        from sktrainer.config.data import read_data
        from sktrainer.config.models import build_model, needs_task
        from sktrainer.config.reader import load_config

        run = load_config(config)
        has_data = run.data.path is not None and run.data.target is not None
        task = read_data(run).task if has_data and needs_task(run) else None
        return cls(build_model(run, task), **run.params)  # type: ignore[call-arg]

    def to_config(self) -> dict[str, Any]:
        """Return the model and the parameters that differ from their defaults.

        Returns
        -------
        dict
            Plain values, which `from_config` turns into a trainer with the same parameters,
            and which can be written to a YAML file.

        Raises
        ------
        ParameterError
            If a value cannot be written to a file, such as a function, a splitter or a nested
            estimator. Such a trainer can only be saved with `save`.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from sktrainer import ManagedTrainer
        >>> trainer = ManagedTrainer(Ridge(alpha=0.1), test_size=0.2, random_state=0)
        >>> trainer.to_config()
        {'model': {'name': 'sklearn.linear_model:Ridge', 'alpha': 0.1}, 'test_size': 0.2, \
'random_state': 0}
        """
        from sktrainer.config.writer import trainer_config

        return trainer_config(self)

    def _add_command(self, inputs: FitInputs) -> None:
        """Add the command that repeats the fit to the report."""
        from sktrainer.config.command import fit_command

        command = fit_command(self, inputs, self.report_.seeds["random_state"])
        self.report_ = replace(self.report_, command=command)

"""Configuration of a run, with valid values and absolute paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sktrainer.config.document import Document


@dataclass(frozen=True)
class DataConfig:
    """The table and the meaning of its columns. `path` is None if X is passed directly."""

    path: Path | None = None
    target: str | None = None
    group_column: str | None = None
    weight_column: str | None = None
    drop_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelConfig:
    """Name and parameters of a model. `name` is None if the model is passed directly."""

    name: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunConfig:
    """Configuration of a run, in which every value is valid and every path is absolute.

    Attributes
    ----------
    data : DataConfig
    model : ModelConfig
    params : dict
        The parameters of `ManagedTrainer` that are set.
    save_path : Path or None
        None: the model is not saved.
    report : Path or None
        HTML file of the report.
    document : Document
        The values as they were written, and their places for messages.
    command : str
        The command line that started the run, if one did.
    """

    data: DataConfig
    model: ModelConfig
    params: Mapping[str, Any]
    save_path: Path | None = None
    report: Path | None = None
    document: Document = field(default_factory=lambda: Document({}), compare=False, repr=False)
    command: str = field(default="", compare=False)

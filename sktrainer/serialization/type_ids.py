"""Stable ids that identify sktrainer's own classes in files.

A file names a class of sktrainer by its id, never by its import path, so that the class can
move. To move a class, change its address here, or in the `SPEC` of its backend. Ids never
change.
"""

from __future__ import annotations

import importlib
from typing import Any

from sktrainer.backends.registry import built_in_specs
from sktrainer.exceptions import FileFormatError

TRAINER = "sktrainer/managed-trainer"

ADDRESSES: dict[str, str] = {
    TRAINER: "sktrainer.trainer.ManagedTrainer",
    "sktrainer/checkpoint": "sktrainer.checkpoints.schedule.Checkpoint",
    "sktrainer/column-contract": "sktrainer.data.schema.ColumnContract",
    "sktrainer/column-decision": "sktrainer.data.type_inference.ColumnDecision",
    "sktrainer/date-format": "sktrainer.data.dates.DateFormat",
    "sktrainer/date-transform": "sktrainer.preprocessing.column_transforms.DateTransform",
    "sktrainer/estimator-placeholder": (
        "sktrainer.backends._networks.placeholders.EstimatorPlaceholder"
    ),
    "sktrainer/level-transform": "sktrainer.preprocessing.column_transforms.LevelTransform",
    "sktrainer/levels": "sktrainer.data.levels.Levels",
    "sktrainer/matrix-transform": "sktrainer.preprocessing.fit_matrix.MatrixTransform",
    "sktrainer/metric-value": "sktrainer.types.MetricValue",
    "sktrainer/model-input": "sktrainer.preprocessing.model_input.ModelInput",
    "sktrainer/network-placeholder": (
        "sktrainer.backends._networks.placeholders.NetworkPlaceholder"
    ),
    "sktrainer/number-format": "sktrainer.data.number_formats.NumberFormat",
    "sktrainer/numeric-transform": "sktrainer.preprocessing.column_transforms.NumericTransform",
    "sktrainer/one-hot-transform": "sktrainer.preprocessing.column_transforms.OneHotTransform",
    "sktrainer/partial-fit-state": "sktrainer.training.partial_fit.state.PartialFitState",
    "sktrainer/postprocessing": "sktrainer.preprocessing.postprocessing.Postprocessing",
    "sktrainer/postprocessing-columns": (
        "sktrainer.preprocessing.postprocessing.PostprocessingColumns"
    ),
    "sktrainer/sparse-transform": "sktrainer.preprocessing.fit_sparse.SparseTransform",
    "sktrainer/table-encoder": "sktrainer.preprocessing.table_encoder.TableEncoder",
    "sktrainer/table-smote": "sktrainer.resampling.smote.TableSMOTE",
    "sktrainer/table-transform": "sktrainer.preprocessing.table_transform.TableTransform",
    "sktrainer/target-scale": "sktrainer.backends._networks.target_scale.TargetScale",
    **{id_: path for spec in built_in_specs().values() for id_, path in spec.type_ids},
}


def type_name(value: object) -> str:
    """Return the id or import path of a class, or of the class of an object.

    Examples
    --------
    >>> from sktrainer.types import MetricValue
    >>> type_name(1), type_name(MetricValue)
    ('builtins.int', 'sktrainer/metric-value')
    """
    kind = value if isinstance(value, type) else type(value)
    path = f"{kind.__module__}.{kind.__qualname__}"
    return next((name for name, address in ADDRESSES.items() if address == path), path)


def name_in_state(module: str, attribute: str) -> str:
    """Return the id or import path that a state refers to.

    In a state, an id is an attribute of the module "".

    Raises
    ------
    FileFormatError
        If the id is unknown, or a class of sktrainer is named by its import path.

    Examples
    --------
    >>> name_in_state("", "sktrainer/levels"), name_in_state("numpy", "max")
    ('sktrainer/levels', 'numpy.max')
    """
    if module:
        if module.partition(".")[0] == "sktrainer":
            raise FileFormatError(
                f"it names {module}.{attribute} by its import path, expected a type id such as "
                f"{TRAINER!r}"
            )
        return f"{module}.{attribute}"
    if attribute not in ADDRESSES:
        raise FileFormatError(
            f"it contains the type {attribute[:80]!r}, which this version of sktrainer does "
            "not know; upgrade sktrainer"
        )
    return attribute


def import_path(name: str) -> str:
    """Return the import path of an id, or of a method of its class; or the name unchanged.

    Examples
    --------
    >>> import_path("sktrainer/levels"), import_path("numpy.max")
    ('sktrainer.data.levels.Levels', 'numpy.max')
    """
    type_id, dot, method = name.partition(".")
    return f"{ADDRESSES[type_id]}{dot}{method}" if type_id in ADDRESSES else name


def restore_path(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state with an import path instead of its id, as skops expects."""
    if state.get("__module__") == "":
        module, _, attribute = ADDRESSES[state["__class__"]].rpartition(".")
        return {**state, "__module__": module, "__class__": attribute}
    return state


def load_type(name: str) -> Any:
    """Import the class, function or attribute that an id or import path names."""
    module, _, attribute = import_path(name).rpartition(".")
    return getattr(importlib.import_module(module), attribute)

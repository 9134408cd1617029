"""The data of a training, found again in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sktrainer.data.fingerprint.fingerprint import fingerprint_inputs
from sktrainer.exceptions import SktrainerError

if TYPE_CHECKING:
    import pandas as pd

    from sktrainer.cli._models import LoadedModel


def fit_arguments(
    model: LoadedModel, frame: pd.DataFrame, target: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the table and the other arguments that were passed to `fit`.

    Columns that were not part of the training, such as dropped ones, are left out.
    """
    others = model.fit_columns
    wanted = {*model.features, target, *others.values()}
    names = [name for name in frame.columns if name in wanted or not model.features]
    return frame[names], {"y": target, **others}


def same_data(model: LoadedModel, frame: pd.DataFrame, target: str) -> bool:
    """Return whether a table has the rows that the model was trained on, in their order."""
    recorded = getattr(model.trainer, "fingerprint_", None)
    table, arguments = fit_arguments(model, frame, target)
    if recorded is None or not {*arguments.values()} <= {*frame.columns}:
        return False
    try:
        return bool(fingerprint_inputs(table, **arguments)["digest"] == recorded["digest"])
    except SktrainerError:  # data that cannot be hashed
        return False

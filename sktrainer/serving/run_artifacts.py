"""Artifacts of a tracked fit: configuration, code, report and model."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from sktrainer.config.writer import trainer_config, write_yaml
from sktrainer.data.columns import is_frame
from sktrainer.data.indexing import is_input_dict
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.serialization.manifest import MANIFEST
from sktrainer.tracking.base import MODEL_FILE, MODEL_INPUTS_FILE

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}


def write_artifacts(trainer: Any, X: Any, folder: Path, complete: bool) -> None:
    """Write the artifacts of a fit. Apart from the model, they contain no row of X.

    Parameters
    ----------
    trainer : ManagedTrainer
        Fitted.
    X : table or array
        The columns that the model takes. Only their names and types are written.
    folder : Path
    complete : bool
        Whether to write the HTML report, if matplotlib is installed, and the model, if a
        ``.skt`` file can store it and is loaded without trust.
    """
    folder.mkdir(exist_ok=True)
    with suppress(ParameterError):  # for a value that YAML cannot express
        # The settings of a tracker may contain a password.
        write_yaml(folder / "config.yaml", trainer_config(trainer, without=("trackers",)))
    (folder / "reproduce.py").write_text(f"{trainer.report_.code}\n", encoding="utf-8")
    (folder / "report.json").write_text(trainer.report_.to_json(), encoding="utf-8")
    if not complete:
        return
    if find_spec("matplotlib") is not None:
        trainer.report_.to_html(folder / "report.html")
    with suppress(InputError):  # of a type that a `.skt` file cannot store
        path = trainer.save(folder / MODEL_FILE)
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
        inputs = {**model_inputs(trainer, X), "needs_trust": manifest["needs_trust"]}
        (folder / MODEL_INPUTS_FILE).write_text(json.dumps(inputs), encoding="utf-8")


def model_inputs(trainer: Any, X: Any) -> dict[str, Any]:
    """Return names and types of the columns, and the packages that the model needs.

    The types are those of MLflow. It passes columns without a type on as they are, and the
    trainer converts or refuses their values: MLflow would refuse integers with missing values
    and categories, and read dates as numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer import ManagedTrainer
    >>> X = pd.DataFrame({"size": [1.5, 2.0, 4.0], "n": [1, 2, 3], "color": list("aba")})
    >>> trainer = ManagedTrainer(Ridge(), audit=False).fit(X, [1.5, 2.0, 5.0])
    >>> model_inputs(trainer, X)["columns"]
    [['size', 'double'], ['n', None], ['color', None]]
    """
    requirements = [
        f"{_DISTRIBUTIONS.get(name, name)}=={version}"
        for name, version in trainer.report_.versions.items()
        if name != "python"
    ]
    inputs: dict[str, Any] = {"columns": None, "requirements": requirements}
    if is_input_dict(X):
        return inputs
    if is_frame(X):
        schema = nw.from_native(X, eager_only=True).schema
        columns = [
            [str(name), "double" if dtype.is_float() else None]
            for name, dtype in schema.items()
        ]
        return {**inputs, "columns": columns}
    return {**inputs, "shape": list(X.shape[1:]), "dtype": str(getattr(X, "dtype", "float64"))}

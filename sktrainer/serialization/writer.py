"""Writer of `.skt` files, and of model files in the native format of a library."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from sktrainer.backends.base import Backend
from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.backends.support import ModelParts, ModelSerializer, NetworkSerializer
from sktrainer.checkpoints.schedule import with_text_folder
from sktrainer.exceptions import InputError
from sktrainer.files.archive import write_archive
from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.json_codec import encode_json
from sktrainer.reporting.report import TrainingReport
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.scoring.predictor import Predictor
from sktrainer.serialization.manifest import (
    JSON_ATTRIBUTES,
    MANIFEST,
    SEPARATE_ATTRIBUTES,
    make_manifest,
)
from sktrainer.serialization.trust import untrusted_names
from sktrainer.serialization.values import AuditedState, dump_state
from sktrainer.types import Split


def write_skt(trainer: Any, path: Path) -> None:
    """Write a fitted trainer to a `.skt` file, atomically.

    Raises
    ------
    InputError
        If the trainer contains a value that could not be loaded in another process.
    """
    backend = find_backend(trainer.model_)
    state, tables, files = _trainer_state(trainer, backend)
    serializer = backend.serializer
    parts = (
        ModelParts(trainer.model_) if serializer is None else serializer.split(trainer.model_)
    )
    steps = trainer._predictor.pipeline.steps
    states = {
        "trainer.skops": dump_state(state, "the trainer"),
        "steps.skops": dump_state(
            {"steps": [list(step) for step in steps[:-1]], "model": steps[-1][0]}, "the steps"
        ),
        "model.skops": dump_state(parts.state, "the model"),
    }
    if serializer is not None and backend.networks is not None:
        _check_network(serializer, states["model.skops"], parts.files)
    report = {f.name: getattr(trainer.report_, f.name) for f in fields(TrainingReport)}
    members = {
        **{name: state.data for name, state in states.items()},
        **files,
        **parts.files,
        "history.json": encode_json(
            {"history": trainer.history_, "evals": trainer.evals_result_}
        ),
        "tables.json": encode_json(tables),
        "report.json": encode_json(report),
    }
    # Sorted, so that the same trainer gives the same bytes.
    members = {name: members[name] for name in sorted(members)}
    needs = untrusted_names(states.values(), members, backend)
    manifest = make_manifest(trainer, backend.spec.name, members, needs)
    with atomic_write(path) as part, part.open("wb") as file:
        write_archive(file, {MANIFEST: manifest, **members})


def _check_network(
    serializer: ModelSerializer, state: AuditedState, files: Mapping[str, bytes]
) -> None:
    """Check that a network can be rebuilt from the data that is about to be written.

    User-defined classes build the network, and they may have changed since it was fitted.
    """
    try:
        again = serializer.split(serializer.join(ModelParts(state.make(), files)))
    except Exception as error:
        raise InputError(
            f"the network could not be loaded from a .skt file again ({type(error).__name__}: "
            f"{error}); save to a .joblib file"
        ) from error
    changed = sorted(name for name, data in files.items() if again.files.get(name) != data)
    if changed:
        raise InputError(
            f"the network would change when loaded from a .skt file ({', '.join(changed)} "
            "would differ); save to a .joblib file"
        )


def write_native(model: Any, path: Path) -> None:
    """Write a model without the other steps, in the native format of its library.

    Raises
    ------
    InputError
        If the library has no native format, or the format has another suffix.
    """
    serializer = find_backend(model).serializer
    name = type(model).__name__
    if serializer is None or not serializer.suffixes:
        raise InputError(
            f"{name} has no native file format; save to a .skt file, which also contains the "
            "steps before the model"
        )
    if path.suffix not in serializer.suffixes:
        raise InputError(
            f"a native {name} file must end in {' or '.join(serializer.suffixes)}, got "
            f"{path.name!r}; rename it"
        )
    with atomic_write(path) as part:
        # Some libraries choose the format by the suffix, which the temporary name lacks.
        target = part.with_name(part.name + path.suffix)
        try:
            serializer.write(model, target)
            target.replace(part)
        finally:
            target.unlink(missing_ok=True)


def _trainer_state(
    trainer: Any, backend: Backend
) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    """Return the state of a trainer without steps and model, its tables and extra files."""
    parameters, files = _encode_parameters(trainer, backend)
    fitted = {f.name: getattr(trainer._predictor, f.name) for f in fields(Predictor)}
    fitted.pop("pipeline")
    decoded = trainer._predictor.decoded
    fitted["decoded"] = None if decoded is None else decoded.get_params(deep=False)
    if decoded is not None:
        del fitted["decoded"]["model"]
    attributes, tables = {}, {}
    for name, value in vars(trainer).items():
        if name in SEPARATE_ATTRIBUTES or name in parameters:  # written to other members
            continue
        if name in JSON_ATTRIBUTES or isinstance(value, (pd.DataFrame, pd.Series)):
            tables[name] = value
        elif isinstance(value, Split):
            attributes[name] = {f.name: getattr(value, f.name) for f in fields(Split)}
        elif name != "run_path_":  # a folder on this machine
            attributes[name] = value
    state = {"parameters": parameters, "fitted": fitted, "attributes": attributes}
    return state, tables, files


def check_parameters(trainer: Any) -> None:
    """Check that a `.skt` file can store the parameters of a trainer that is not fitted.

    Raises
    ------
    InputError
        If they contain a value that could not be loaded in another process.
    """
    backend = find_backend(unwrap_pipeline(trainer.estimator).model)
    # The clone has no fitted attributes, which could be large.
    dump_state(_encode_parameters(clone_estimator(trainer), backend)[0], "the trainer")


def _encode_parameters(
    trainer: Any, backend: Backend
) -> tuple[dict[str, Any], dict[str, bytes]]:
    parameters = trainer.get_params(deep=False)
    parameters["checkpoint"] = with_text_folder(parameters.get("checkpoint"))
    parameters |= {"callbacks": (), "trackers": ()}  # they belong to the fit
    files: dict[str, bytes] = {}
    if backend.networks is not None:
        serializer = backend.networks.serializer
        parameters["estimator"], files = _encode_estimator(parameters["estimator"], serializer)
    return parameters, files


def _encode_estimator(
    estimator: Any, serializer: NetworkSerializer
) -> tuple[Any, dict[str, bytes]]:
    """Return an estimator (or a Pipeline ending in one) without networks, and their files."""
    steps = getattr(estimator, "steps", None)
    if not steps:
        return serializer.to_files(estimator, serializer.prefix)
    name, last = steps[-1]
    stored, files = serializer.to_files(last, serializer.prefix)
    copied = copy.copy(estimator)
    copied.steps = [*steps[:-1], (name, stored)]
    return copied, files

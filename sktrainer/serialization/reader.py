"""Reader of `.skt` files. It does not execute code from the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sktrainer.backends.support import (
    ModelParts,
    ModelSerializer,
    NetworkSerializer,
    native_format,
    stowage,
)
from sktrainer.exceptions import FileFormatError, SktrainerError, UntrustedFileError
from sktrainer.files.archive import checksum, open_archive, read_member
from sktrainer.files.json_codec import decode_json
from sktrainer.reporting.report import TrainingReport
from sktrainer.scoring.predictor import Predictor
from sktrainer.serialization.manifest import (
    MANIFEST,
    MOST_BYTES,
    SEPARATE_ATTRIBUTES,
    STATE_MEMBERS,
    class_path,
    read_manifest,
)
from sktrainer.serialization.tree_validation import validate_trees
from sktrainer.serialization.trust import (
    require_libraries,
    require_library,
    require_trust,
    untrusted_names,
)
from sktrainer.serialization.values import AuditedState, audit_state
from sktrainer.types import Split

__all__ = ["read_skt"]


T = TypeVar("T")


def read_skt(path: Path, trusted: bool | Sequence[str], kind: type[T]) -> T:
    """Read a fitted trainer without executing code from the file.

    Parameters
    ----------
    path : Path
    trusted : bool or sequence of str
        Import paths that the file may refer to, in addition to those known to be harmless;
        True for all. Checksums and structure are always verified.
    kind : type
        Class of the trainer.

    Raises
    ------
    FileFormatError
        If the file was not written by `write_skt`, or by a later version of it.
    UntrustedFileError
        If the file refers to a name that is not trusted.
    ImportError
        If a required library is not installed.
    """
    with _errors_name_file(path), path.open("rb") as file:
        manifest, members = _read_members(file)
        family = manifest["model"]["family"]
        native = native_format(family)
        require_library(native)
        if not set(STATE_MEMBERS) <= set(members):
            raise FileFormatError(f"one of the members {', '.join(STATE_MEMBERS)} is missing")
        parcels = {name: audit_state(members[name]) for name in STATE_MEMBERS}
        require_libraries(parcels.values())
        # No object of the file has been constructed before this check.
        require_trust(path, untrusted_names(parcels.values(), members), trusted)
        return _assemble_trainer(manifest, members, parcels, native, kind)


@contextmanager
def _errors_name_file(path: Path) -> Iterator[None]:
    """Turn every failure into an error that names the file."""
    try:
        yield
    except UntrustedFileError:
        raise
    except FileFormatError as error:
        raise FileFormatError(f"{str(path)!r} cannot be loaded: {error}") from None
    except SktrainerError as error:
        raise FileFormatError(f"{str(path)!r} cannot be loaded: {error}") from error
    except ImportError as error:
        if "pip install" in str(error):  # from `require`, which names the missing extra
            raise
        raise FileFormatError(f"{str(path)!r} cannot be loaded: {error}") from error
    except (Exception, RecursionError, MemoryError) as error:
        raise FileFormatError(
            f"{str(path)!r} cannot be loaded: its content is not in the format written by "
            f"`save` ({type(error).__name__}: {error})"
        ) from error


def _read_members(file: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest and all members, after verifying their checksums."""
    archive, infos = open_archive(file)
    if MANIFEST not in infos or infos[MANIFEST].file_size > MOST_BYTES:
        raise FileFormatError(f"{MANIFEST} is missing or too large; this is not a .skt file")
    manifest = read_manifest(read_member(archive, infos.pop(MANIFEST)))
    listed = manifest["members"]
    if set(listed) != set(infos):
        odd = sorted(set(listed) ^ set(infos))
        raise FileFormatError(f"the members differ from those in manifest.json: {odd[:5]}")
    members = {}
    for name, info in infos.items():
        data = members[name] = read_member(archive, info)
        if len(data) != listed[name]["bytes"] or checksum(data) != listed[name]["sha256"]:
            raise FileFormatError(f"member {name!r} was changed: its SHA-256 does not match")
    return manifest, members


def _assemble_trainer(
    manifest: Mapping[str, Any],
    members: Mapping[str, bytes],
    parcels: Mapping[str, AuditedState],
    native: ModelSerializer | None,
    kind: type[T],
) -> T:
    if manifest.get("trainer") != class_path(kind):
        raise FileFormatError(
            f"it contains a {manifest.get('trainer')}, expected a {class_path(kind)}; load it "
            "with the `load` method of its class"
        )
    state, walk = parcels["trainer.skops"].make(), parcels["steps.skops"].make()
    model = parcels["model.skops"].make()
    if native is not None:
        model = native.join(ModelParts(model, members))
    if class_path(model) != manifest["model"]["class"]:
        raise FileFormatError(
            f"its model is a {class_path(model)}, but manifest.json lists "
            f"{manifest['model']['class']}"
        )
    parameters = state["parameters"]
    stow = stowage(manifest["model"]["family"])
    if stow is not None:
        parameters["estimator"] = _decode_estimator(parameters["estimator"], members, stow)
    validate_trees([walk, model, parameters])
    fitted = _fitted_model(state["fitted"], walk, model)
    trainer = kind(**parameters)
    vars(trainer).update(_attributes(state["attributes"], members, kind))
    vars(trainer).update(
        _predictor=fitted,
        pipeline_=fitted.pipeline,
        model_=fitted.model,
        report_=_report(decode_json(members["report.json"])),
    )
    return trainer


def _decode_estimator(
    estimator: Any, members: Mapping[str, bytes], stow: NetworkSerializer
) -> Any:
    """Return an estimator (or a Pipeline ending in one) with its networks restored."""
    if not getattr(estimator, "steps", None):
        return stow.unstowed(estimator, members, stow.prefix)
    name, last = estimator.steps[-1]
    estimator.steps[-1] = (name, stow.unstowed(last, members, stow.prefix))
    return estimator


def _fitted_model(state: Mapping[str, Any], walk: Mapping[str, Any], model: Any) -> Predictor:
    from imblearn.pipeline import Pipeline

    steps = [(str(name), step) for name, step in walk["steps"]]
    return Predictor(pipeline=Pipeline([*steps, (str(walk["model"]), model)]), **state)


def _attributes(
    state: Mapping[str, Any], members: Mapping[str, bytes], kind: type
) -> dict[str, Any]:
    history = decode_json(members["history.json"])
    found = {**state, **decode_json(members["tables.json"])}
    found["history_"], found["evals_result_"] = history["history"], history["evals"]
    found["split_"] = Split(**found["split_"])
    # An instance attribute named like a method would replace that method.
    shadowed = {name for name in found if callable(getattr(kind, name, None))}
    if shadowed or set(SEPARATE_ATTRIBUTES) & set(state):
        raise FileFormatError(
            f"it sets the reserved names {sorted(shadowed) or SEPARATE_ATTRIBUTES}"
        )
    return found


def _report(fields: Mapping[str, Any]) -> TrainingReport:
    known = {f.name for f in dataclasses.fields(TrainingReport)}
    return TrainingReport(**{name: value for name, value in fields.items() if name in known})

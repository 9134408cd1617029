"""Reader of `.skt` files. It does not execute code from the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from sktrainer.backends.base import Backend
from sktrainer.backends.registry import backend_by_name
from sktrainer.backends.support import ModelParts, NetworkSerializer
from sktrainer.exceptions import FileFormatError, SktrainerError, UntrustedFileError
from sktrainer.files.archive import checksum, open_archive, read_member
from sktrainer.files.json_codec import decode_json
from sktrainer.reporting.report import TrainingReport
from sktrainer.scoring.decoded_model import DecodedModel
from sktrainer.scoring.predictor import Predictor
from sktrainer.serialization.manifest import (
    MANIFEST,
    MOST_BYTES,
    SEPARATE_ATTRIBUTES,
    STATE_MEMBERS,
    read_manifest,
)
from sktrainer.serialization.tree_validation import validate_trees
from sktrainer.serialization.trust import require_libraries, require_trust, untrusted_names
from sktrainer.serialization.type_ids import TRAINER, load_type, type_name
from sktrainer.serialization.values import AuditedState, audit_state
from sktrainer.types import Split

T = TypeVar("T")


def read_skt(path: Path, trusted: bool | Sequence[str], expected: type[T] | None) -> T:
    """Read a fitted trainer without executing code from the file.

    `trusted` has names that the file may refer to, in addition to those known to be harmless;
    True for all. Checksums and structure are always verified. `expected` is the class of the
    trainer; None for ManagedTrainer.

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
        backend = backend_by_name(manifest["model"]["backend"])
        if not set(STATE_MEMBERS) <= set(members):
            raise FileFormatError(f"one of the members {', '.join(STATE_MEMBERS)} is missing")
        states = {name: audit_state(members[name]) for name in STATE_MEMBERS}
        require_libraries(states.values())
        # No object of the file has been constructed before this check.
        require_trust(path, untrusted_names(states.values(), members, backend), trusted)
        trainer: T = _assemble_trainer(
            expected or load_type(TRAINER), manifest, members, states, backend
        )
        return trainer


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


def _read_members(file: BinaryIO) -> tuple[dict[str, Any], dict[str, bytes]]:
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
    kind: type[Any],
    manifest: Mapping[str, Any],
    members: Mapping[str, bytes],
    states: Mapping[str, AuditedState],
    backend: Backend,
) -> Any:
    if manifest.get("trainer") != type_name(kind):
        raise FileFormatError(
            f"it contains a {manifest.get('trainer')}, expected a {type_name(kind)}; load it "
            "with the `load` method of its class"
        )
    state, steps, model = (states[name].make() for name in STATE_MEMBERS)
    if backend.serializer is not None:
        model = backend.serializer.join(ModelParts(model, members))
    if type_name(model) != manifest["model"]["class"]:
        raise FileFormatError(
            f"its model is a {type_name(model)}, but manifest.json lists "
            f"{manifest['model']['class']}"
        )
    parameters = state["parameters"]
    if backend.networks is not None:
        parameters["estimator"] = _decode_estimator(
            parameters["estimator"], members, backend.networks.serializer
        )
    packages = backend.spec.packages if backend.spec.holds_networks else ()
    validate_trees([steps, model, parameters], packages)
    predictor = _predictor(state["fitted"], steps, model)
    trainer = kind(**parameters)
    vars(trainer).update(_attributes(state["attributes"], members, kind))
    vars(trainer).update(
        _predictor=predictor,
        pipeline_=predictor.pipeline,
        model_=predictor.model,
        report_=_report(decode_json(members["report.json"])),
    )
    return trainer


def _decode_estimator(
    estimator: Any, members: Mapping[str, bytes], serializer: NetworkSerializer
) -> Any:
    """Return an estimator (or a Pipeline ending in one) with its networks restored."""
    if not getattr(estimator, "steps", None):
        return serializer.from_files(estimator, members, serializer.prefix)
    name, last = estimator.steps[-1]
    estimator.steps[-1] = (name, serializer.from_files(last, members, serializer.prefix))
    return estimator


def _predictor(state: Mapping[str, Any], steps: Mapping[str, Any], model: Any) -> Predictor:
    from imblearn.pipeline import Pipeline

    named = [(str(name), step) for name, step in steps["steps"]]
    decoded = state["decoded"]
    last = model if decoded is None else DecodedModel(model, **decoded)
    rest = {name: value for name, value in state.items() if name != "decoded"}
    return Predictor(pipeline=Pipeline([*named, (str(steps["model"]), last)]), **rest)


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

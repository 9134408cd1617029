"""A fitted trainer from a `.skt` file, with nothing of the file run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sktrainer.exceptions import FileFormatError, SktrainerError, UntrustedFileError
from sktrainer.results.fitted import FittedModel
from sktrainer.results.report import TrainingReport
from sktrainer.storage.archive import checksum, open_archive, read_member
from sktrainer.storage.layout import ELSEWHERE, MANIFEST, STATES
from sktrainer.storage.manifest import MOST_BYTES, class_path, read_manifest
from sktrainer.storage.natives import Halves, NativeFormat, Stowage, native_format, stowage
from sktrainer.storage.soundness import check_sound
from sktrainer.storage.texts import from_text
from sktrainer.storage.trust import (
    ask_for_trust,
    needed_names,
    require_libraries,
    require_library,
)
from sktrainer.storage.values import Parcel, open_parcel
from sktrainer.types import Split

__all__ = ["read_skt"]

T = TypeVar("T")


def read_skt(path: Path, trusted: bool | Sequence[str], kind: type[T]) -> T:
    """Read a fitted trainer; nothing of the file is run.

    Parameters
    ----------
    path : Path
    trusted : bool or sequence of str
        Import paths that the file may name besides those known to be harmless; True for
        all. Checksums and the like are looked at in any case.
    kind : type
        The class of the trainer.

    Raises
    ------
    FileFormatError
        It is not what `write_skt` writes, or of a later version.
    UntrustedFileError
        It names what is not trusted.
    ImportError
        A library that it needs is not installed.
    """
    with _named(path), path.open("rb") as file:
        manifest, members = _verified(file)
        family = manifest["model"]["family"]
        native = native_format(family)
        require_library(native)
        if not set(STATES) <= set(members):
            raise FileFormatError(f"it lacks one of {', '.join(STATES)}")
        parcels = {name: open_parcel(members[name]) for name in STATES}
        require_libraries(parcels.values())
        ask_for_trust(path, needed_names(parcels.values(), members), trusted)
        return _put_together(manifest, members, parcels, native, kind)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let every failure be one error that names the file."""
    try:
        yield
    except UntrustedFileError:
        raise
    except FileFormatError as error:
        raise FileFormatError(f"{str(path)!r} cannot be loaded: {error}") from None
    except SktrainerError as error:
        raise FileFormatError(f"{str(path)!r} cannot be loaded: {error}") from error
    except ImportError as error:
        if "pip install" in str(error):
            raise
        raise FileFormatError(f"{str(path)!r} cannot be loaded: {error}") from error
    except (Exception, RecursionError, MemoryError) as error:
        raise FileFormatError(
            f"{str(path)!r} cannot be loaded: it is not as `save` writes it "
            f"({type(error).__name__}: {error})"
        ) from error


def _verified(file: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest and all members that it lists, each with its checksum."""
    archive, infos = open_archive(file)
    if MANIFEST not in infos or infos[MANIFEST].file_size > MOST_BYTES:
        raise FileFormatError(f"it has no {MANIFEST}: it is no bundle of sktrainer")
    manifest = read_manifest(read_member(archive, infos.pop(MANIFEST)))
    listed = manifest["members"]
    if set(listed) != set(infos):
        odd = sorted(set(listed) ^ set(infos))
        raise FileFormatError(f"members and manifest.json do not agree about {odd[:5]}")
    members = {}
    for name, info in infos.items():
        data = members[name] = read_member(archive, info)
        if len(data) != listed[name]["bytes"] or checksum(data) != listed[name]["sha256"]:
            raise FileFormatError(f"member {name!r} was changed: its SHA-256 is another")
    return manifest, members


def _put_together(
    manifest: Mapping[str, Any],
    members: Mapping[str, bytes],
    parcels: Mapping[str, Parcel],
    native: NativeFormat | None,
    kind: type[T],
) -> T:
    if manifest.get("trainer") != class_path(kind):
        raise FileFormatError(
            f"it holds a {manifest.get('trainer')}, expected a {class_path(kind)}; load it "
            "with the method `load` of its own class"
        )
    state, walk = parcels["trainer.skops"].make(), parcels["steps.skops"].make()
    model = parcels["model.skops"].make()
    if native is not None:
        model = native.join(Halves(model, members))
    if class_path(model) != manifest["model"]["class"]:
        raise FileFormatError(
            f"its model is a {class_path(model)}, and its manifest.json says "
            f"{manifest['model']['class']}"
        )
    parameters = state["parameters"]
    stow = stowage(manifest["model"]["family"])
    if stow is not None:
        parameters["estimator"] = _unstowed(parameters["estimator"], members, stow)
    check_sound([walk, model, parameters])
    fitted = _fitted_model(state["fitted"], walk, model)
    trainer = kind(**parameters)
    vars(trainer).update(_attributes(state["attributes"], members, kind))
    vars(trainer).update(
        _fitted=fitted,
        pipeline_=fitted.pipeline,
        model_=fitted.model,
        report_=_report(from_text(members["report.json"])),
    )
    return trainer


def _unstowed(estimator: Any, members: Mapping[str, bytes], stow: Stowage) -> Any:
    """Return an estimator, or a Pipeline that ends in one, with its networks."""
    if not getattr(estimator, "steps", None):
        return stow.unstowed(estimator, members, stow.prefix)
    name, last = estimator.steps[-1]
    estimator.steps[-1] = (name, stow.unstowed(last, members, stow.prefix))
    return estimator


def _fitted_model(state: Mapping[str, Any], walk: Mapping[str, Any], model: Any) -> FittedModel:
    from imblearn.pipeline import Pipeline

    steps = [(str(name), step) for name, step in walk["steps"]]
    return FittedModel(pipeline=Pipeline([*steps, (str(walk["model"]), model)]), **state)


def _attributes(
    state: Mapping[str, Any], members: Mapping[str, bytes], kind: type
) -> dict[str, Any]:
    history = from_text(members["history.json"])
    found = {**state, **from_text(members["tables.json"])}
    found["history_"], found["evals_result_"] = history["history"], history["evals"]
    found["split_"] = Split(**found["split_"])
    shadowed = {name for name in found if callable(getattr(kind, name, None))}
    if shadowed or set(ELSEWHERE) & set(state):
        raise FileFormatError(f"it sets {sorted(shadowed) or ELSEWHERE}, as no bundle does")
    return found


def _report(fields: Mapping[str, Any]) -> TrainingReport:
    known = {f.name for f in dataclasses.fields(TrainingReport)}
    return TrainingReport(**{name: value for name, value in fields.items() if name in known})

"""Keras: models as configurations and arrays, and their estimators as plain values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.exceptions import FileFormatError
from sktrainer.running.caller_state import kept
from sktrainer.storage.natives import Halves, NativeFormat, Stowage
from sktrainer.storage.stand_ins import StoredModule, StoredNet

__all__ = ["FORMAT", "STOWAGE"]

MEMBER = "model.keras"
ROOTS = ("keras", "scikeras")


class KerasFormat:
    """File format of Keras estimators: parameters, model and optimizer state."""

    package, extra = "keras", "keras"
    suffixes: tuple[str, ...] = (".keras",)

    def split(self, model: Any) -> Halves:
        """Separate the Keras model from its estimator."""
        return Halves(*STOWAGE.stowed(model, MEMBER))

    def join(self, halves: Halves) -> Any:
        """Restore the Keras model and its estimator."""
        if not isinstance(halves.state, StoredNet) or f"{MEMBER}.json" not in halves.files:
            raise FileFormatError(f"{MEMBER}.json or its estimator is missing")
        return STOWAGE.unstowed(halves.state, halves.files, MEMBER)

    def write(self, model: Any, path: Path) -> None:
        """Write a file that `keras.saving.load_model` can read."""
        with kept(), warnings.catch_warnings():
            # Keras on TensorFlow implements `__array__` in a way that NumPy deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            model.model_.save(path)


class KerasStowage:
    """Storage of Keras estimators, and of bare Keras models, optimizers and losses."""

    prefix = "trainer.keras"

    def stowed(self, value: Any, prefix: str) -> tuple[Any, dict[str, bytes]]:
        """Return a value with placeholders for its Keras objects, and files with these."""
        from sktrainer.storage.natives._keras_models import Drawer, is_of_keras

        drawer = Drawer()

        def stand_in(item: Any) -> Any:
            if is_of_keras(item):
                return StoredModule(drawer.put(item))
            return _each(item, stand_in)

        stored = stand_in(value)
        if _is_estimator(value):
            kind, fitted = _kind(value)
            state = {name: stand_in(item) for name, item in vars(value).items()}
            stored = StoredNet(kind, state, fitted)
        return stored, drawer.packed(prefix) if drawer.entries else {}

    def unstowed(self, value: Any, files: Mapping[str, bytes], prefix: str) -> Any:
        """Restore a value from the results of `stowed`."""
        from sktrainer.storage.natives._keras_models import Drawer

        if not isinstance(value, (StoredModule, StoredNet)):
            return value
        drawer = Drawer.of(files, prefix) if f"{prefix}.json" in files else Drawer()

        def made(item: Any) -> Any:
            return (
                drawer.take(item.number)
                if isinstance(item, StoredModule)
                else _each(item, made)
            )

        if isinstance(value, StoredModule):
            return made(value)
        return _made_net(value, {name: made(item) for name, item in value.state.items()})

    def named(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the import paths that the user must trust to load a bundle's files."""
        from sktrainer.storage.natives._keras_models import Drawer

        prefixes = [n.removesuffix(".json") for n in files if n.endswith(".keras.json")]
        return {name for p in prefixes for name in Drawer.of(files, p).needed()}


FORMAT = KerasFormat()
STOWAGE = KerasStowage()


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """Apply a function to each item of a list, tuple or dict; return other values as is."""
    if type(value) in (list, tuple):
        return type(value)(change(item) for item in value)
    if type(value) is dict:
        return {key: change(item) for key, item in value.items()}
    return value


def _is_estimator(value: Any) -> bool:
    from sktrainer.backends._keras_trainee import Trainee

    if isinstance(value, type) or not hasattr(value, "get_params"):
        return False
    return isinstance(value, Trainee) or _root(type(value)) in ROOTS


def _root(kind: type) -> str:
    roots = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((root for root in roots if root in ROOTS), "")


def _kind(net: Any) -> tuple[type, bool]:
    """Return the estimator's class without the adapter, and whether there was one."""
    from sktrainer.backends._keras_nets import KerasNet
    from sktrainer.backends._keras_trainee import Trainee

    if isinstance(net, Trainee) and not isinstance(net, KerasNet):
        return type(net).__bases__[1], True
    return type(net), False


def _made_net(stored: StoredNet, state: dict[str, Any]) -> Any:
    from sktrainer.backends._keras_nets import KerasNet
    from sktrainer.backends._keras_wrappers import managed

    kind: Any = stored.kind
    known = isinstance(kind, type) and (issubclass(kind, KerasNet) or _root(kind) in ROOTS)
    if not known or not hasattr(kind, "get_params"):
        raise FileFormatError(
            f"it contains an estimator of class {kind!r}, which is not a Keras estimator"
        )
    kind = managed(kind) if stored.fitted else kind
    net = kind.__new__(kind)  # without __setstate__, which accepts Lambda layers
    vars(net).update(state)
    return net


if TYPE_CHECKING:
    _: NativeFormat = FORMAT
    __: Stowage = STOWAGE

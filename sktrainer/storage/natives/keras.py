"""Keras: models as configuration and arrays, the estimators around them as plain values."""

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
    """Estimators of Keras: parameters, and the model with its optimizer's state."""

    package, extra = "keras", "keras"
    suffixes: tuple[str, ...] = (".keras",)

    def split(self, model: Any) -> Halves:
        """Take the Keras model out."""
        return Halves(*STOWAGE.stowed(model, MEMBER))

    def join(self, halves: Halves) -> Any:
        """Make the Keras model and the estimator around it."""
        if not isinstance(halves.state, StoredNet) or f"{MEMBER}.json" not in halves.files:
            raise FileFormatError(f"it lacks {MEMBER}.json or the estimator around it")
        return STOWAGE.unstowed(halves.state, halves.files, MEMBER)

    def write(self, model: Any, path: Path) -> None:
        """Write the file that `keras.saving.load_model` reads."""
        with kept(), warnings.catch_warnings():
            # Keras on TensorFlow asks NumPy for arrays in a way that newer ones advise against.
            warnings.simplefilter("ignore", DeprecationWarning)
            model.model_.save(path)


class KerasStowage:
    """Estimators that hold Keras models, optimizers, losses, and these by themselves."""

    prefix = "trainer.keras"

    def stowed(self, value: Any, prefix: str) -> tuple[Any, dict[str, bytes]]:
        """Return a value with stand-ins for what is Keras's, and files for that."""
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
        """Make again what `stowed` took."""
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
        """Return the import paths that what is in a bundle's files has to be trusted with."""
        from sktrainer.storage.natives._keras_models import Drawer

        prefixes = [n.removesuffix(".json") for n in files if n.endswith(".keras.json")]
        return {name for p in prefixes for name in Drawer.of(files, p).needed()}


FORMAT = KerasFormat()
STOWAGE = KerasStowage()


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a list, tuple or dict with each item changed; anything else as it is."""
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
    """Return the class that the caller knows, and whether ours is laid over it."""
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
            f"it holds an estimator of class {kind!r}, which is none of Keras"
        )
    kind = managed(kind) if stored.fitted else kind
    net = kind.__new__(kind)
    vars(net).update(state)
    return net


if TYPE_CHECKING:
    _: NativeFormat = FORMAT
    __: Stowage = STOWAGE

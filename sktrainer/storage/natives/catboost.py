"""CatBoost: the trees as cbm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.exceptions import FileFormatError
from sktrainer.storage.natives import Halves, NativeFormat

__all__ = ["FORMAT"]

MEMBER = "model.cbm"
TREES = "__model"


class CatBoostFormat:
    """Models whose state is their parameters and the trees."""

    package, extra = "catboost", "catboost"
    suffixes: tuple[str, ...] = (".cbm",)

    def split(self, model: Any) -> Halves:
        """Take the trees out of the state."""
        state = model.__getstate__()
        trees = state.pop(TREES)
        return Halves({"kind": type(model), "state": state}, {MEMBER: bytes(trees)})

    def join(self, halves: Halves) -> Any:
        """Make the estimator from both."""
        from catboost import CatBoost

        state = halves.state
        whole = isinstance(state, dict) and set(state) == {"kind", "state"}
        kind: Any = state["kind"] if whole else None
        if not (isinstance(kind, type) and issubclass(kind, CatBoost)):
            raise FileFormatError("it lacks the estimator around its model")
        if MEMBER not in halves.files or TREES in state["state"]:
            raise FileFormatError(f"it lacks {MEMBER}, or has another model beside it")
        made: Any = kind
        model = made.__new__(made)
        model.__setstate__({**state["state"], TREES: halves.files[MEMBER]})
        return model

    def write(self, model: Any, path: Path) -> None:
        """Write cbm."""
        model.save_model(str(path), format="cbm")


FORMAT = CatBoostFormat()

if TYPE_CHECKING:
    _: NativeFormat = FORMAT

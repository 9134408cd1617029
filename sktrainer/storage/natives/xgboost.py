"""XGBoost: the trees as UBJSON, or JSON."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.exceptions import FileFormatError
from sktrainer.storage.natives import Halves, NativeFormat

__all__ = ["FORMAT"]

MEMBER = "model.ubj"


class XGBoostFormat:
    """Models with a booster, whose own file knows nothing of the constructor's parameters."""

    package, extra = "xgboost", "xgboost"
    suffixes: tuple[str, ...] = (".ubj", ".json")

    def split(self, model: Any) -> Halves:
        """Take the booster out."""
        rest = copy.copy(model)
        rest._Booster = None
        return Halves(rest, {MEMBER: bytes(model.get_booster().save_raw("ubj"))})

    def join(self, halves: Halves) -> Any:
        """Read the booster and put it in."""
        from xgboost import Booster, XGBModel

        if not isinstance(halves.state, XGBModel) or MEMBER not in halves.files:
            raise FileFormatError(f"it lacks {MEMBER} or the estimator around it")
        threads = halves.state.n_jobs
        booster = Booster(None if threads is None else {"nthread": threads})
        booster.load_model(bytearray(halves.files[MEMBER]))
        halves.state._Booster = booster
        return halves.state

    def write(self, model: Any, path: Path) -> None:
        """Write UBJSON, or JSON where the path ends so."""
        raw = model.get_booster().save_raw(path.suffix.removeprefix("."))
        path.write_bytes(bytes(raw))


FORMAT = XGBoostFormat()

if TYPE_CHECKING:
    _: NativeFormat = FORMAT

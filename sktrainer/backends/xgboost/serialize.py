"""XGBoost models in UBJSON or JSON format."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.backends.support import ModelParts, ModelSerializer
from sktrainer.exceptions import FileFormatError

__all__ = ["FORMAT"]


MEMBER = "model.ubj"


class XGBoostSerializer:
    """Format of XGBoost models; the native file has no constructor parameters."""

    package, extra = "xgboost", "xgboost"
    suffixes: tuple[str, ...] = (".ubj", ".json")

    def split(self, model: Any) -> ModelParts:
        """Split off the booster."""
        rest = copy.copy(model)
        rest._Booster = None
        return ModelParts(rest, {MEMBER: bytes(model.get_booster().save_raw("ubj"))})

    def join(self, halves: ModelParts) -> Any:
        """Load the booster and attach it to the estimator."""
        from xgboost import Booster, XGBModel

        if not isinstance(halves.state, XGBModel) or MEMBER not in halves.files:
            raise FileFormatError(f"{MEMBER} or its estimator is missing")
        threads = halves.state.n_jobs
        booster = Booster(None if threads is None else {"nthread": threads})
        booster.load_model(bytearray(halves.files[MEMBER]))
        halves.state._Booster = booster
        return halves.state

    def write(self, model: Any, path: Path) -> None:
        """Write the booster as UBJSON or JSON, depending on the suffix of the path."""
        raw = model.get_booster().save_raw(path.suffix.removeprefix("."))
        path.write_bytes(bytes(raw))


FORMAT = XGBoostSerializer()


if TYPE_CHECKING:
    _: ModelSerializer = FORMAT

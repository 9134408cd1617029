"""XGBoost models in UBJSON or JSON format."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from sktrainer.backends.support import (
    AllowedTypes,
    ModelParts,
    import_paths,
)
from sktrainer.exceptions import FileFormatError

MEMBER = "model.ubj"

ALLOWED_TYPES = AllowedTypes(
    objects=(
        "xgboost.core.Booster",
        *import_paths(
            "xgboost.sklearn",
            "XGBClassifier XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor",
        ),
    )
)


class XGBoostSerializer:
    """Format of XGBoost models; the native file has no constructor parameters."""

    suffixes: tuple[str, ...] = (".ubj", ".json")

    def split(self, model: Any) -> ModelParts:
        """Split off the booster."""
        rest = copy.copy(model)
        rest._Booster = None
        return ModelParts(rest, {MEMBER: bytes(model.get_booster().save_raw("ubj"))})

    def join(self, parts: ModelParts) -> Any:
        """Load the booster and attach it to the estimator."""
        from xgboost import Booster, XGBModel

        if not isinstance(parts.state, XGBModel) or MEMBER not in parts.files:
            raise FileFormatError(f"{MEMBER} or its estimator is missing")
        threads = parts.state.n_jobs
        booster = Booster(None if threads is None else {"nthread": threads})
        booster.load_model(bytearray(parts.files[MEMBER]))
        parts.state._Booster = booster
        return parts.state

    def write(self, model: Any, path: Path) -> None:
        """Write the booster as UBJSON or JSON, depending on the suffix of the path."""
        raw = model.get_booster().save_raw(path.suffix.removeprefix("."))
        path.write_bytes(bytes(raw))

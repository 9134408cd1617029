"""CatBoost models in cbm format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sktrainer.backends.support import (
    AllowedTypes,
    ModelParts,
    import_paths,
)
from sktrainer.exceptions import FileFormatError

MEMBER = "model.cbm"
TREES = "__model"

_ESTIMATORS = import_paths(
    "catboost.core", "CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor"
)

ALLOWED_TYPES = AllowedTypes(
    objects=(*_ESTIMATORS, "sktrainer/nested-catboost-classifier"),
    classes=_ESTIMATORS,
    unstable=(TREES, "_test_evals"),  # bytes of the trees; None until it is read
)


class CatBoostSerializer:
    """Format of CatBoost models, whose state has their parameters and the trees."""

    suffixes: tuple[str, ...] = (".cbm",)

    def split(self, model: Any) -> ModelParts:
        """Split the trees off the state."""
        state = model.__getstate__()
        trees = state.pop(TREES)
        return ModelParts({"kind": type(model), "state": state}, {MEMBER: bytes(trees)})

    def join(self, parts: ModelParts) -> Any:
        """Rebuild the estimator from its state and trees."""
        from catboost import CatBoost

        state = parts.state
        whole = isinstance(state, dict) and set(state) == {"kind", "state"}
        kind: Any = state["kind"] if whole else None
        if not (isinstance(kind, type) and issubclass(kind, CatBoost)):
            raise FileFormatError(f"the estimator of {MEMBER} is missing")
        if MEMBER not in parts.files or TREES in state["state"]:
            raise FileFormatError(f"{MEMBER} is missing, or the state has a second model")
        made: Any = kind
        model = made.__new__(made)
        model.__setstate__({**state["state"], TREES: parts.files[MEMBER]})
        return model

    def write(self, model: Any, path: Path) -> None:
        """Write the model as cbm."""
        model.save_model(str(path), format="cbm")

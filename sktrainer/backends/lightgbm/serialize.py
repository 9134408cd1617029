"""LightGBM models in text format."""

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

MEMBER = "model.txt"
HANDLE = "_handle"
CODES = "_class_map"

ALLOWED_TYPES = AllowedTypes(
    objects=(
        "lightgbm.basic.Booster",
        *import_paths("lightgbm.sklearn", "LGBMClassifier LGBMRanker LGBMRegressor"),
    )
)


class LightGBMSerializer:
    """Format of LightGBM models: the booster's text and the state of its Python object."""

    suffixes: tuple[str, ...] = (".txt",)

    def split(self, model: Any) -> ModelParts:
        """Split off the booster."""
        rest = copy.copy(model)
        rest._Booster = None
        if getattr(rest, CODES, None) is not None:
            setattr(rest, CODES, None)
        booster = model.booster_.__getstate__()
        text = booster.pop(HANDLE)
        return ModelParts({"model": rest, "booster": booster}, {MEMBER: text.encode()})

    def join(self, parts: ModelParts) -> Any:
        """Load the booster and attach it to the estimator."""
        from lightgbm import Booster, LGBMModel

        state = parts.state
        whole = isinstance(state, dict) and set(state) == {"model", "booster"}
        if not whole or not isinstance(state["model"], LGBMModel) or MEMBER not in parts.files:
            raise FileFormatError(f"{MEMBER} or its estimator is missing")
        booster: Any = Booster.__new__(Booster)
        booster._handle = None  # `__del__` needs it even if loading the text fails
        text = parts.files[MEMBER].decode()
        booster.__setstate__({**state["booster"], HANDLE: text})
        model = state["model"]
        model._Booster = booster
        if hasattr(model, "_le") and getattr(model, CODES, None) is None:
            labels = model._le.classes_
            setattr(model, CODES, dict(zip(labels, model._le.transform(labels), strict=True)))
        return model

    def write(self, model: Any, path: Path) -> None:
        """Write the booster as text."""
        path.write_text(model.booster_.model_to_string(), encoding="utf-8", newline="\n")

"""Backend for the estimators of CatBoost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from sktrainer.backends._boosting.parameters import refuse_unsupported
from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends.base import (
    Capabilities,
    ColumnBackend,
    DeviceSupport,
    FitRequest,
    GuestBackend,
)
from sktrainer.backends.catboost.checkpoint import snapshot_params
from sktrainer.backends.catboost.devices import available_gpus
from sktrainer.backends.catboost.metrics import requested_metric
from sktrainer.backends.catboost.parameters import (
    OVERRIDDEN_PARAMS,
    ROUNDS_PARAMS,
    n_rounds,
    override_params,
    set_device,
    set_unset_params,
)
from sktrainer.backends.catboost.train import train_rounds
from sktrainer.backends.support import ColumnParameter
from sktrainer.runtime.devices import AvailableGpus
from sktrainer.types import ModelFit, Task


class CatBoostBackend:
    """Backend for CatBoostClassifier, CatBoostRegressor, and subclasses.

    With ``tol=0``, CatBoost's own overfitting detector, which applies the same rule, stops
    the fit. The history is then replayed from `get_evals_result`, without times. A Python
    callback receives the complete history in each round, which makes a fit 1.3 times as long;
    it is used only with ``tol > 0``, which CatBoost does not support.
    """

    name = "catboost"
    column_parameters: ClassVar[Mapping[str, ColumnParameter]] = {
        "monotone_constraints": ColumnParameter("each"),
        "feature_weights": ColumnParameter("weights"),
        "ignored_features": ColumnParameter("listed"),
        "cat_features": ColumnParameter("categories", lambda _: None),
        "text_features": ColumnParameter("texts"),
        "embedding_features": ColumnParameter("texts"),
    }
    as_guest: ClassVar[Mapping[str, Any]] = {"allow_writing_files": False}

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        refuse_unsupported(model, "CatBoost")
        return Capabilities(
            native_categorical=True,
            category_codes="frame",
            native_missing=True,
            scale_sensitive=False,
            predict_is_argmax=isinstance(
                model.get_params().get("loss_function", "Logloss"), str
            ),
            max_iter=n_rounds(model.get_params()),
            early_stopping_by_default=True,
            iteration_name="round",
            releases_gil=True,
        )

    def own_device(self, model: Any) -> str | None:
        """Return the device set by `task_type` and `devices`; "cuda" if there are several."""
        given = model.get_params()
        if str(given.get("task_type")) != "GPU":
            return "cpu" if given.get("task_type") else None
        devices = given.get("devices")
        index = str(devices[0] if isinstance(devices, list) and len(devices) == 1 else devices)
        return f"cuda:{index}" if index.isdecimal() else "cuda"

    def gpus(self, model: Any) -> AvailableGpus:
        return available_gpus()

    def fit(self, request: FitRequest) -> ModelFit:
        refuse_unsupported(request.model, "CatBoost")
        model = request.model
        if request.device is not None:
            set_device(model, request.device)
        set_unset_params(request)
        given = model.get_params()
        max_iter = request.n_iter or n_rounds(given)
        names, changes = requested_metric(request)
        recorder = RoundRecorder(request, names)
        changes |= {name: v for name, v in self.as_guest.items() if given.get(name) is None}
        dropped = (
            *OVERRIDDEN_PARAMS,
            *ROUNDS_PARAMS,
            *(["cat_features"] if request.categorical else []),
        )
        with (
            snapshot_params(request.checkpoint) as more,
            override_params(model, {**changes, **more, "iterations": max_iter}, dropped),
        ):
            train_rounds(request, recorder)
        return recorder.outcome(model, max_iter)


if TYPE_CHECKING:
    _: DeviceSupport = CatBoostBackend()
    _of_columns: ColumnBackend = CatBoostBackend()
    _as_guest: GuestBackend = CatBoostBackend()

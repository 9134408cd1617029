"""GPUs that CatBoost can use."""

from __future__ import annotations

from typing import Any

from sktrainer.runtime.devices import AvailableGpus, cuda_driver, cuda_names


class CatBoostDevices:
    """Device parameters of CatBoost models, and their GPUs."""

    def configured_device(self, model: Any) -> str | None:
        """Return the device set by `task_type` and `devices`; "cuda" if there are several."""
        given = model.get_params()
        if str(given.get("task_type")) != "GPU":
            return "cpu" if given.get("task_type") else None
        devices = given.get("devices")
        index = str(devices[0] if isinstance(devices, list) and len(devices) == 1 else devices)
        return f"cuda:{index}" if index.isdecimal() else "cuda"

    def available_gpus(self, model: Any) -> AvailableGpus:
        """Return the GPUs for CatBoost, which sums floats in no fixed order."""
        count, _ = cuda_driver()
        if count:
            from catboost.utils import get_gpu_device_count

            count = int(get_gpu_device_count())
        return AvailableGpus(cuda_names(count), "CatBoost sees no GPU", reproducible=False)

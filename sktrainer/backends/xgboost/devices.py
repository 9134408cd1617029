"""GPUs that XGBoost can use."""

from __future__ import annotations

import functools
import json
import warnings
from typing import Any

from sktrainer.exceptions import ParameterError
from sktrainer.runtime.devices import AvailableGpus, cuda_driver, cuda_names


class XGBoostDevices:
    """Device parameters of XGBoost models, and their GPUs."""

    def configured_device(self, model: Any) -> str | None:
        """Return the device of the model; "gpu" is XGBoost's alias of "cuda"."""
        return None if model.device is None else str(model.device).replace("gpu", "cuda")

    def available_gpus(self, model: Any) -> AvailableGpus:
        """Return the GPUs, or none if the selected algorithm runs on the CPU only.

        XGBoost is reproducible on a GPU: its histograms do not depend on the summation order.
        """
        for name, value in (("booster", "gblinear"), ("tree_method", "exact")):
            if getattr(model, name) == value:
                return AvailableGpus(reason_if_none=f"{name}={value!r} trains on the CPU only")
        needs = _cuda_of_xgboost()
        if needs is None:
            return AvailableGpus(reason_if_none="this build of XGBoost has no CUDA support")
        count, version = cuda_driver()
        if count and version < needs:
            return AvailableGpus(
                reason_if_none=f"the NVIDIA driver supports CUDA {version}, but this XGBoost "
                f"build needs CUDA {needs}"
            )
        return AvailableGpus(cuda_names(count), "XGBoost sees no GPU")


@functools.cache
def _cuda_of_xgboost() -> int | None:
    """Return the major CUDA version that XGBoost was built with, or None without CUDA."""
    import xgboost

    build = xgboost.build_info()
    if not build.get("USE_CUDA"):
        return None
    return int((build.get("CUDA_VERSION") or [0])[0])


def check_no_cpu_fallback(device: str) -> None:
    """Raise an error if XGBoost would replace this device with the CPU.

    XGBoost only warns if the driver reports GPUs but CUDA fails. Call this only for a device
    that is about to be used, because the check allocates memory on it.

    Raises
    ------
    ParameterError
    """
    import xgboost

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        booster = xgboost.Booster({"device": device, "num_feature": 1})
        found = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    if found == "cpu":
        raise ParameterError(
            f"XGBoost cannot train on {device!r} and would use the CPU, although the driver "
            "reports a GPU; fix the CUDA driver installation, or use device='cpu'"
        )

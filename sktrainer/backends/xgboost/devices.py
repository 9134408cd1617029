"""GPUs that XGBoost can use."""

from __future__ import annotations

import functools
import json
import warnings

from sktrainer.exceptions import ParameterError
from sktrainer.runtime.devices import AvailableGpus, cuda_driver, cuda_names

__all__ = ["available_gpus", "check_no_cpu_fallback"]


def available_gpus() -> AvailableGpus:
    """Return the GPUs for XGBoost.

    XGBoost is reproducible on a GPU: its histograms do not depend on the summation order.
    """
    needs = _cuda_of_xgboost()
    if needs is None:
        return AvailableGpus(reason_if_none="this build of XGBoost has no CUDA support")
    count, version = cuda_driver()
    if count and version < needs:
        return AvailableGpus(
            reason_if_none=f"the NVIDIA driver supports CUDA {version}, but this XGBoost build "
            f"needs CUDA {needs}"
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

"""Detection of the NVIDIA GPUs available to the gradient boosting libraries.

XGBoost and LightGBM report a missing GPU only when training on it, and CatBoost prints to
the terminal if there is no driver. The NVIDIA driver is therefore queried first: this prints
nothing, allocates no GPU memory, and respects CUDA_VISIBLE_DEVICES.
"""

from __future__ import annotations

import ctypes
import functools
import json
import mmap
import sys
import warnings
from pathlib import Path

from sktrainer.exceptions import ParameterError
from sktrainer.running.devices import AvailableGpus

__all__ = [
    "check_no_cpu_fallback",
    "cuda_driver",
    "gpus_of_catboost",
    "gpus_of_lightgbm",
    "gpus_of_xgboost",
    "lightgbm_has_cuda",
]


# The driver reads its environment variables only once, so the result cannot change.
@functools.cache
def cuda_driver() -> tuple[int, int]:
    """Return the number of visible GPUs and the major CUDA version that the driver supports.

    Both are 0 if there is no driver.
    """
    try:
        cuda = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0, 0
    count, version = ctypes.c_int(), ctypes.c_int()
    # Each function returns 0 on success. CUDA 12.4 is encoded as 12040.
    failed = (
        cuda.cuInit(0)
        or cuda.cuDeviceGetCount(ctypes.byref(count))
        or cuda.cuDriverGetVersion(ctypes.byref(version))
    )
    return (0, 0) if failed else (count.value, version.value // 1000)


def gpus_of_xgboost() -> AvailableGpus:
    """Return the GPUs for XGBoost.

    XGBoost is reproducible on a GPU: its histograms do not depend on the summation order.
    """
    needs = _cuda_of_xgboost()
    if needs is None:
        return AvailableGpus(reason_if_none="this build of XGBoost has no CUDA support")
    count, version = cuda_driver()
    if count and version < needs:
        return AvailableGpus(
            reason_if_none=f"the NVIDIA driver supports CUDA {version}, but this build of XGBoost "
            f"needs CUDA {needs}"
        )
    return AvailableGpus(cuda_names(count), "XGBoost sees no GPU")


def gpus_of_lightgbm() -> AvailableGpus:
    """Return the GPUs for LightGBM, whose CUDA learner sums floats in no fixed order."""
    count, _ = cuda_driver()
    if count and not lightgbm_has_cuda():
        return AvailableGpus(reason_if_none="this build of LightGBM has no CUDA support")
    return AvailableGpus(cuda_names(count), "LightGBM sees no GPU", reproducible=False)


def gpus_of_catboost() -> AvailableGpus:
    """Return the GPUs for CatBoost, which sums floats in no fixed order."""
    count, _ = cuda_driver()
    if count:
        from catboost.utils import get_gpu_device_count

        count = int(get_gpu_device_count())
    return AvailableGpus(cuda_names(count), "CatBoost sees no GPU", reproducible=False)


def cuda_names(count: int) -> tuple[str, ...]:
    return tuple(f"cuda:{index}" for index in range(count))


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


@functools.cache
def lightgbm_has_cuda() -> bool:
    """Return whether LightGBM was built with CUDA.

    LightGBM has no function for this. A trial fit would print to the terminal on failure and
    allocate GPU memory on success. Builds without CUDA contain the text of an error message,
    so the shared library is searched for it.
    """
    import lightgbm

    path = getattr(getattr(lightgbm.basic, "_LIB", None), "_name", None)
    if path is None or not Path(path).is_file():
        return True  # unknown: a fit on the GPU raises if it is not supported
    with (
        Path(path).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as library,
    ):
        return library.find(b"CUDA Tree Learner was not enabled in this build") < 0

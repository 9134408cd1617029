"""What the gradient boosting libraries see of NVIDIA's GPUs, asked without leaving a trace.

XGBoost and LightGBM tell of a missing GPU only by trying one, and CatBoost prints to the
terminal where there is no driver. So the driver is asked first: it answers in silence,
takes no memory on a GPU, and knows CUDA_VISIBLE_DEVICES.
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
from sktrainer.running.devices import Gpus

__all__ = [
    "driver",
    "gpus_of_catboost",
    "gpus_of_lightgbm",
    "gpus_of_xgboost",
    "lightgbm_has_cuda",
    "refuse_fallback",
]


# The driver reads its environment once: a second answer would be the same.
@functools.cache
def driver() -> tuple[int, int]:
    """Return how many GPUs the driver shows, and the major version of CUDA that it is for.

    Both 0 without a driver.
    """
    try:
        cuda = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0, 0
    count, version = ctypes.c_int(), ctypes.c_int()
    failed = (
        cuda.cuInit(0)
        or cuda.cuDeviceGetCount(ctypes.byref(count))
        or cuda.cuDriverGetVersion(ctypes.byref(version))
    )
    return (0, 0) if failed else (count.value, version.value // 1000)


def gpus_of_xgboost() -> Gpus:
    """Return the GPUs for XGBoost, whose histograms are the same in whatever order they add."""
    needs = _cuda_of_xgboost()
    if needs is None:
        return Gpus(why_none="this build of XGBoost has no CUDA")
    count, version = driver()
    if count and version < needs:
        return Gpus(
            why_none=f"the NVIDIA driver is for CUDA {version}, and this build of XGBoost "
            f"needs one for CUDA {needs}"
        )
    return Gpus(_named(count), "XGBoost sees no GPU")


def gpus_of_lightgbm() -> Gpus:
    """Return the GPUs for LightGBM's CUDA learner, which adds floats in an open order."""
    count, _ = driver()
    if count and not lightgbm_has_cuda():
        return Gpus(why_none="this build of LightGBM has no CUDA")
    return Gpus(_named(count), "LightGBM sees no GPU", repeats=False)


def gpus_of_catboost() -> Gpus:
    """Return the GPUs for CatBoost, which adds floats in an open order."""
    count, _ = driver()
    if count:
        from catboost.utils import get_gpu_device_count

        count = int(get_gpu_device_count())
    return Gpus(_named(count), "CatBoost sees no GPU", repeats=False)


def _named(count: int) -> tuple[str, ...]:
    return tuple(f"cuda:{index}" for index in range(count))


@functools.cache
def _cuda_of_xgboost() -> int | None:
    """Return the major version of CUDA that XGBoost was built with, None without."""
    import xgboost

    build = xgboost.build_info()
    if not build.get("USE_CUDA"):
        return None
    return int((build.get("CUDA_VERSION") or [0])[0])


def refuse_fallback(device: str) -> None:
    """Refuse a device that XGBoost, asked for it, changes to the CPU.

    It does so with no more than a warning where CUDA itself fails under a driver that
    shows GPUs. Only for a device that is about to be used: asking takes memory on it.

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
            f"expected to train on {device!r}, got the CPU from XGBoost, which cannot use the "
            "GPUs that the driver shows; mend the driver, or use device='cpu'"
        )


@functools.cache
def lightgbm_has_cuda() -> bool:
    """Tell whether LightGBM was built with CUDA: other builds carry the sentence that refuses.

    LightGBM itself tells by a fit alone, which prints to the terminal where it fails, and
    takes memory on the GPU where it does not.
    """
    import lightgbm

    path = getattr(getattr(lightgbm.basic, "_LIB", None), "_name", None)
    if path is None or not Path(path).is_file():
        return True  # a fit will tell
    with (
        Path(path).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as library,
    ):
        return library.find(b"CUDA Tree Learner was not enabled in this build") < 0

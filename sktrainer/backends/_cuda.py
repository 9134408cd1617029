"""The NVIDIA GPUs of this machine, for libraries that cannot be asked without a trace.

XGBoost and LightGBM tell of missing GPUs only by trying one, and CatBoost prints to the
terminal where there is no driver. The driver itself answers in silence, takes no memory on
a GPU, and knows CUDA_VISIBLE_DEVICES.
"""

from __future__ import annotations

import ctypes
import functools
import sys

from sktrainer.running.devices import Gpus

__all__ = ["driver", "gpus_of_driver"]


def gpus_of_driver(library: str, runtime: int = 0, *, repeats: bool) -> Gpus:
    """Return the GPUs that the driver shows to a library.

    Parameters
    ----------
    library : str
        Its name, for the reason.
    runtime : int, default=0
        Major version of the CUDA that it was built with: an older driver cannot run it.
    repeats : bool
        As in `Gpus`.
    """
    count, version = driver()
    if count and version < runtime:
        return Gpus(
            why_none=f"the NVIDIA driver is for CUDA {version}, and this build of {library} "
            f"needs one for CUDA {runtime}"
        )
    if not count:
        return Gpus(why_none=f"{library} sees no GPU")
    return Gpus(tuple(f"cuda:{index}" for index in range(count)), repeats=repeats)


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

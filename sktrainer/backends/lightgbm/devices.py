"""GPUs that LightGBM can use."""

from __future__ import annotations

import functools
import mmap
from pathlib import Path
from typing import Any

from sktrainer.backends.lightgbm.parameters import configured_device
from sktrainer.runtime.devices import AvailableGpus, cuda_driver, cuda_names


class LightGBMDevices:
    """Device parameters of LightGBM models, and their GPUs."""

    def configured_device(self, model: Any) -> str | None:
        return configured_device(vars(model))  # faster than get_params, which takes 0.25 ms

    def available_gpus(self, model: Any) -> AvailableGpus:
        """Return the GPUs for LightGBM, whose CUDA learner sums floats in no fixed order."""
        count, _ = cuda_driver()
        if count and not lightgbm_has_cuda():
            return AvailableGpus(reason_if_none="this build of LightGBM has no CUDA support")
        return AvailableGpus(cuda_names(count), "LightGBM sees no GPU", reproducible=False)


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

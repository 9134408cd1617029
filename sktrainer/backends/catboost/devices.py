"""GPUs that CatBoost can use."""

from __future__ import annotations

from sktrainer.runtime.devices import AvailableGpus, cuda_driver, cuda_names

__all__ = ["available_gpus"]


def available_gpus() -> AvailableGpus:
    """Return the GPUs for CatBoost, which sums floats in no fixed order."""
    count, _ = cuda_driver()
    if count:
        from catboost.utils import get_gpu_device_count

        count = int(get_gpu_device_count())
    return AvailableGpus(cuda_names(count), "CatBoost sees no GPU", reproducible=False)

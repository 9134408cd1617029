"""GPUs that torch sees, and torch's random generators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from sktrainer.runtime.devices import AvailableGpus


def gpus() -> AvailableGpus:
    """Return the GPUs that torch sees: CUDA (including ROCm), then Apple's MPS."""
    names = tuple(f"cuda:{index}" for index in range(_n_cuda()))
    if torch.backends.mps.is_available():
        names = (*names, "mps")
    return AvailableGpus(names, "" if names else "torch sees no GPU")


def is_available(device: str | torch.device | None) -> bool:
    """Return whether torch can place a tensor on this device.

    Examples
    --------
    >>> is_available("cpu"), is_available("cuda:99")
    (True, False)
    """
    place = torch.device("cpu" if device is None else device)
    if place.type == "cuda":
        return (place.index or 0) < _n_cuda()
    return place.type != "mps" or bool(torch.backends.mps.is_available())


def _n_cuda() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


class GpuMemory:
    """Peak of the memory that torch allocates on a CUDA device, from now on.

    torch's own peak is reset, because it would otherwise be that of earlier fits.

    Parameters
    ----------
    device : str, torch.device or None

    Examples
    --------
    >>> GpuMemory("cpu").peak_mb() is None
    True
    """

    def __init__(self, device: str | torch.device | None) -> None:
        place = torch.device("cpu" if device is None else device)
        self._place = place if place.type == "cuda" and is_available(place) else None
        if self._place is not None:
            torch.cuda.init()
            torch.cuda.reset_peak_memory_stats(self._place)

    def peak_mb(self) -> float | None:
        """Return the peak in MB, or None on other devices."""
        if self._place is None:
            return None
        return float(torch.cuda.max_memory_allocated(self._place)) / 2**20


@contextmanager
def seed_generators(seed: int, device: str | torch.device | None) -> Iterator[None]:
    """Seed torch's generators within the context, and restore them on exit.

    Besides the generator of the CPU, that of `device` is seeded. `torch.manual_seed` would seed
    those of all devices.
    """
    place = torch.device("cpu" if device is None else device)
    on_cuda = place.type == "cuda"
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[place] if on_cuda else []))
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            stack.enter_context(torch.cuda.device(place))
            torch.cuda.manual_seed(seed)
            stack.enter_context(_deterministic_cudnn())
        elif place.type == "mps":
            stack.callback(torch.mps.set_rng_state, torch.mps.get_rng_state())
            torch.mps.manual_seed(seed)
        yield


@contextmanager
def _deterministic_cudnn() -> Iterator[None]:
    """Use deterministic cuDNN kernels, and do not benchmark alternatives."""
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before

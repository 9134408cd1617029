"""Memory of the process: what a part of a fit adds to it, and the limit of the machine.

The peak of a part is the largest of what a sampling thread saw and, if it rose in between,
the maximum that the kernel records. Resetting that maximum would be exact, but it would change
what other monitors of the process report.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

MB = 1024.0 * 1024.0
_STATUS = Path("/proc/self/status")
_MEMINFO = Path("/proc/meminfo")
_OWN_CGROUPS = Path("/proc/self/cgroup")
_CGROUPS = Path("/sys/fs/cgroup")

# A sample costs some 20 microseconds, and peaks of short fits need short pauses: a fiftieth of
# the time so far, within these limits. Sampling takes less than 0.5 % of a core.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.1
PAUSE_BETWEEN_LIMITS = 1.0


class ProcessMemory(NamedTuple):
    """Resident memory of the process in MB, now and at its peak. NaN if it is unknown."""

    resident: float
    peak: float


def process_memory() -> ProcessMemory:
    """Return the resident memory of this process and its maximum so far.

    Examples
    --------
    >>> memory = process_memory()
    >>> memory.peak < memory.resident
    False
    """
    # On Linux, a child inherits `ru_maxrss` from its parent through fork and exec. VmHWM in
    # /proc/self/status belongs to this process only, so it is preferred.
    try:
        with _STATUS.open("rb", buffering=0) as file:
            text = file.read().decode("ascii", "replace")
        return ProcessMemory(*(_value(text, name) for name in ("VmRSS:", "VmHWM:")))
    except (OSError, ValueError):
        pass
    try:
        import resource
    except ImportError:
        return ProcessMemory(math.nan, math.nan)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, else KiB
    return ProcessMemory(math.nan, peak / (MB if sys.platform == "darwin" else 1024))


def _value(text: str, name: str) -> float:
    """Return the value of a line such as "VmRSS:   1024 kB" in MB."""
    start = text.index(name) + len(name)
    return int(text[start : text.index("kB", start)]) / 1024


class MemoryUse(NamedTuple):
    """Memory that is in use, and its limit, in MB."""

    used: float
    limit: float


def memory_in_use() -> MemoryUse | None:
    """Return use and limit of the machine or container, whichever has less memory left.

    None if they are unknown. Memory that the kernel can free, such as the cache of files, is
    not in use.
    """
    found = [*filter(None, [_of_machine(), *map(_of_cgroup, _own_cgroups())])]
    return min(found, key=lambda each: each.limit - each.used, default=None)


def _of_machine() -> MemoryUse | None:
    try:
        text = _MEMINFO.read_text(encoding="ascii")
        total = _value(text, "MemTotal:")
        return MemoryUse(total - _value(text, "MemAvailable:"), total)
    except (OSError, ValueError):
        return None


def _own_cgroups() -> list[Path]:
    """Return the folders of the cgroups that limit the memory of this process."""
    try:
        lines = _OWN_CGROUPS.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root = _CGROUPS / "memory" if "memory" in controllers.split(",") else _CGROUPS
        if root.name == "memory" or not controllers:
            # In a container, the path is often that of the host, and the limit is in the root.
            folder = root / path.lstrip("/")
            found += [folder, *(p for p in folder.parents if p.is_relative_to(root)), root]
    return [*dict.fromkeys(found)]


def _of_cgroup(folder: Path) -> MemoryUse | None:
    for limit_file, used_file, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            limit = float((folder / limit_file).read_text())  # "max" in version 2: no limit
            used = float((folder / used_file).read_text())
            lines = (folder / "memory.stat").read_text().splitlines()
        except (OSError, ValueError):
            continue
        free = sum(float(line.split()[1]) for line in lines if line.split()[0] == cache)
        return MemoryUse((used - free) / MB, limit / MB)
    return None


class MemoryMeter:
    """Peak of the resident memory of the process while it is running.

    Attributes
    ----------
    peak : float
        In MB.
    fullest : MemoryUse or None
        The moment with the least memory left, if the sampling thread runs.
    """

    def __init__(self) -> None:
        self._start = process_memory()
        self.peak = self._start.resident
        self.fullest: MemoryUse | None = None
        with _LOCK:
            _METERS.append(self)

    @property
    def increase(self) -> float:
        """How much more memory the process had at the peak than at the start, in MB."""
        start = self._start
        if math.isnan(start.resident):  # only the maximum is known
            return self.peak - start.peak
        return max(self.peak - start.resident, 0.0)

    def update(self, now: ProcessMemory | None = None) -> None:
        """Raise the peak if the memory has grown."""
        now = process_memory() if now is None else now
        has_new_peak = not now.peak <= self._start.peak or math.isnan(now.resident)
        known = now.peak if has_new_peak else now.resident
        self.peak = known if math.isnan(self.peak) else max(self.peak, known)

    def stop(self) -> None:
        """Take the last sample. Afterwards, the meter does not change."""
        with _LOCK:
            _METERS.remove(self)
        self.update()


_LOCK = threading.Lock()
_METERS: list[MemoryMeter] = []
_SAMPLERS: list[_Sampler] = []


class _Sampler:
    """Thread that updates all meters, for as long as it has users."""

    def __init__(self) -> None:
        self.n_users = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sktrainer-memory", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        start = next_limit = time.monotonic()
        pause = SHORTEST_PAUSE
        while not self._done.wait(pause):
            now, elapsed = process_memory(), time.monotonic() - start
            with _LOCK:
                meters = list(_METERS)
            for meter in meters:
                meter.update(now)
            pause = min(max(SHORTEST_PAUSE, elapsed / 50), LONGEST_PAUSE)
            if start + elapsed >= next_limit:
                next_limit += PAUSE_BETWEEN_LIMITS
                _update_fullest(meters)


def _update_fullest(meters: list[MemoryMeter]) -> None:
    use = memory_in_use()
    if use is None:
        return
    for meter in meters:
        before = meter.fullest
        if before is None or use.limit - use.used < before.limit - before.used:
            meter.fullest = use


@contextmanager
def sample_memory() -> Iterator[None]:
    """Run a thread that samples the memory during the block. Nested blocks share it."""
    with _LOCK:
        if not _SAMPLERS:
            _SAMPLERS.append(_Sampler())
        sampler = _SAMPLERS[0]
        sampler.n_users += 1
    try:
        yield
    finally:
        with _LOCK:
            sampler.n_users -= 1
            is_last = sampler.n_users == 0
            if is_last:
                _SAMPLERS.remove(sampler)
        if is_last:
            sampler.stop()

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from sktrainer.runtime import memory
from sktrainer.runtime.memory import MemoryMeter, MemoryUse, process_memory, sample_memory

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout


@ON_LINUX
def test_peak_memory_excludes_the_parent_process():
    held_here = np.ones(60_000_000)  # 458 MB; the child would inherit it in `ru_maxrss`
    before, after = map(
        float,
        run(
            "import numpy as np; from sktrainer.runtime.memory import process_memory as now\n"
            "before = now().peak; held = np.ones(int((before + 50) * 2**17))\n"
            "print(before, now().peak)"
        ).split(),
    )
    assert before < held_here.nbytes / 2**20
    assert after > before + 40


@ON_LINUX
def test_increase_is_that_of_the_part_and_not_of_what_came_before():
    first, second = map(
        float,
        run(
            "import numpy as np, time; from sktrainer.runtime.memory import *\n"
            "large = np.ones(2**24); del large\n"  # 128 MB, above all that follows
            "def part(n):\n"
            "    meter = MemoryMeter(); held = np.ones(n); time.sleep(0.2); del held\n"
            "    meter.stop(); return meter.increase\n"
            "with sample_memory():\n"
            "    print(part(2**22), part(2**13))"
        ).split(),
    )
    assert 30 < first < 40
    assert second < 2


@ON_LINUX
def test_new_peak_is_exact_even_between_two_samples(monkeypatch):
    monkeypatch.setattr(memory, "SHORTEST_PAUSE", 60.0)
    with sample_memory():
        meter = MemoryMeter()
        held = np.ones(int((process_memory().peak + 60) * 2**17))
        size = held.nbytes / 2**20
        del held
        meter.stop()
    assert meter.increase > 0.8 * size - process_memory().resident


def test_sampling_leaves_no_thread_behind_and_is_shared():
    before = threading.active_count()
    with sample_memory(), sample_memory():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    with pytest.raises(KeyError), sample_memory():
        raise KeyError
    assert threading.active_count() == before
    assert memory._METERS == memory._SAMPLERS == []


@ON_LINUX
def test_sampling_needs_little_cpu_time():
    with sample_memory():
        start = time.process_time()
        time.sleep(2.0)
        assert time.process_time() - start < 0.1  # usually 0.01


def test_fullest_moment_is_recorded(monkeypatch):
    uses = iter([MemoryUse(10, 100), MemoryUse(95, 100), MemoryUse(50, 100)])
    monkeypatch.setattr(memory, "memory_in_use", lambda: next(uses, MemoryUse(50, 100)))
    monkeypatch.setattr(memory, "PAUSE_BETWEEN_LIMITS", 0.0)
    with sample_memory():
        meter = MemoryMeter()
        time.sleep(0.2)
        meter.stop()
    assert meter.fullest == MemoryUse(95, 100)


def test_increase_without_proc_is_that_of_the_maximum(monkeypatch, tmp_path):
    known = process_memory()
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    assert process_memory().peak >= 0.9 * known.peak
    assert math.isnan(process_memory().resident)
    meter = MemoryMeter()
    meter.stop()
    assert meter.increase >= 0
    monkeypatch.setitem(sys.modules, "resource", None)
    meter = MemoryMeter()
    meter.stop()
    assert math.isnan(meter.increase)


@pytest.mark.parametrize(
    ("names", "limit", "controllers"),
    [
        (("memory.max", "memory.current", "inactive_file"), "1073741824", ""),
        (
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
            "1073741824",
            "memory",
        ),
    ],
    ids=["version 2", "version 1"],
)
def test_limit_of_a_container_counts(monkeypatch, tmp_path, names, limit, controllers):
    folder = tmp_path / "fs" / controllers / "job"
    folder.mkdir(parents=True)
    (folder / names[0]).write_text(limit)
    (folder / names[1]).write_text(str(900 * 2**20))
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {100 * 2**20}\n")
    own, machine = tmp_path / "own", tmp_path / "meminfo"
    own.write_text(f"3:{controllers}:/job\n")
    machine.write_text("MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: 4194304 kB\n")
    monkeypatch.setattr(memory, "_OWN_CGROUPS", own)
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "fs")
    monkeypatch.setattr(memory, "_MEMINFO", machine)
    assert memory.memory_in_use() == MemoryUse(800, 1024)
    (folder / names[0]).write_text("max" if names[0] == "memory.max" else str(2**63))
    assert memory.memory_in_use() == MemoryUse(4096, 8192)


def test_memory_in_use_is_none_without_any_source(monkeypatch, tmp_path):
    for name in ("_OWN_CGROUPS", "_MEMINFO"):
        monkeypatch.setattr(memory, name, tmp_path / "none")
    assert memory.memory_in_use() is None

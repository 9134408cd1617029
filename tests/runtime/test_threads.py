from __future__ import annotations

import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sklearn.linear_model  # noqa: F401  loads OpenMP and BLAS
from threadpoolctl import threadpool_info, threadpool_limits

from sktrainer.runtime.threads import limit_threads


def _threads(user_api=None):
    return {
        pool["filepath"]: pool["num_threads"]
        for pool in threadpool_info()
        if user_api in (None, pool["user_api"])
    }


def test_openmp_and_blas_limits_are_temporary():
    before = _threads()
    with limit_threads(1):
        assert set(_threads().values()) == {1}
    assert _threads() == before


def test_none_sets_no_limit():
    before = _threads()
    with limit_threads(None):
        assert _threads() == before


def test_lower_existing_limit_is_kept():
    with threadpool_limits(1), limit_threads(2):
        assert set(_threads().values()) == {1}


def test_nested_limits_are_restored_in_order():
    with limit_threads(2):
        outer = _threads()
        with limit_threads(1):
            assert set(_threads().values()) == {1}
        assert _threads() == outer


def test_limits_are_restored_after_an_error():
    before = _threads()
    with pytest.raises(KeyError), limit_threads(1):
        raise KeyError
    assert _threads() == before


def test_each_thread_of_a_pool_is_limited():
    def inside(_):
        with limit_threads(1):
            return set(_threads("openmp").values())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(inside, range(20))) == [{1}] * 20


def test_concurrent_threads_leave_no_limit():
    before = _threads()
    generator = random.Random(0)
    naps = [generator.random() / 200 for _ in range(200)]

    def inside(nap):
        with limit_threads(1 + round(nap * 200)):
            time.sleep(nap)
            with limit_threads(1):
                time.sleep(nap / 4)

    with limit_threads(2), ThreadPoolExecutor(8) as pool:
        list(pool.map(inside, naps))
    assert _threads() == before


def test_last_thread_to_leave_restores_the_blas_limit():
    before = _threads()
    entered, may_leave = threading.Event(), threading.Event()

    def stay():
        with limit_threads(1):
            entered.set()
            may_leave.wait(10)

    staying = threading.Thread(target=stay)
    with limit_threads(1):
        staying.start()
        assert entered.wait(10)
    assert set(_threads("blas").values()) == {1}
    may_leave.set()
    staying.join()
    assert _threads() == before


def test_entering_takes_less_than_half_a_millisecond():
    with limit_threads(1):
        pass
    costs = []
    for _ in range(50):
        start = time.perf_counter()
        with limit_threads(1):
            pass
        costs.append(time.perf_counter() - start)
    assert sorted(costs)[25] < 0.0005


def test_libraries_are_searched_again_after_an_import(monkeypatch):
    from sktrainer.runtime import threads

    with limit_threads(1):
        pass
    lookups = threads._libraries.cache_info().misses
    monkeypatch.setitem(sys.modules, "newly_imported_module", threads)
    with limit_threads(1):
        pass
    assert threads._libraries.cache_info().misses == lookups + 1

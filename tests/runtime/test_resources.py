from __future__ import annotations

import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest

from sktrainer.runtime.resources import n_cores, split_cores
from sktrainer.training.provenance import library_versions


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)


@pytest.mark.parametrize(
    ("n_jobs", "n_tasks", "plan"),
    [
        (None, 5, (1, 8)),
        (1, 5, (1, 8)),
        (2, 5, (2, 4)),
        (-1, 5, (5, 1)),
        (-1, 2, (2, 4)),
        (-2, 20, (7, 1)),
        (-20, 5, (1, 8)),
        (100, 100, (8, 1)),
        (np.int64(3), 5, (3, 2)),
        (4, 0, (1, 8)),
    ],
)
def test_workers_times_threads_do_not_exceed_the_cores(eight_cores, n_jobs, n_tasks, plan):
    assert split_cores(n_jobs, n_tasks) == plan


def test_n_jobs_none_uses_the_joblib_context(eight_cores):
    with joblib.parallel_config(n_jobs=4):
        assert split_cores(None, 5) == (4, 2)
        assert split_cores(1, 5) == (1, 8)
    with joblib.parallel_config("threading", n_jobs=-1):
        assert split_cores(None, 3) == (3, 2)


@pytest.mark.parametrize(
    ("value", "cores"), [("3", 3), ("2,1", 2), ("99", 8), ("x", 8), ("0", 8)]
)
def test_omp_num_threads_limits_model_threads(eight_cores, monkeypatch, value, cores):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert n_cores() == cores
    assert split_cores(1, 5) == (1, cores)


def _cores_and_plan(_):
    return n_cores(), split_cores(-1, 4)


def test_joblib_thread_has_one_core(eight_cores):
    inside = joblib.Parallel(2, backend="threading")(
        joblib.delayed(_cores_and_plan)(i) for i in range(2)
    )
    assert inside == [(1, (1, 1))] * 2


def test_joblib_worker_process_has_its_share_of_cores():
    inside = joblib.Parallel(2)(joblib.delayed(_cores_and_plan)(i) for i in range(2))
    share = max(1, joblib.cpu_count() // 2)
    for cores, (workers, threads) in inside:
        assert cores == share
        assert workers * threads <= share


def test_daemon_thread_has_one_core(eight_cores):
    found = []
    thread = threading.Thread(target=lambda: found.append(n_cores()), daemon=True)
    thread.start()
    thread.join()
    assert found == [1]


def test_library_versions_imports_nothing():
    code = (
        "import sys; from sktrainer.training.provenance import library_versions as v\n"
        "before = set(sys.modules)\n"
        "found = v(['python', 'sklearn', 'imblearn', 'xgboost', 'no_such_library'])\n"
        "new = {m.partition('.')[0] for m in set(sys.modules) - before}\n"
        "assert not new & {'xgboost', 'imblearn'}, new\n"
        "assert {'python', 'sklearn'} <= set(found), found\n"
        "assert 'no_such_library' not in found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_library_versions_returns_loaded_versions():
    assert library_versions(["numpy", "joblib"]) == {
        "numpy": np.__version__,
        "joblib": joblib.__version__,
    }

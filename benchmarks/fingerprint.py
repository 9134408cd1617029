"""Measure the speed and the memory of fingerprints.

The first part covers float tables of several shapes and memory orders, images, strings and
categories. The second part compares the hashes of the standard library. The third part
measures the share of the fingerprint in the time of a fit.

    python benchmarks/fingerprint.py [--mb 200] [--repeats 3]
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge

from sktrainer import ManagedTrainer, fingerprint

HASHES = ("sha256", "sha1", "blake2b", "blake2s", "sha512", "sha3_256", "md5")


def tables(megabytes: int) -> dict[str, Callable[[], tuple[Any, int]]]:
    """Return factories of tables. Each returns the table and the bytes of its values."""
    rng = np.random.default_rng(0)
    cells = megabytes * 1_000_000 // 8

    def floats(n_columns: int, **how: Any) -> tuple[Any, int]:
        table = rng.random((cells // n_columns, n_columns)).astype(how.get("dtype", "f8"))
        if how.get("missing"):
            table[rng.random(table.shape) < 0.1] = np.nan
        made = how.get("make", lambda t: t)(table)
        return made, table.nbytes

    def strings() -> tuple[Any, int]:
        values = rng.choice(["red", "green", "a longer text"], cells // 10)
        frame = pd.DataFrame({"text": pd.Series(values, dtype="str")})
        return frame, sum(map(len, values))

    def categories() -> tuple[Any, int]:
        codes = rng.integers(0, 100, cells)
        return pd.DataFrame({"a": pd.Categorical(codes)}), len(codes)

    def matrix() -> tuple[Any, int]:
        found = sparse.random(20_000, 100_000, cells / 2e9 / 2, format="csr", rng=rng)
        return found, found.nnz * 12

    return {
        "30 columns": lambda: floats(30),
        "30 columns, Fortran order": lambda: floats(30, make=np.asfortranarray),
        "30 columns, float32": lambda: floats(30, dtype="f4"),
        "30 columns, 10 % NaN": lambda: floats(30, missing=True),
        "30 columns, pandas": lambda: floats(30, make=pd.DataFrame),
        "1,000 columns": lambda: floats(1000),
        "images, 28 x 28": lambda: floats(784, make=lambda t: t.reshape(-1, 28, 28)),
        "sparse matrix": matrix,
        "strings, pandas": strings,
        "categories, pandas": categories,
    }


def measure(table: Any, n_bytes: int, repeats: int) -> str:
    """Return the speed of the fingerprint of a table and its peak memory, as text."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        fingerprint(table)
        seconds.append(time.perf_counter() - start)
    tracemalloc.start()
    fingerprint(table)
    extra = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    spent = statistics.median(seconds)
    return f"{n_bytes / 1e6:8.0f} MB {n_bytes / spent / 1e6:8.0f} MB/s {extra:8.1f} MB extra"


def compare_hashes(megabytes: int) -> None:
    """Print the speed of each hash on blocks of the size that fingerprints use."""
    block = np.random.default_rng(0).bytes(1 << 20)
    for name in HASHES:
        hasher = hashlib.new(name)
        start = time.perf_counter()
        for _ in range(megabytes):
            hasher.update(block)
        speed = megabytes * len(block) / (time.perf_counter() - start) / 1e6
        print(f"{name:30} {speed:8.0f} MB/s")


def share_of_fit(name: str, model: Any, X: Any, y: Any, repeats: int) -> None:
    """Print the share of the fingerprint in the time of a fit."""
    spent, whole = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        report = ManagedTrainer(model).fit(X, y).report_
        whole.append(time.perf_counter() - start)
        stages = report.stages.set_index("stage")["seconds"]
        spent.append(float(stages["fingerprint"]))
    part, of = statistics.median(spent) * 1e3, statistics.median(whole) * 1e3
    print(f"{name:30} {part:8.2f} ms of {of:8.1f} ms ({part / of:.1%})")


def main() -> None:
    """Run all three parts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mb", type=int, default=200, help="size of each table in MB")
    parser.add_argument("--repeats", type=int, default=3)
    requested = parser.parse_args()
    for name, make in tables(requested.mb).items():
        print(f"{name:30} {measure(*make(), requested.repeats)}", flush=True)
    compare_hashes(requested.mb)
    iris, species = load_iris(return_X_y=True)
    share_of_fit("iris, LogisticRegression", LogisticRegression(), iris, species, 30)
    X = np.random.default_rng(0).normal(size=(100_000, 30))
    share_of_fit("100,000 x 30, Ridge", Ridge(), X, X[:, 0] + X[:, 1], requested.repeats)


if __name__ == "__main__":
    main()

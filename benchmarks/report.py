"""Measure the time that the report takes: curves and intervals in the fit, then the HTML page.

Run it as `python -m benchmarks.report`. For each table, it prints the seconds of the whole fit,
those that the fit spends on curves, intervals and reproduction code, their share, and the
seconds and size of the HTML page.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import make_classification

from sktrainer import ManagedTrainer
from sktrainer.training import run


def _timed(name: str, spent: list[float]) -> None:
    """Measure the calls of a function of the stage `run`."""
    function = getattr(run, name)

    def measured(*args: object) -> object:
        start = time.perf_counter()
        try:
            return function(*args)
        finally:
            spent.append(time.perf_counter() - start)

    setattr(run, name, measured)


def main() -> None:
    """Print one line per table and model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    rows = parser.parse_args().rows
    spent: list[float] = []
    for name in ("evaluate_predictions", "reproduction_code", "changed_parameters"):
        _timed(name, spent)
    print(f"{platform.machine()}, Python {platform.python_version()}, ", end="")
    print(
        ", ".join(f"{name} {version(name)}" for name in ("lightgbm", "scikit-learn", "numpy"))
    )
    print(f"{'':<22}{'rows':>9}{'fit s':>9}{'report s':>10}{'share':>8}{'HTML s':>9}{'KB':>6}")
    for n_rows in rows:
        for n_classes in (2, 10, 0):
            X, y = make_classification(
                n_rows, 20, n_informative=12, n_classes=max(n_classes, 2), random_state=0
            )
            kind = LGBMClassifier if n_classes else LGBMRegressor
            target = y if n_classes else X[:, 0] + np.random.default_rng(0).normal(size=n_rows)
            model = kind(n_estimators=200, verbose=-1, n_jobs=1)
            trainer = ManagedTrainer(model, test_size=0.2, random_state=0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trainer.fit(X[:100], target[:100])  # import everything
                spent.clear()
                start = time.perf_counter()
                trainer.fit(X, target)
                seconds = time.perf_counter() - start
            start = time.perf_counter()
            path = trainer.report_.to_html(Path(tempfile.mkdtemp()) / "report.html")
            html = time.perf_counter() - start
            kind_name = f"{n_classes} classes" if n_classes else "regression"
            print(
                f"{kind_name:<22}{n_rows:>9,}{seconds:>9.2f}{sum(spent):>10.3f}"
                f"{sum(spent) / seconds:>8.1%}{html:>9.2f}{path.stat().st_size / 1e3:>6.0f}"
            )


if __name__ == "__main__":
    main()

"""Cost of recording a fit with the tracker "jsonl", compared with hand-written code.

LightGBM is trained for 1,000 short rounds: with `ManagedTrainer`, with and without
`trackers=["jsonl"]`, and without sktrainer, with and without a hand-written callback that
appends the same metrics to a file. The four alternate, and the medians of the processor time
are compared.

    python benchmarks/tracking.py [--repeats 7] [--rounds 1000]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from lightgbm import LGBMClassifier
from lightgbm.callback import CallbackEnv

from sktrainer import ManagedTrainer
from sktrainer.tracking import JsonlTracker

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2_000, 5))
Y = (X[:, 0] + RNG.normal(size=2_000) > 0).astype(int)


def model(rounds: int) -> LGBMClassifier:
    return LGBMClassifier(
        n_estimators=rounds, num_leaves=3, learning_rate=0.01, n_jobs=1, verbose=-1
    )


def managed(rounds: int, folder: Path | None) -> None:
    """Fit with `ManagedTrainer`, and record the fit in a folder."""
    ManagedTrainer(
        model(rounds),
        validation_size=400,
        n_iter_no_change=rounds,
        random_state=0,
        trackers=[] if folder is None else [JsonlTracker(folder)],
    ).fit(X, Y)


def by_hand(rounds: int, path: Path | None) -> None:
    """Fit with LightGBM, and append one line per round to a file, flushed."""
    with ExitStack() as stack:
        callbacks = []
        if path is not None:
            file = stack.enter_context(path.open("a", encoding="utf-8"))

            def log(env: CallbackEnv) -> None:
                row: dict[str, float] = {"iteration": env.iteration + 1, "time": time.time()}
                for part, name, value, *_ in env.evaluation_result_list or []:
                    row[f"{part}/{name}"] = value
                file.write(json.dumps(row) + "\n")
                file.flush()

            callbacks.append(log)
        train, held_out = (X[400:], Y[400:]), (X[:400], Y[:400])
        model(rounds).fit(*train, eval_set=[train, held_out], callbacks=callbacks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=1_000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        ways: dict[str, Callable[[], None]] = {
            "managed": lambda: managed(options.rounds, None),
            "managed, jsonl": lambda: managed(options.rounds, path / "runs"),
            "LightGBM": lambda: by_hand(options.rounds, None),
            "LightGBM, hand-written": lambda: by_hand(options.rounds, path / "metrics.jsonl"),
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        for repeat in range(options.repeats + 1):
            for way, fit in ways.items():
                start = time.process_time()
                fit()
                if repeat:  # the first one imports
                    times[way].append(time.process_time() - start)
    medians = {way: statistics.median(values) for way, values in times.items()}
    print(f"{options.rounds:,} rounds, {options.repeats} repeats, medians of processor time\n")
    print("| way | seconds | microseconds per round for recording |\n|---|---|---|")
    for way, seconds in medians.items():
        extra = (seconds - medians[way.partition(",")[0]]) / options.rounds * 1e6
        print(f"| {way} | {seconds:.3f} | {extra:.0f} |")


if __name__ == "__main__":
    main()

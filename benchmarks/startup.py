"""Measure how long the command line takes to start.

The first comparison is `sktrainer --help` with a program that is made with click, has as many
commands, and does nothing else. The second is `sktrainer train` on a small CSV file with a
Python program that does the same. The programs alternate, and each run has its own process.
The script prints the medians of the elapsed time and of the CPU time, the ratio of the first
comparison and the difference of the second.

    python benchmarks/startup.py [--repeats 20]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sktrainer.cli.main import COMMANDS
from sktrainer.datasets import load_hypothyroid

BARE = '''
import click

@click.group()
def cli():
    """A program that does nothing."""

{commands}
cli()
'''
BARE_COMMAND = '''
@cli.command("{name}")
@click.argument("data")
@click.option("--json", is_flag=True)
def {name}(data, json):
    """{text}"""
'''
MAIN = "from sktrainer.cli.main import main; main()"
TRAIN = """
import pandas
from sklearn.ensemble import HistGradientBoostingClassifier
from sktrainer import train_model

table = pandas.read_csv("thyroid.csv")
model = HistGradientBoostingClassifier(max_iter=20)
result = train_model(model, table, "ill", save_path="python/", verbose=0)
print(result)
"""
OPTIONS = "--target ill --model hgb --set max_iter=20 --out command/ --verbose 0".split()


def seconds(command: list[str], folder: Path) -> tuple[float, float]:
    """Return the elapsed time and the CPU time of a program."""
    start = time.perf_counter()
    # The warnings of the training are the same in both programs.
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return elapsed, usage.ru_utime + usage.ru_stime


def medians(a: list[str], b: list[str], repeats: int, folder: Path) -> list[list[float]]:
    """Run two programs in turn, and return the median elapsed and CPU time of each."""
    times = [(seconds(a, folder), seconds(b, folder)) for _ in range(repeats + 1)][1:]
    return [
        [statistics.median(values) for values in zip(*of_one, strict=True)]
        for of_one in zip(*times, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    python = sys.executable
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = "".join(
            BARE_COMMAND.format(name=n, text=text) for n, text in COMMANDS.items()
        )
        (folder / "bare.py").write_text(BARE.format(commands=commands))
        (folder / "train.py").write_text(TRAIN)
        bunch = load_hypothyroid()
        bunch.data.assign(ill=bunch.target).head(1000).to_csv(
            folder / "thyroid.csv", index=False
        )

        ours = [python, "-c", MAIN, "--help"]
        bare, found = medians([python, "bare.py", "--help"], ours, repeats, folder)
        print(f"click program with {len(COMMANDS)} commands: {_shown(bare)}")
        print(f"sktrainer --help: {_shown(found)}")
        ratios = [theirs / mine for theirs, mine in zip(found, bare, strict=True)]
        print(f"ratio: {ratios[0]:.2f} (CPU {ratios[1]:.2f})\n")

        command = [python, "-c", MAIN, "train", "thyroid.csv", *OPTIONS]
        script, found = medians([python, "train.py"], command, max(1, repeats // 4), folder)
        print(f"training in Python: {_shown(script)}")
        print(f"sktrainer train: {_shown(found)}")
        more = [theirs - mine for theirs, mine in zip(found, script, strict=True)]
        print(f"difference: {more[0]:+.2f} s (CPU {more[1]:+.2f} s)")


def _shown(times: list[float]) -> str:
    return f"{times[0]:.3f} s (CPU {times[1]:.3f} s)"


if __name__ == "__main__":
    main()

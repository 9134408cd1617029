"""Measure how long the command line takes to start.

The first comparison is `sktrainer --help` with a program that is made with click, has as many
commands, and does nothing else. The second is `sktrainer train` on a small CSV file with a
Python program that does the same. The programs alternate, and each run has its own process.
The script prints the medians, the ratio of the first and the difference of the second.

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


def seconds(command: list[str], folder: Path) -> float:
    """Return the time that a program takes."""
    start = time.perf_counter()
    # The warnings of the training are the same in both programs.
    subprocess.run(
        command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def medians(a: list[str], b: list[str], repeats: int, folder: Path) -> tuple[float, float]:
    """Run two programs in turn, and return the median time of each."""
    times = [(seconds(a, folder), seconds(b, folder)) for _ in range(repeats + 1)][1:]
    first, second = zip(*times, strict=True)
    return statistics.median(first), statistics.median(second)


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
        print(f"click program with {len(COMMANDS)} commands: {1000 * bare:.0f} ms")
        print(f"sktrainer --help: {1000 * found:.0f} ms, ratio {found / bare:.2f}")

        command = [python, "-c", MAIN, "train", "thyroid.csv", *OPTIONS]
        script, found = medians([python, "train.py"], command, max(1, repeats // 4), folder)
        print(f"training in Python: {script:.2f} s")
        print(f"sktrainer train: {found:.2f} s, difference {found - script:+.2f} s")


if __name__ == "__main__":
    main()

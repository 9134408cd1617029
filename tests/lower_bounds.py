"""Print pip constraints that install the lower bounds of `pyproject.toml`.

`make test-oldest` uses them. Packages that sktrainer does not name stay free, as with uv's
resolution "lowest-direct".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Old wheels of these two bring several gigabytes of CUDA libraries or need an older NumPy and
# protobuf than the other lower bounds, so the versions in constraints.txt are used.
PINNED = ("tensorflow", "torch")


def constraints(pyproject: str, pinned: str) -> Iterator[str]:
    """Yield `name==version` for all dependencies and extras.

    Parameters
    ----------
    pyproject : str
        Text of `pyproject.toml`.
    pinned : str
        Text of `constraints.txt`.
    """
    project = tomllib.loads(pyproject)["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    bounds = {
        match[1]: match[0].replace(">=", "==")
        for requirement in chain.from_iterable(groups)
        if (match := re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=[\d.]+", requirement))
    }
    exact = {line.partition("==")[0]: line for line in pinned.split()}
    for name, bound in sorted(bounds.items()):
        yield exact[name] if name in PINNED else re.sub(r"\[\w+\]", "", bound)


if __name__ == "__main__":
    strings = ((ROOT / name).read_text() for name in ("pyproject.toml", "constraints.txt"))
    print("\n".join(constraints(*strings)))

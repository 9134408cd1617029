"""What the machine and the installed packages offer."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata

from sktrainer.runtime.devices import cuda_driver
from sktrainer.runtime.resources import n_cores

#: Extras that are not for users of a model library or of a format.
_OTHER_EXTRAS = frozenset({"all", "bench", "demo", "dev", "docs", "test"})
_REQUIREMENT = re.compile(
    r"""(?P<name>[\w.-]+)\s*(?:>=\s*(?P<least>[\d.]+))?.*?"""
    r"""(?:;.*extra\s*==\s*['"](?P<extra>[\w-]+)['"])?"""
)
_MODULES = {
    "scikit-learn": "sklearn",
    "imbalanced-learn": "imblearn",
    "pyyaml": "yaml",
}
_IMPORT_SECONDS = 120.0


@dataclass(frozen=True)
class Package:
    """A package that sktrainer can use.

    Attributes
    ----------
    name : str
    extra : str
        The extra that installs it; "" for a required package.
    least : str
        Lowest supported version.
    version : str or None
        Installed version.
    problem : str
        Why it cannot be used; "" if it can.
    """

    name: str
    extra: str
    least: str
    version: str | None
    problem: str = ""

    @property
    def fix(self) -> str:
        """The command that fixes the problem, or ""."""
        if not self.problem:
            return ""
        return (
            f'pip install "sktrainer[{self.extra}]"' if self.extra else "pip install sktrainer"
        )


def packages() -> list[Package]:
    """Return the required and the optional packages, from the metadata of sktrainer."""
    return [*parse_requirements(metadata.requires("sktrainer") or ())]


def parse_requirements(lines: Iterable[str]) -> Iterator[Package]:
    """Yield one package per requirement, and per extra for users.

    Examples
    --------
    >>> [found] = parse_requirements(["no-such-package>=2.1; extra == 'xgboost'"])
    >>> found.extra, found.problem, found.fix
    ('xgboost', 'not installed', 'pip install "sktrainer[xgboost]"')
    """
    for line in lines:
        match = _REQUIREMENT.fullmatch(line)
        if match is None or match["extra"] in _OTHER_EXTRAS or match["name"] == "sktrainer":
            continue
        name, least = match["name"], match["least"] or ""
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Package(name, match["extra"] or "", least, None, "not installed")
            continue
        is_old = least != "" and _numbers(version) < _numbers(least)
        problem = f"version {least} or later is needed" if is_old else ""
        yield Package(name, match["extra"] or "", least, version, problem)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def import_problems(found: Iterable[Package]) -> dict[str, str]:
    """Import each installed package in its own process, and return why some fail.

    A package can be installed and yet fail when it is imported, for example because a library
    of the system is missing.
    """
    names = [package.name for package in found if package.version is not None]
    with ThreadPoolExecutor(max_workers=max(1, n_cores())) as pool:
        problems = pool.map(_import_problem, names)
        return {name: text for name, text in zip(names, problems, strict=True) if text}


def _import_problem(name: str) -> str:
    module = _MODULES.get(name.lower(), name.replace("-", "_"))
    command = [sys.executable, "-c", f"import {module}"]
    try:
        run = subprocess.run(  # noqa: S603 - the name is that of a requirement
            command, capture_output=True, text=True, timeout=_IMPORT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"its import takes more than {_IMPORT_SECONDS:.0f} seconds"
    if run.returncode == 0:
        return ""
    lines = run.stderr.strip().splitlines() or [f"exit code {run.returncode}"]
    return f"its import fails: {lines[-1]}"


def machine() -> dict[str, str]:
    """Return facts on the interpreter, the processor and the GPUs, by name."""
    n_gpus, cuda = cuda_driver()
    threads = os.environ.get("OMP_NUM_THREADS")
    return {
        "Python": f"{platform.python_version()} ({sys.executable})",
        "System": platform.platform(),
        "Cores": f"{n_cores()} available to this process"
        + (f", OMP_NUM_THREADS={threads}" if threads else ""),
        "GPU": f"{n_gpus} with a driver for CUDA {cuda}" if n_gpus else _why_no_gpu(),
    }


def _why_no_gpu() -> str:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "Apple GPU, which torch can use (device mps)"
    return "none: no CUDA driver was found"

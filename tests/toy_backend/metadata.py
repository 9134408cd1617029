"""Metadata of a distribution that declares the toy backend as an entry point."""

from __future__ import annotations

from pathlib import Path


def write_metadata(site_packages: Path) -> None:
    """Write the metadata that pip would write for the distribution."""
    folder = site_packages / "toylib-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: toylib\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[sktrainer.backends]\ntests.toy_backend = tests.toy_backend:SPEC\n"
    )

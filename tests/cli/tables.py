"""Tables for the tests of commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def write_loans(path: Path, n_rows: int = 300) -> pd.DataFrame:
    """Write a table with a row number, two features and the labels "yes" and "no"."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=n_rows), rng.choice(["x", "y"], n_rows)
    default = np.where(a + (b == "x") + rng.normal(size=n_rows) > 0.5, "yes", "no")
    frame = pd.DataFrame({"row": np.arange(n_rows), "a": a, "b": b, "default": default})
    frame.to_csv(path, index=False)
    return frame

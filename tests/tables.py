"""Tables shared by the encoder tests."""

from __future__ import annotations

import numpy as np
import pandas as pd


def mixed_table(n_rows: int = 300, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, n_rows), "D")
    numbers = rng.normal(size=n_rows)
    numbers[::7] = np.nan
    return pd.DataFrame(
        {
            "size": numbers,
            "count": rng.integers(0, 9, n_rows),
            "flag": rng.integers(0, 2, n_rows).astype(bool),
            "color": rng.choice(np.array(["red", "green", "blue", None]), n_rows),
            "town": [f"town {code}" for code in rng.integers(0, 60, n_rows)],
            "grade": pd.Categorical(
                rng.choice(["low", "mid", "high"], n_rows), ["low", "mid", "high"], ordered=True
            ),
            "when": days,
            "amount": rng.integers(1, 99, n_rows).astype(str),
            "joined": days.strftime("%d/%m/%Y"),
            "source": "web",
            "nothing": np.nan,
        }
    )


def labels(n_rows: int = 300) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 2, n_rows)


def two_class_table(n=40):
    """Return a table with two columns of numbers and one of strings, and its labels."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.integers(0, 5, n),
            "c": ["u", "u", "v", "v"] * (n // 4),
        }
    )
    return X, np.array(["no", "yes"] * (n // 2))

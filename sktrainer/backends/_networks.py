"""What holds for networks of every library."""

from __future__ import annotations

import numpy as np

__all__ = ["auto_batch_size"]

LEAST_BATCH, MOST_BATCH = 32, 1024


def auto_batch_size(n_samples: int) -> int:
    """Return about a 32nd of the rows: a power of two from 32 to 1024.

    Examples
    --------
    >>> auto_batch_size(200), auto_batch_size(5_000), auto_batch_size(1_000_000)
    (32, 128, 1024)
    """
    power = 2 ** round(np.log2(max(n_samples, 1) / 32))
    return int(min(max(power, LEAST_BATCH), MOST_BATCH))

"""Messages that name columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sktrainer.data.column_checks import duplicate_message, infinite_message
from sktrainer.data.columns import missing_column_message
from sktrainer.data.named_columns import pop_columns
from sktrainer.data.schema import differences
from sktrainer.data.time import select_time_column
from sktrainer.exceptions import InputError

WIDE = pd.DataFrame(np.zeros((2, 500))).add_prefix("column_")


def test_similar_column_name_is_suggested():
    message = missing_column_message("y", "Churn", ["age", "churn"])
    assert message == "y='Churn' is not a column of X. Did you mean 'churn'?"


def test_at_most_ten_columns_of_a_wide_table_are_listed():
    with pytest.raises(InputError, match="and 490 more") as target_error:
        pop_columns(WIDE, y="price")
    with pytest.raises(InputError, match="and 490 more") as time_error:
        select_time_column(WIDE, "price")
    names = list(WIDE.columns)
    messages = [
        str(target_error.value),
        str(time_error.value),
        duplicate_message(names * 2),
        infinite_message(names),
        *differences(WIDE, WIDE.add_suffix("_new")),
    ]
    assert len(messages) == 5
    for message in messages:
        assert len(message) < 500 and "and 490 more" in message

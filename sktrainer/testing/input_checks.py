"""Contract checks of the columns and values that are passed to `predict`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sktrainer.exceptions import InputError
from sktrainer.testing.cases import Case, bit_identical, model_outputs


def check_values_of_another_type_raise(case: Case) -> None:
    """Check that values of another type than in training raise, for one row and for many."""
    probe = case.probe()
    others: dict[str, tuple[str, Any]] = {
        "epochs": ("day", probe["day"].astype("datetime64[ms]").astype("int64")),
        "dates": ("signal", probe["day"]),
        "lists": ("signal", pd.Series([[value] for value in probe["signal"]])),
    }
    for what, (name, values) in others.items():
        changed = probe.assign(**{name: values})
        for rows in (changed, changed[:1]):
            try:
                case.fitted.predict(rows)
            except InputError as error:
                if f"column {name!r}" not in str(error):
                    raise
            else:
                raise AssertionError(f"{what} in column {name!r} raised no error")


def check_converted_values_predict_alike(case: Case) -> None:
    """Check that numbers and dates as strings, as in a CSV file, give the same predictions."""
    probe = case.probe()
    expected = model_outputs(case.fitted, probe)
    strings = probe.assign(
        signal=[repr(float(value)) for value in probe["signal"]],
        day=[
            f"{day.isoformat()}{'+05:30' if row % 2 else 'Z'}"
            for row, day in enumerate(probe["day"])
        ],
    )
    assert bit_identical(expected, model_outputs(case.fitted, strings))
    few = np.concatenate([model_outputs(case.fitted, strings[at : at + 1]) for at in range(5)])
    np.testing.assert_allclose(few, expected[:5], rtol=1e-5, atol=1e-6)

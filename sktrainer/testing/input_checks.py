"""Contract checks of the columns and values that are passed to `predict`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn import config_context

from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.exceptions import InputError
from sktrainer.testing.cases import Case, CheckNotApplicable, bit_identical, model_outputs


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


def check_special_column_names(case: Case) -> None:
    """Check that column names with any characters and pandas output change no prediction."""
    X, y = case.table()
    special = {name: f'{name} [m] <"{{{name}:,}}"' for name in X.columns}
    X, probe = X.rename(columns=special), case.probe().rename(columns=special)
    with config_context(transform_output="pandas"):
        trainer = case.trainer().fit(X, y)
        predicted = model_outputs(trainer, probe)
    assert bit_identical(predicted, model_outputs(case.fitted, case.probe()))
    numbers = X[[special[name] for name in ("signal", "count")]].astype("float32")
    trainer = case.trainer(preprocessor=None).fit(numbers, y)
    assert trainer.feature_names_in_.tolist() == numbers.columns.tolist()
    plain = case.trainer(preprocessor=None).fit(numbers.set_axis(["a", "b"], axis=1), y)
    assert bit_identical(
        model_outputs(trainer, numbers),
        model_outputs(plain, numbers.set_axis(["a", "b"], axis=1)),
    )


def check_sparse_integers_equal_floats(case: Case) -> None:
    """Check that a sparse matrix of integers or booleans is trained like one of floats."""
    model = unwrap_pipeline(case.estimator).model
    if not find_backend(model).capabilities(model, case.task).accepts_sparse:
        raise CheckNotApplicable("the model does not accept sparse matrices")
    y = case.table()[1]
    counts = np.random.default_rng(0).integers(0, 2, (len(y), 4)) * np.arange(4)
    for dtype in (bool, np.int8, np.int64):
        matrix = sparse.csr_matrix(counts.astype(dtype))
        floats = sparse.csr_matrix(matrix.astype(np.result_type(dtype, np.float32)))
        trainer, expected = case.trainer().fit(matrix, y), case.trainer().fit(floats, y)
        assert bit_identical(model_outputs(trainer, matrix), model_outputs(expected, floats))


def check_values_of_another_type_raise_without_encoder(case: Case) -> None:
    """Check that a model without a preprocessor refuses dates, strings and lists in numbers."""
    X, y = case.table()
    numbers = X[["signal", "count"]].astype("float32")
    trainer = case.trainer(preprocessor=None).fit(numbers, y)
    days = pd.Series(pd.Timestamp("2024-01-01"), index=numbers.index)
    for values in (days, numbers["signal"].astype(str), numbers["signal"] + 1j):
        changed = numbers.assign(signal=values)
        for rows in (changed, changed[:1]):
            try:
                trainer.predict(rows)
            except InputError as error:
                if "column 'signal'" not in str(error):
                    raise
            else:
                raise AssertionError(f"{values.dtype} in column 'signal' raised no error")
    row = pd.DataFrame(numbers.iloc[0]).T.astype(object)
    expected = model_outputs(trainer, numbers[:1])
    np.testing.assert_allclose(model_outputs(trainer, row), expected, rtol=1e-4, atol=1e-5)

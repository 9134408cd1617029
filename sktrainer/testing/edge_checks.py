"""Contract checks of the edge: labels and columns as the user passes them."""

from __future__ import annotations

import numpy as np

from sktrainer.testing.cases import (
    Case,
    CheckNotApplicable,
    bit_identical,
    mixed_table,
    model_outputs,
)

#: Two sorted labels of each kind, among them some that libraries sort or round differently.
LABEL_PAIRS = [
    np.array(["no", "yes"]),
    np.array(["10", "9"]),
    np.array(["no", "yes"], dtype=object),
    np.array([0, 1]),
    np.array([-1, 1], dtype=np.int8),
    np.array([20230100, 20230101]),
    np.array([False, True]),
    np.array([0.0, 5.0]),
    np.array([1.0, 2.0], dtype=np.float16),
]


def check_labels_of_every_kind(case: Case) -> None:
    """Check that the labels decide neither the model nor the order of its columns."""
    if case.task == "regression":
        raise CheckNotApplicable("regression has no classes")
    X, y = mixed_table(96, "classification")
    numbers, codes = X[["signal", "count"]], (y == "c1").to_numpy().astype(int)
    expected = None
    for pair in LABEL_PAIRS:
        labels = pair[codes]
        trainer = case.trainer(early_stopping=False).fit(numbers, labels)
        assert trainer.classes_.tolist() == pair.tolist(), pair
        assert {*trainer.predict(numbers).tolist()} <= {*pair.tolist()}, pair
        assert trainer.score(numbers, labels) == np.mean(trainer.predict(numbers) == labels)
        outputs = model_outputs(trainer, numbers)
        expected = outputs if expected is None else expected
        assert bit_identical(outputs, expected), f"labels {pair.tolist()} change the model"


def check_other_columns_raise(case: Case) -> None:
    """Check that columns with other names or in another order raise, also without encoder."""
    X, y = case.table()
    numbers = X[["signal", "count"]].astype(float)
    for names in (["signal", "count"], [0, 1]):
        table = numbers.set_axis(names, axis=1)
        trainer = case.trainer(preprocessor=None, early_stopping=False).fit(table, y)
        trainer.predict(table)
        for wrong in (
            table.iloc[:, ::-1],
            table.rename(columns={names[0]: "other"}),
            table.iloc[:, :1],
            table.assign(more=0.0),
        ):
            try:
                trainer.predict(wrong)
            except ValueError as error:
                if "feature names should match" not in str(error):
                    raise
            else:
                raise AssertionError(f"{list(wrong.columns)} in place of {names}: no error")

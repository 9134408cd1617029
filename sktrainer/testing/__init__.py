"""Contract checks for backends, similar to scikit-learn's `check_estimator`.

Every backend, in sktrainer or in another package, must pass all of them:

    import pytest
    from sktrainer.testing import Case, contract_checks

    @pytest.mark.parametrize("check", contract_checks(), ids=lambda check: check.__name__)
    def test_contract(check):
        check(Case(MyClassifier(n_rounds=30), "classification"))

A failed check raises AssertionError. A check that does not apply to the model raises
`CheckNotApplicable`, a `unittest.SkipTest`, with the reason. Each module of this package has
the checks of one subject.
"""

from sktrainer.testing.cases import (
    Case,
    CheckNotApplicable,
    bit_identical,
    mixed_table,
    model_outputs,
    replace_with_noise,
    with_parameters,
)
from sktrainer.testing.contract import contract_checks

__all__ = [
    "Case",
    "CheckNotApplicable",
    "bit_identical",
    "contract_checks",
    "mixed_table",
    "model_outputs",
    "replace_with_noise",
    "with_parameters",
]

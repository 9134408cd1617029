"""Contract check of the number of rounds that inner folds choose."""

from __future__ import annotations

from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.testing.cases import Case, CheckNotApplicable
from sktrainer.testing.fit_checks import check_history, check_noise_has_no_effect


def check_inner_folds_choose_rounds(case: Case) -> None:
    """Check that inner folds see training rows only, and that no row is held out."""
    model = unwrap_pipeline(case.trainer().estimator).model
    if find_backend(model).capabilities(model, case.task).max_iter is None:
        raise CheckNotApplicable("the model is not iterative")
    trainer = check_noise_has_no_effect(case, "test", validation_size="cv")
    assert len(trainer.split_.train) + len(trainer.split_.test) == case.n_samples
    assert len(trainer.split_.validation) == 0
    assert {"train", "validation"} >= set(trainer.history_["set"]) >= {"validation"}
    assert trainer.report_.fitting["n_inner_folds"] == 5
    assert trainer.report_.fitting["refit_rounds"] == trainer.best_iteration_
    check_history(trainer)

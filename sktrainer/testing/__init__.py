"""Contract checks for backends, similar to scikit-learn's `check_estimator`.

Every backend, in sktrainer or in another package, must pass all of them:

    import pytest
    from sktrainer.testing import Case, contract_checks

    @pytest.mark.parametrize("check", contract_checks(), ids=lambda check: check.__name__)
    def test_contract(check):
        check(Case(MyClassifier(n_rounds=30), "classification"))

A failed check raises AssertionError. A check that does not apply to the model returns early.
"""

from sktrainer.testing.answers import answers, same_bits
from sktrainer.testing.cases import Case, mixed_table, with_noise, with_parameters
from sktrainer.testing.checks import (
    check_a_device_that_is_not_there_is_refused,
    check_a_rare_class_keeps_its_column,
    check_another_process_gives_the_same_bits,
    check_answers_speak_of_the_callers_labels,
    check_arrays_work_as_tables_do,
    check_folds_do_not_depend_on_n_jobs,
    check_history_tells_of_every_iteration,
    check_one_row_alone_is_predicted_as_among_others,
    check_pickle_and_clone,
    check_pipeline_scores_rows_by_itself,
    check_same_seed_same_bits,
    check_saved_file_gives_the_same_bits,
    check_test_rows_serve_to_score_alone,
    check_validation_rows_are_never_fitted,
    check_weights_count,
    contract_checks,
)
from sktrainer.testing.chunk_checks import (
    check_a_refused_chunk_changes_nothing,
    check_chunks_give_the_same_bits_again,
    check_chunks_go_on_from_a_fit,
    check_chunks_leave_the_caller_alone,
    check_rows_of_weight_zero_are_absent_from_chunks,
    check_the_first_chunk_decides_the_encoding,
)
from sktrainer.testing.killing import check_a_killed_fit_goes_on_to_the_same_bits
from sktrainer.testing.state_checks import (
    check_data_is_untouched,
    check_state_of_the_caller_is_put_back,
    check_wrapped_estimator_is_untouched,
)

__all__ = [
    "Case",
    "answers",
    "check_a_device_that_is_not_there_is_refused",
    "check_a_killed_fit_goes_on_to_the_same_bits",
    "check_a_rare_class_keeps_its_column",
    "check_a_refused_chunk_changes_nothing",
    "check_another_process_gives_the_same_bits",
    "check_answers_speak_of_the_callers_labels",
    "check_arrays_work_as_tables_do",
    "check_chunks_give_the_same_bits_again",
    "check_chunks_go_on_from_a_fit",
    "check_chunks_leave_the_caller_alone",
    "check_data_is_untouched",
    "check_folds_do_not_depend_on_n_jobs",
    "check_history_tells_of_every_iteration",
    "check_one_row_alone_is_predicted_as_among_others",
    "check_pickle_and_clone",
    "check_pipeline_scores_rows_by_itself",
    "check_rows_of_weight_zero_are_absent_from_chunks",
    "check_same_seed_same_bits",
    "check_saved_file_gives_the_same_bits",
    "check_state_of_the_caller_is_put_back",
    "check_test_rows_serve_to_score_alone",
    "check_the_first_chunk_decides_the_encoding",
    "check_validation_rows_are_never_fitted",
    "check_weights_count",
    "check_wrapped_estimator_is_untouched",
    "contract_checks",
    "mixed_table",
    "same_bits",
    "with_noise",
    "with_parameters",
]

"""Contract checks for backends, similar to scikit-learn's `check_estimator`.

Every backend, in sktrainer or in another package, must pass all of them:

    import pytest
    from sktrainer.testing import Case, contract_checks

    @pytest.mark.parametrize("check", contract_checks(), ids=lambda check: check.__name__)
    def test_contract(check):
        check(Case(MyClassifier(n_rounds=30), "classification"))

A failed check raises AssertionError. A check that does not apply to the model raises
`CheckNotApplicable`, a `unittest.SkipTest`, with the reason.
"""

from sktrainer.testing.callback_checks import (
    check_callbacks_observe_and_stop,
    check_callbacks_of_folds,
)
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
from sktrainer.testing.edge_checks import (
    check_labels_of_every_kind,
    check_other_columns_raise,
)
from sktrainer.testing.fit_checks import (
    check_folds_do_not_depend_on_n_jobs,
    check_history_is_complete,
    check_importances_are_per_column,
    check_missing_class_keeps_probability_column,
    check_numpy_arrays,
    check_pickle_and_clone,
    check_pipeline_predicts_raw_rows,
    check_predictions_use_original_labels,
    check_reproducible_across_processes,
    check_same_seed_is_reproducible,
    check_saved_file_is_bit_identical,
    check_single_row_prediction,
    check_test_rows_do_not_affect_fit,
    check_time_order,
    check_unavailable_device_raises,
    check_validation_rows_are_not_fitted,
)
from sktrainer.testing.inner_fold_checks import check_inner_folds_choose_rounds
from sktrainer.testing.input_checks import (
    check_converted_values_predict_alike,
    check_sparse_integers_equal_floats,
    check_special_column_names,
    check_values_of_another_type_raise,
)
from sktrainer.testing.isolation_checks import (
    check_data_is_not_modified,
    check_estimator_is_not_modified,
    check_fits_in_threads_equal_serial_fit,
    check_global_state_is_restored,
)
from sktrainer.testing.partial_fit_checks import (
    check_first_chunk_fixes_encoding,
    check_partial_fit_after_fit,
    check_partial_fit_is_reproducible,
    check_partial_fit_preserves_state,
    check_partial_fit_zero_weights,
    check_rejected_chunk_changes_nothing,
)
from sktrainer.testing.resume_checks import check_resume_is_bit_identical
from sktrainer.testing.score_checks import (
    check_f1_is_of_the_rarer_class,
    check_out_of_fold_predictions,
)
from sktrainer.testing.weight_checks import (
    check_unit_weights_equal_no_weights,
    check_zero_weight_equals_absent_row,
)

__all__ = [
    "Case",
    "CheckNotApplicable",
    "bit_identical",
    "check_callbacks_observe_and_stop",
    "check_callbacks_of_folds",
    "check_converted_values_predict_alike",
    "check_data_is_not_modified",
    "check_estimator_is_not_modified",
    "check_f1_is_of_the_rarer_class",
    "check_first_chunk_fixes_encoding",
    "check_fits_in_threads_equal_serial_fit",
    "check_folds_do_not_depend_on_n_jobs",
    "check_global_state_is_restored",
    "check_history_is_complete",
    "check_importances_are_per_column",
    "check_inner_folds_choose_rounds",
    "check_labels_of_every_kind",
    "check_missing_class_keeps_probability_column",
    "check_numpy_arrays",
    "check_other_columns_raise",
    "check_out_of_fold_predictions",
    "check_partial_fit_after_fit",
    "check_partial_fit_is_reproducible",
    "check_partial_fit_preserves_state",
    "check_partial_fit_zero_weights",
    "check_pickle_and_clone",
    "check_pipeline_predicts_raw_rows",
    "check_predictions_use_original_labels",
    "check_rejected_chunk_changes_nothing",
    "check_reproducible_across_processes",
    "check_resume_is_bit_identical",
    "check_same_seed_is_reproducible",
    "check_saved_file_is_bit_identical",
    "check_single_row_prediction",
    "check_sparse_integers_equal_floats",
    "check_special_column_names",
    "check_test_rows_do_not_affect_fit",
    "check_time_order",
    "check_unavailable_device_raises",
    "check_unit_weights_equal_no_weights",
    "check_validation_rows_are_not_fitted",
    "check_values_of_another_type_raise",
    "check_zero_weight_equals_absent_row",
    "contract_checks",
    "mixed_table",
    "model_outputs",
    "replace_with_noise",
    "with_parameters",
]

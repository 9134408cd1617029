"""List of all contract checks."""

from __future__ import annotations

from collections.abc import Callable

import sktrainer.testing.edge_checks as edge
import sktrainer.testing.fit_checks as fit
import sktrainer.testing.input_checks as inputs
import sktrainer.testing.isolation_checks as isolation
import sktrainer.testing.partial_fit_checks as partial_fit
import sktrainer.testing.score_checks as scores
import sktrainer.testing.weight_checks as weights
from sktrainer.testing.callback_checks import (
    check_callbacks_observe_and_stop,
    check_callbacks_of_folds,
)
from sktrainer.testing.cases import Case
from sktrainer.testing.inner_fold_checks import check_inner_folds_choose_rounds
from sktrainer.testing.resume_checks import check_resume_is_bit_identical


def contract_checks() -> list[Callable[[Case], None]]:
    """Return all contract checks.

    Returns
    -------
    list of callable
        Each takes a `Case`. It raises AssertionError if the check fails and
        `CheckNotApplicable`, which test runners report as a skip, if the check does not apply.

    Examples
    --------
    >>> all(check.__name__.startswith("check_") for check in contract_checks())
    True
    """
    return [
        fit.check_test_rows_do_not_affect_fit,
        fit.check_validation_rows_are_not_fitted,
        fit.check_same_seed_is_reproducible,
        fit.check_reproducible_across_processes,
        fit.check_folds_do_not_depend_on_n_jobs,
        fit.check_pickle_and_clone,
        fit.check_saved_file_is_bit_identical,
        fit.check_importances_are_per_column,
        fit.check_pipeline_predicts_raw_rows,
        fit.check_predictions_use_original_labels,
        edge.check_labels_of_every_kind,
        edge.check_other_columns_raise,
        fit.check_missing_class_keeps_probability_column,
        fit.check_history_is_complete,
        scores.check_f1_is_of_the_rarer_class,
        scores.check_out_of_fold_predictions,
        weights.check_zero_weight_equals_absent_row,
        weights.check_unit_weights_equal_no_weights,
        fit.check_time_order,
        fit.check_numpy_arrays,
        fit.check_single_row_prediction,
        fit.check_unavailable_device_raises,
        inputs.check_values_of_another_type_raise,
        inputs.check_converted_values_predict_alike,
        inputs.check_special_column_names,
        inputs.check_sparse_integers_equal_floats,
        isolation.check_global_state_is_restored,
        isolation.check_fits_in_threads_equal_serial_fit,
        isolation.check_estimator_is_not_modified,
        isolation.check_data_is_not_modified,
        check_inner_folds_choose_rounds,
        partial_fit.check_first_chunk_fixes_encoding,
        partial_fit.check_partial_fit_is_reproducible,
        partial_fit.check_partial_fit_preserves_state,
        partial_fit.check_rejected_chunk_changes_nothing,
        partial_fit.check_partial_fit_zero_weights,
        partial_fit.check_partial_fit_after_fit,
        check_resume_is_bit_identical,
        check_callbacks_observe_and_stop,
        check_callbacks_of_folds,
    ]

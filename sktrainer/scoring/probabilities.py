"""Corrections of predicted probabilities: shifted class priors and missing classes."""

from __future__ import annotations

import numpy as np

from sktrainer.types import Array


def correct_priors(probabilities: Array, shift: Array) -> Array:
    """Undo the shift of class priors caused by class weights or resampling.

    A model trained with changed class shares predicts ``p'(c|x)`` proportional to
    ``p(c|x) * shift[c]``. Following Bayes' rule, each column is divided by its shift and
    each row is normalized to sum to 1.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Probabilities predicted by the model.
    shift : ndarray of shape (n_classes,)
        Share of each class in the training data of the model divided by its share in the
        original data, up to a common factor. See
        `sktrainer.resampling.class_weight.prior_shift`.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Corrected probabilities with the dtype of `probabilities`; rows sum to 1. Rows
        that contain only zeros are unchanged.

    Notes
    -----
    The correction is exact only if the distribution within each class is unchanged, as
    with class weights and random over- and undersampling. Synthetic rows (SMOTE) only
    approximate it. If a model can separate synthetic from real rows, as boosted trees
    can, the actual shift is smaller and the correction is too strong.

    References
    ----------
    C. Elkan, "The foundations of cost-sensitive learning", IJCAI 2001, theorem 2.

    M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new
    a priori probabilities: a simple procedure", Neural Computation 14, 2002, equation 2.4.

    Examples
    --------
    A model trained on balanced classes, for data with 10 % positive rows:

    >>> shift = np.array([0.5 / 0.9, 0.5 / 0.1])
    >>> correct_priors(np.array([[0.5, 0.5], [0.1, 0.9]]), shift)
    array([[0.9, 0.1],
           [0.5, 0.5]])
    """
    probabilities = np.asarray(probabilities)
    dtype = probabilities.dtype if probabilities.dtype.kind == "f" else np.dtype(float)
    shift = np.asarray(shift, dtype=float)
    # A class that resampling removed has no predicted probability to correct.
    factors = np.divide(1.0, shift, out=np.zeros_like(shift), where=shift > 0)
    corrected = probabilities * factors
    totals = corrected.sum(axis=1, keepdims=True)
    is_empty = totals == 0
    totals[is_empty] = 1.0
    corrected /= totals
    if is_empty.any():
        corrected = np.where(is_empty, probabilities, corrected)
    return corrected.astype(dtype, copy=False)


def expand_class_columns(
    probabilities: Array, class_codes: Array | None, n_classes: int
) -> Array:
    """Insert a column of zeros for each class without training rows.

    `class_codes` has the code of the class of each column (None: the columns are complete). The
    input itself is returned if no class is missing.

    Examples
    --------
    >>> expand_class_columns(np.array([[0.25, 0.75]]), np.array([0, 2]), 3)
    array([[0.25, 0.  , 0.75]])
    """
    if class_codes is None or np.array_equal(class_codes, np.arange(n_classes)):
        return probabilities
    expanded = np.zeros((len(probabilities), n_classes), dtype=probabilities.dtype)
    expanded[:, class_codes] = probabilities
    return expanded

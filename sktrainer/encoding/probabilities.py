"""Predicted probabilities put right: columns of unseen classes, and shifted priors."""

from __future__ import annotations

import numpy as np

from sktrainer.types import Array

__all__ = ["correct_priors", "expand_columns"]


def correct_priors(probabilities: Array, shift: Array) -> Array:
    """Undo the shift of class priors that weighting or resampling caused.

    A model that was trained on other shares of the classes than those of the data predicts
    ``p'(c|x)`` in proportion to ``p(c|x) * shift[c]``. Each column is divided by its shift
    and each row by its sum, which is Bayes' rule under changed priors.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        As the model predicts them.
    shift : ndarray of shape (n_classes,)
        Share of each class in what the model was trained on over its share in the data,
        up to a common factor, as `sktrainer.encoding.imbalance.prior_shift` gives it.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Of the dtype of `probabilities`; rows sum to 1. A row without any probability, of
        zeros alone, stays as it is.

    Notes
    -----
    The rule holds where the rows of each class are still those of the data, in other
    numbers: for class weights, and for random over- and undersampling. Synthetic rows are
    only like them. A model that tells them apart, as boosted trees can on real tables,
    shifts its probabilities by less, and is corrected too far.

    References
    ----------
    C. Elkan, "The foundations of cost-sensitive learning", IJCAI 2001, theorem 2.

    M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new
    a priori probabilities: a simple procedure", Neural Computation 14, 2002, equation 2.4.

    Examples
    --------
    Trained on as many rows of either class, where one in ten is positive:

    >>> shift = np.array([0.5 / 0.9, 0.5 / 0.1])
    >>> correct_priors(np.array([[0.5, 0.5], [0.1, 0.9]]), shift)
    array([[0.9, 0.1],
           [0.5, 0.5]])
    """
    probabilities = np.asarray(probabilities)
    dtype = probabilities.dtype if probabilities.dtype.kind == "f" else np.dtype(float)
    shift = np.asarray(shift, dtype=float)
    # A class that resampling left no row of has no probability to put right.
    factors = np.divide(1.0, shift, out=np.zeros_like(shift), where=shift > 0)
    corrected = probabilities * factors
    totals = corrected.sum(axis=1, keepdims=True)
    is_empty = totals == 0
    totals[is_empty] = 1.0
    corrected /= totals
    if is_empty.any():
        corrected = np.where(is_empty, probabilities, corrected)
    return corrected.astype(dtype, copy=False)


def expand_columns(probabilities: Array, class_codes: Array | None, n_classes: int) -> Array:
    """Put in place a column of zeros for each class that the training rows lacked.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_present)
    class_codes : ndarray of shape (n_present,) or None
        The class, of all classes, that each column stands for; None: column by column.
    n_classes : int

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        The input itself where nothing is missing.

    Examples
    --------
    >>> expand_columns(np.array([[0.25, 0.75]]), np.array([0, 2]), 3)
    array([[0.25, 0.  , 0.75]])
    """
    if class_codes is None or np.array_equal(class_codes, np.arange(n_classes)):
        return probabilities
    expanded = np.zeros((len(probabilities), n_classes), dtype=probabilities.dtype)
    expanded[:, class_codes] = probabilities
    return expanded

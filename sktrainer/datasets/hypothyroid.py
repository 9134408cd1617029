from __future__ import annotations

import gzip
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import pandas as pd
from sklearn.utils import Bunch

TARGET = "class"
NUMERIC = ("age", "TSH", "T3", "TT4", "T4U", "FTI", "TBG")


def load_hypothyroid(*, return_X_y: bool = False, as_frame: bool = True) -> Any:
    """Load the hypothyroid data set (binary classification).

    The data set has mixed column types, missing values and imbalanced classes: 3,163 patients
    of the UCI thyroid disease records, with 7 numeric and 18 text columns, 5,329 missing
    values in 8 columns, and 151 patients (4.8%) of the class ``"hypothyroid"``. These
    patients are the first rows, so shuffle the table before splitting it.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=True
        If True, `data` is a DataFrame and `target` a Series. Otherwise both are arrays of
        dtype object.

    Returns
    -------
    data : sklearn.utils.Bunch
        Dictionary-like object with the same attributes as scikit-learn's loaders return:

        data : DataFrame or ndarray of shape (3163, 25)
            The columns, without the target.
        target : Series or ndarray of shape (3163,)
            ``"hypothyroid"`` or ``"negative"``.
        frame : DataFrame of shape (3163, 26) or None
            The target, ``"class"``, and the data. None if `as_frame` is False.
        feature_names : list of str
            Names of the columns of `data`.
        target_names : list of str
            The two classes.
        DESCR : str
            Description of the columns, the source and the license.
    (data, target) : tuple
        If `return_X_y` is True.

    Notes
    -----
    Quinlan, R. (1986). Thyroid Disease [Dataset]. UCI Machine Learning Repository.
    https://doi.org/10.24432/C5D010. License: CC BY 4.0.

    Examples
    --------
    >>> from sktrainer.datasets import load_hypothyroid
    >>> X, y = load_hypothyroid(return_X_y=True)
    >>> X.shape
    (3163, 25)
    >>> y.value_counts().to_dict()
    {'negative': 3012, 'hypothyroid': 151}
    """
    folder = resources.files("sktrainer.datasets") / "data"
    frame = _read(folder / "hypothyroid.csv.gz")
    data: Any = frame.drop(columns=TARGET)
    target: Any = frame[TARGET]
    names = data.columns.tolist()
    if not as_frame:
        data, target = data.to_numpy(dtype=object), target.to_numpy(dtype=object)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame if as_frame else None,
        feature_names=names,
        target_names=["hypothyroid", "negative"],
        DESCR=(folder / "hypothyroid.md").read_text(encoding="utf-8"),
    )


def _read(file: Traversable) -> pd.DataFrame:
    """Read a CSV file in which only empty fields are missing values."""
    with file.open("rb") as raw, gzip.open(raw) as text:
        return pd.read_csv(
            text,
            dtype=dict.fromkeys(NUMERIC, "float64"),
            na_values=[""],
            keep_default_na=False,
        )

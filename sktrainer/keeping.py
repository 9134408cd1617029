"""What outlasts the process of a fitted trainer: files, and the proof that they are true."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sklearn.utils.validation import check_is_fitted

from sktrainer.storage import bundle

if TYPE_CHECKING:
    from sktrainer.verification import Verification

__all__ = ["Keeping"]


class Keeping:
    """The methods by which a trainer is written, read and fitted anew."""

    def save(self, path: str | os.PathLike[str], *, format: str | None = None) -> Path:
        """Write the fitted trainer to a file, whole or not at all.

        Parameters
        ----------
        path : path-like
            Ends in ``.skt``: a zip that is read without running any of it. Or in
            ``.joblib`` or ``.pkl``: pickles, which hold more and ask for trust.
        format : {"native"} or None, default=None
            None: by the suffix. "native": the model alone, without the steps before it, as
            its own library reads it: ``.ubj`` or ``.json`` (XGBoost), ``.txt`` (LightGBM),
            ``.cbm`` (CatBoost), ``.safetensors`` (torch), ``.keras`` (Keras). It answers as it
            was trained: in class codes, or in the deviations that ``report_`` names.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            Another suffix or format, or something that a ``.skt`` file cannot hold.

        Examples
        --------
        >>> import tempfile
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sktrainer import ManagedTrainer, load
        >>> X, y = load_iris(return_X_y=True)
        >>> trainer = ManagedTrainer(LogisticRegression()).fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = load(trainer.save(f"{folder}/iris.skt"))
        >>> bool((again.predict_proba(X) == trainer.predict_proba(X)).all())
        True
        """
        check_is_fitted(self)
        return bundle.write(self, path, format=format)

    def to_onnx(self, path: str | os.PathLike[str], X: Any) -> Path:
        """Write steps and model as one ONNX file, for programs without Python.

        Its inputs are the columns of X by name, each of shape (n_rows, 1) and double or
        text (a missing text is an empty one), or an array "X" of doubles; its outputs are
        what the methods give: `label` and `probabilities`, or `prediction`.

        Parameters
        ----------
        path : path-like
            Ends in ``.onnx``.
        X : array-like of shape (n_samples, n_features)
            Rows, as `predict` takes them, on which the file is compared with the trainer
            before it is put in place. The more, the better: the test rows, say.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            A step or the model cannot be converted, or what comes out differs by more than
            rounding to float32 explains. Nothing is written then.
        ImportError
            The extra is missing: ``pip install "sktrainer[onnx]"``.

        Warns
        -----
        DataWarning
            The file is for rows without missing cells, and the trainer is not.

        Notes
        -----
        By skl2onnx and onnxmltools, and CatBoost's own export.

        Examples
        --------
        >>> from sktrainer import ManagedTrainer
        >>> from sktrainer.datasets import load_hypothyroid
        >>> from sklearn.linear_model import LogisticRegression
        >>> X, y = load_hypothyroid(return_X_y=True)
        >>> trainer = ManagedTrainer(LogisticRegression(), random_state=0).fit(X, y)
        >>> trainer.to_onnx("thyroid.onnx", X)  # doctest: +SKIP
        PosixPath('thyroid.onnx')
        """
        from sktrainer.storage.onnx import write_onnx

        check_is_fitted(self)
        return write_onnx(self, path, X)

    def verify(self, X: Any, y: Any = None, **others: Any) -> Verification:
        """Fit anew with what this fit recorded, and say what is the same, to the bit.

        Parameters
        ----------
        X, y, **others
            What was passed to `fit`: also `sample_weight`, `groups`, `X_val`, ...

        Returns
        -------
        Verification
            True where data, parameters, library versions and predictions are all the same.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sktrainer import ManagedTrainer
        >>> X, y = load_iris(return_X_y=True)
        >>> trainer = ManagedTrainer(LogisticRegression(), test_size=0.2).fit(X, y)
        >>> bool(trainer.verify(X, y)), bool(trainer.verify(X[::-1], y[::-1]))
        (True, False)
        """
        from sktrainer.verification import verify

        check_is_fitted(self)
        return verify(self, X, y, others)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, trusted: bool | Sequence[str] = False
    ) -> Self:
        """Read a trainer that `save` wrote.

        Parameters
        ----------
        path : path-like
        trusted : bool or sequence of str, default=False
            A ``.skt`` file that names classes or functions of your own, or any that are
            not known to be harmless, says which: list those that you trust, or pass True
            for all. ``.joblib`` and ``.pkl`` files run code as they are read: pass True
            for your own.

        Returns
        -------
        ManagedTrainer

        Raises
        ------
        UntrustedFileError
            Where more trust is needed; the error says what for.
        FileFormatError
            A ``.skt`` file was cut short or changed, or a later version wrote it.
        InputError
            Where there is no such file, or another thing is in it.
        ImportError
            The library of the model is not installed.
        """
        return bundle.read(path, cls, trusted=trusted)

"""Methods of the trainer to copy, save, load, export and verify."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sklearn.utils.validation import check_is_fitted

from sktrainer.backends.estimators import clone_network, decode_networks, encode_networks
from sktrainer.callbacks.base import is_fit_callback
from sktrainer.config.mixin import ConfigMixin
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.serialization.bundle import read_bundle, write_bundle

if TYPE_CHECKING:
    from sktrainer.checkpoints.schedule import Checkpoint
    from sktrainer.tracking.recorder import RunRecorder
    from sktrainer.training.verify import Verification


class PersistenceMixin(ConfigMixin):
    """Mixin with `save`, `load`, `to_config`, `to_onnx`, `verify`, pickling and cloning."""

    checkpoint: Checkpoint | str | os.PathLike[str] | None
    get_params: Callable[..., dict[str, Any]]
    trackers: Sequence[object]
    run_path_: Path
    _is_clone: bool
    _skl_callbacks: list[object]
    _parent_id: str

    def save(self, path: str | os.PathLike[str], *, format: str | None = None) -> Path:
        """Write the fitted trainer to a file, atomically.

        Parameters
        ----------
        path : path-like
            A file name that ends in ``.skt``, a zip file that is loaded without running any
            code from it; or in ``.joblib`` or ``.pkl``, pickles that can store any object
            but must be trusted to be loaded.
        format : {"native"} or None, default=None
            None: chosen by the suffix. "native": only the model, without the steps before
            it, in the format of its library: ``.ubj`` or ``.json`` (XGBoost), ``.txt``
            (LightGBM), ``.cbm`` (CatBoost), ``.safetensors`` (torch), ``.keras`` (Keras). A
            native model predicts what it was trained on: class codes, or a scaled target if
            ``report_`` shows a target scale.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        InputError
            If the suffix or the format is not supported, or if a ``.skt`` file cannot store
            the trainer.

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
        return write_bundle(self, path, format=format)

    def to_onnx(self, path: str | os.PathLike[str], X: Any) -> Path:
        """Export the steps and the model to one ONNX file, for use without Python.

        The inputs of the file are the columns of X by name, each of shape (n_rows, 1) and of
        type double or string (a missing string is the empty string), or one array "X" of
        doubles. The outputs are `label` and `probabilities`, or `prediction`.

        Parameters
        ----------
        path : path-like
            A file name that ends in ``.onnx``.
        X : array-like of shape (n_samples, n_features)
            Rows on which the predictions of the file are compared with those of the trainer
            before the file is written. Pass many rows, for example the test rows.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        InputError
            If a step or the model cannot be converted, or if the predictions differ by more
            than rounding to float32 explains. No file is written then.
        ImportError
            If the extra is not installed: ``pip install "sktrainer[onnx]"``.

        Warns
        -----
        DataWarning
            If the file does not support missing values although the trainer does.

        Notes
        -----
        The conversion uses skl2onnx, onnxmltools and the ONNX export of CatBoost.

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
        from sktrainer.serialization.onnx.export import write_onnx

        check_is_fitted(self)
        return write_onnx(self, path, X)

    def verify(self, X: Any, y: Any = None, **others: Any) -> Verification:
        """Repeat the fit and check that its result is bit-identical.

        Parameters
        ----------
        X, y, **others
            The arguments that were passed to `fit`, including `sample_weight`, `groups`,
            `X_val`, ...

        Returns
        -------
        Verification
            True if data, parameters, library versions and predictions are identical.

        Raises
        ------
        InputError
            If the trainer was trained with `partial_fit`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sktrainer import ManagedTrainer
        >>> X, y = load_iris(return_X_y=True)
        >>> trainer = ManagedTrainer(LogisticRegression(), test_size=0.2, random_state=0)
        >>> trainer = trainer.fit(X, y)
        >>> bool(trainer.verify(X, y)), bool(trainer.verify(X[::-1], y[::-1]))
        (True, False)
        """
        from sktrainer.training.verify import verify

        check_is_fitted(self)
        return verify(self, X, y, others)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, trusted: bool | Sequence[str] = False
    ) -> Self:
        """Load a trainer that `save` wrote.

        Parameters
        ----------
        path : path-like
        trusted : bool or sequence of str, default=False
            Names of classes and functions in a ``.skt`` file that may be used although they
            are user-defined or not known to be safe; True for all. The error lists the names
            that need trust. Loading a ``.joblib`` or ``.pkl`` file runs code from it: pass
            True only for files from a source that you trust.

        Returns
        -------
        ManagedTrainer

        Raises
        ------
        UntrustedFileError
            If the file needs trust. The message lists the names.
        FileFormatError
            If a ``.skt`` file is truncated, was modified, or was written by a later version.
        InputError
            If the file does not exist or does not contain a trainer.
        ImportError
            If the library of the model is not installed.
        """
        return read_bundle(path, trusted=trusted, expected=cls)

    def _finish_run(self, recorder: RunRecorder | None, X: Any) -> None:
        """Set `run_path_`, and complete the record of a fit with trackers."""
        vars(self).pop("run_path_", None)
        if recorder is not None and recorder.path is not None:
            from sktrainer.serving.run_artifacts import write_artifacts

            self.run_path_ = recorder.path
            recorder.finish(partial(write_artifacts, self, X))

    def __getstate__(self) -> dict[str, Any]:
        # Networks are stored as plain values: the pickles of some libraries warn, draw random
        # numbers and contain the time, so that no two of them are equal.
        return encode_networks(super().__getstate__())  # type: ignore[arg-type]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(decode_networks(state))  # type: ignore[misc]

    def __sklearn_clone__(self) -> Self:
        # `sklearn.base.clone` rejects a nested CatBoost model; see `clone_estimator`.
        parameters = self.get_params(deep=False)
        estimator = clone_network(parameters.pop("estimator"))
        callbacks, trackers = parameters.pop("callbacks"), parameters.pop("trackers")
        rest = {name: clone_estimator(value) for name, value in parameters.items()}
        rest["trackers"] = trackers  # they may have connections, which cannot be copied
        if isinstance(callbacks, (list, tuple)):
            # scikit-learn's callbacks are made for all clones.
            rest["callbacks"] = type(callbacks)(
                c if is_fit_callback(c) else clone_estimator(c) for c in callbacks
            )
        else:
            rest["callbacks"] = clone_estimator(callbacks)
        copy = type(self)(estimator, **rest)  # type: ignore[call-arg]
        if hasattr(self, "_skl_callbacks"):
            copy._skl_callbacks = self._skl_callbacks
        for private in ("_metadata_request", "_sklearn_output_config"):
            if hasattr(self, private):
                setattr(copy, private, clone_estimator(getattr(self, private)))
        if self.checkpoint is not None:
            copy._is_clone = True  # its fits need a checkpoint folder of their own
        if self.trackers:
            # A search clones the trainer, and then clones this clone for each of its fits.
            copy._parent_id = vars(self).setdefault("_clone_id", uuid.uuid4().hex[:8])
        return copy

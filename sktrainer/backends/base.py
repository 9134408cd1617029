"""Backend Protocol, and the data classes that backends receive and return.

A backend translates between sktrainer and one library. It makes no decisions: patience,
seeds, splits, weights and history are determined by the trainer and passed to the backend
in a `FitRequest`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from sktrainer.backends.spec import BackendSpec
from sktrainer.backends.support import (
    AllowedTypes,
    InputLimits,
    ModelSerializer,
    NetworkSupport,
    OnnxConverter,
    ParameterSpec,
)
from sktrainer.callbacks.early_stopping import Monitor
from sktrainer.checkpoints.fit import FitCheckpoint
from sktrainer.runtime.devices import DeviceSupport
from sktrainer.types import Array, ModelFit, Rows, StopReason, Task


@dataclass(frozen=True)
class Capabilities:
    """Capabilities and requirements of a model.

    Attributes
    ----------
    native_categorical : bool
        The model accepts columns of category codes as categorical features.
    category_codes : {"float", "frame"}
        Format of those codes: floats in the feature array (missing and unseen categories
        are NaN), or int32 columns of a pandas DataFrame (missing and unseen are -1).
    native_missing : bool
        The model accepts NaN.
    scale_sensitive : bool
        Columns with different scales degrade the model.
    preserves_dtype : bool
        The model computes in the dtype of X, so that float32 rows give float32 predictions.
    needs_full_rank : bool
        Linearly dependent columns, such as a full set of one-hot columns, break the model.
    accepts_sparse : bool
        The model accepts SciPy sparse matrices.
    accepts_nd : bool
        The model accepts arrays with three or more dimensions, such as images and
        sequences.
    multi_output : bool
        For regression, the model accepts a 2-d y even if its tags do not say so.
    accepts_sample_weight : bool
        `fit` accepts sample weights.
    reads_labels : bool
        The model is user-defined code, which is trained on the original labels. All other
        models are trained on the class codes 0 to n_classes - 1.
    predict_is_argmax : bool
        `predict` returns the class with the highest `predict_proba`, so that labels can be
        derived from known probabilities without a second prediction.
    max_iter : int or None
        Maximum number of iterations (rounds, trees, epochs); None if the iterations of the
        model cannot be monitored.
    early_stopping_by_default : bool
        More iterations overfit the model, so that ``early_stopping="auto"`` enables early
        stopping.
    inner_folds_by_default : bool
        On a small training set, inner folds choose the number of iterations by default, so
        that no rows are held out. For models that are quick to train several times.
    iteration_name : str
        Name of an iteration: "round", "tree", "epoch".
    releases_gil : bool
        Folds can be trained in threads.
    segmented_training : bool
        With a checkpoint, the model is trained in segments of rounds. The segment length
        can change the result.
    """

    native_categorical: bool = False
    category_codes: Literal["float", "frame"] = "float"
    native_missing: bool = False
    scale_sensitive: bool = True
    preserves_dtype: bool = False
    needs_full_rank: bool = False
    accepts_sparse: bool = True
    accepts_nd: bool = False
    multi_output: bool = False
    accepts_sample_weight: bool = True
    reads_labels: bool = False
    predict_is_argmax: bool = False
    max_iter: int | None = None
    early_stopping_by_default: bool = False
    inner_folds_by_default: bool = False
    iteration_name: str = "iteration"
    releases_gil: bool = False
    segmented_training: bool = False


@dataclass(frozen=True)
class FitRequest:
    """Inputs of one fit.

    Attributes
    ----------
    model : estimator
        Unfitted. The backend owns it: it may set parameters on it and fit it in place.
    task : {"classification", "regression"}
    train, validation : Rows
        Encoded rows. `y` holds the values that the model trains on: labels, codes or
        numbers. `validation` is None if no metric is monitored.
    monitor : Monitor
        Records the metrics of each iteration and returns whether to stop. It holds the
        monitored metric, the patience and the best iteration.
    seed : int
        Seed for each random parameter that the model leaves unset.
    n_threads : int
        Maximum number of threads that the model may use.
    categorical : tuple of int
        Positions of the columns that hold category codes.
    n_iter : int or None
        Exact number of iterations, without early stopping; overrides the model's own.
    checkpoint : FitCheckpoint or None
        Provides the state to resume from and stores the state after iterations. If a backend
        ignores it, an interrupted fit starts from the beginning; a completed fit is stored
        in either case.
    labels : ndarray of shape (n_classes,) or None
        Original labels by class code; only needed where a library gives a label a meaning.
    device : str or None
        Available device to train on: "cpu", "cuda", "cuda:1", "mps". None leaves the
        model's setting unchanged. Values other than None and "cpu" require `Backend.devices`.
    """

    model: Any
    task: Task
    train: Rows
    monitor: Monitor
    seed: int
    n_threads: int = 1
    validation: Rows | None = None
    categorical: tuple[int, ...] = ()
    n_iter: int | None = None
    checkpoint: FitCheckpoint | None = None
    device: str | None = None
    labels: Array | None = None

    def defer_signals(self) -> AbstractContextManager[None]:
        """Defer signals to the end of an iteration, if there is a checkpoint."""
        return nullcontext() if self.checkpoint is None else self.checkpoint.defer_signals()


@dataclass(frozen=True)
class PartialFitRequest(FitRequest):
    """Inputs of one `partial_fit` step; there are no validation rows.

    `model` is never modified: it is unfitted for the first chunk and fitted on the previous
    data afterwards. The backend trains a copy, so that a failed step has no effect.
    `monitor` records the training loss of the chunk as iteration `number`.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,) or None
        All classes, encoded like ``train.y``, which may not contain every class. None for
        regression.
    number : int
        Index of the chunk, counted from 1. The randomness of a step depends only on this
        number and on `seed`, which is the same for all chunks.
    """

    classes: Array | None = None
    number: int = 1


class Backend(Protocol):
    """Adapter between sktrainer and one library.

    A backend subclasses this Protocol and defines `spec`, `capabilities` and `fit`. Each
    optional attribute that it leaves at its default says that something is not supported.

    Attributes
    ----------
    spec : BackendSpec
    parameters : ParameterSpec
    input_limits : InputLimits
        Column names and matrices that must be converted before they reach the model.
    allowed_types : AllowedTypes
        Types that its models contain when they are written to a file.
    devices : DeviceSupport or None
        None: the model's own parameters select the device.
    serializer : ModelSerializer or None
        None: models are written as audited states, as those of scikit-learn are.
    fit_chunk : callable or None
        Trains a copy of a model on one chunk with the library's incremental step. None: no
        `partial_fit`.
    networks : NetworkSupport or None
        None: models contain no networks.
    onnx : OnnxConverter or None
        None: skl2onnx converts the model.
    """

    spec: ClassVar[BackendSpec]
    parameters: ClassVar[ParameterSpec] = ParameterSpec()
    input_limits: ClassVar[InputLimits] = InputLimits()
    allowed_types: ClassVar[AllowedTypes] = AllowedTypes()
    devices: DeviceSupport | None = None
    serializer: ModelSerializer | None = None
    fit_chunk: Callable[[PartialFitRequest], ModelFit] | None = None
    networks: NetworkSupport | None = None
    onnx: OnnxConverter | None = None

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        """Return the capabilities and requirements of a model with its current parameters.

        Raises
        ------
        ParameterError
            If the model cannot be trained with these parameters.
        """

    def ignored_parameters(self, model: Any) -> Mapping[str, str]:
        """Return the parameters that the library accepts but does not use, with a hint.

        A hint names the parameter that was probably meant; it may be empty.
        """
        return {}

    def as_nested(self, model: Any) -> Any:
        """Return the model as other models can hold it: scikit-learn expects 1-d labels."""
        return model

    def fit(self, request: FitRequest) -> ModelFit:
        """Fit the model, record each iteration if possible, and keep the best iteration."""


def watched_fit(request: FitRequest, n_iter: int, *, stopped: bool) -> ModelFit:
    """Return the result of a monitored fit of `n_iter` iterations."""
    reason: StopReason = request.monitor.stop_reason if stopped else "max_iter"
    best = request.monitor.best_iteration or n_iter
    return ModelFit(request.model, reason, n_iter, best, request.monitor.evaluations)

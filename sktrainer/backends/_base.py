"""What a backend is: one Protocol, and the values that go in and come out.

A backend translates between sktrainer and one library. It decides nothing: patience,
seeds, splits, weights and history are decided once, outside it, and reach it in a
`FitRequest`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from sktrainer.running.checkpoints.fits import FitCheckpoint
from sktrainer.running.devices import Gpus
from sktrainer.running.early_stopping import Monitor
from sktrainer.types import Array, ModelFit, Rows, Task


@dataclass(frozen=True)
class Traits:
    """What a model needs and what it can do.

    Attributes
    ----------
    native_categorical : bool
        It can be told which columns hold category codes.
    category_codes : {"float", "frame"}
        How it wants those codes: as floats in the one array (missing and unseen are
        NaN), or as int32 columns of a pandas DataFrame (missing and unseen are -1).
    native_missing : bool
        It takes NaN.
    scale_sensitive : bool
        Columns of unlike scale harm it.
    full_rank : bool
        Columns that add up to another one, as one-hot columns do, break it.
    sparse : bool
        It takes SciPy sparse matrices.
    any_shape : bool
        It takes arrays of three dimensions and more, as images and sequences are.
    several_targets : bool
        A regression of it may have a y of several columns, whatever its tags say.
    sample_weight : bool
        Its `fit` takes sample weights.
    labels : {"any", "codes"}
        Whether it trains on the caller's labels or only on 0 to n_classes - 1.
    likeliest : bool
        Its `predict` is the class of the highest `predict_proba`, so that rows whose
        probabilities are known need not be predicted again.
    max_iter : int or None
        Iterations (rounds, trees, epochs) that it will go through; None where it does
        not go in iterations that can be watched.
    stops_by_default : bool
        More iterations overfit it, so that it stops early unless told otherwise.
    iteration : str
        What an iteration is called: "round", "tree", "epoch".
    releases_gil : bool
        Its folds can run as threads.
    in_segments : bool
        With a checkpoint it is trained in segments of rounds, and their length can decide
        its bits.
    """

    native_categorical: bool = False
    category_codes: Literal["float", "frame"] = "float"
    native_missing: bool = False
    scale_sensitive: bool = True
    full_rank: bool = False
    sparse: bool = True
    any_shape: bool = False
    several_targets: bool = False
    sample_weight: bool = True
    labels: Literal["any", "codes"] = "any"
    likeliest: bool = False
    max_iter: int | None = None
    stops_by_default: bool = False
    iteration: str = "iteration"
    releases_gil: bool = False
    in_segments: bool = False


@dataclass(frozen=True)
class ColumnParameter:
    """A parameter that speaks of columns, by name or position.

    A backend lists those of its models in `column_parameters`; what they say of the
    caller's columns is said of the encoded ones outside.

    Attributes
    ----------
    kind : {"each", "weights", "groups", "listed", "categories", "types", "texts"}
        A sign for each column; a weight for each; groups of columns; columns; columns
        that are categories, which the encoder tells; types of columns, which only the
        table tells; columns that have to come as they are, unencoded.
    form : callable, default=list
        Makes of a list what the library takes.
    """

    kind: Literal["each", "weights", "groups", "listed", "categories", "types", "texts"]
    form: Callable[[list[Any]], Any] = list


@dataclass(frozen=True)
class FitRequest:
    """One fit of one model.

    Attributes
    ----------
    model : estimator
        Unfitted and the backend's own: it may set parameters on it and fit it in place.
    task : {"classification", "regression"}
    train, validation : Rows
        Encoded rows. `y` holds what the model trains on: labels, codes or numbers.
        `validation` is None where nothing is watched.
    monitor : Monitor
        Takes the metrics of each iteration and answers whether to stop; knows the
        watched metric, the patience and the best iteration.
    seed : int
        For everything random that the model's own parameters leave open.
    n_threads : int
        Threads that the model may use.
    categorical : tuple of int
        Positions of the columns that hold category codes.
    n_iter : int or None
        Exactly so many iterations in place of the model's own number, with no stopping.
    checkpoint : FitCheckpoint or None
        Tells what to go on from, and takes the state after iterations. A backend that does
        not look at it is trained anew where it was killed; a fit that ended is kept anyway.
    device : str or None
        Where to train, found to be there: "cpu", "cuda", "cuda:1", "mps". None: as the
        model is set. Only a `DeviceBackend` is asked for another than these two: None, "cpu".
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


@dataclass(frozen=True)
class ChunkRequest(FitRequest):
    """One step of a model that is fitted chunk by chunk; there are no validation rows.

    Here `model` is read, never changed: unfitted at the first chunk, and fitted by the
    chunks (or the fit) before at later ones. A copy of it is trained, so that a step that
    fails leaves nothing behind. `monitor` takes the training loss, under `number`.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,) or None
        All classes, in the form of ``train.y``, which may lack some; None for regression.
    number : int
        Which chunk this is, from 1. What is random in the step depends on `seed`, which is
        the same for all chunks, and on this number alone.
    """

    classes: Array | None = None
    number: int = 1


class Backend(Protocol):
    """The way to one library."""

    name: str

    def traits(self, model: Any, task: Task) -> Traits:
        """Say what this model, with the parameters it has, needs and can do."""

    def fit(self, request: FitRequest) -> ModelFit:
        """Fit, iteration by iteration where the library can, and cut back to the best."""


class IncrementalBackend(Backend, Protocol):
    """A backend that can fit chunk by chunk those of its models that have `partial_fit`."""

    def partial_fit(self, request: ChunkRequest) -> ModelFit:
        """Train a copy of the model on one chunk, by its library's own incremental step."""


class DeviceBackend(Backend, Protocol):
    """A backend that can train elsewhere than the library does by itself.

    Both methods are asked before training and answer quickly, in silence, and without
    taking memory on a GPU; one is chosen outside.
    """

    def own_device(self, model: Any) -> str | None:
        """Return the device that the model's own parameters name; None: they leave it open."""

    def gpus(self, model: Any) -> Gpus | None:
        """Return the GPUs that this model could train on; None: nothing is known of it."""


class ColumnBackend(Backend, Protocol):
    """A backend whose models have parameters that speak of columns, here by their names."""

    column_parameters: ClassVar[Mapping[str, ColumnParameter]]


class GuestBackend(Backend, Protocol):
    """A backend whose models are told something where a model of scikit-learn holds them.

    `as_guest` holds parameters that these get if the caller left them open.
    """

    as_guest: ClassVar[Mapping[str, Any]]


class NetworkBackend(Backend, Protocol):
    """A backend whose models can be passed as instances that bear weights."""

    def problems(self, model: Any) -> list[str]:
        """Say what of the model's own parameters it cannot be trained with."""

    def was_trained(self, model: Any) -> bool:
        """Tell whether the network in this model bears traces of training."""

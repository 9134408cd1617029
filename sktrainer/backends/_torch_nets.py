"""skorch nets as they are trained here.

This module names skorch and torch at its top and is therefore imported only inside
functions.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import cloudpickle
import numpy as np
import torch
from skorch.dataset import Dataset as RowByRow
from skorch.dataset import get_len, unpack_data
from skorch.utils import to_device
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy
from torch.utils.data import DataLoader

from sktrainer.backends._networks import FALLBACK_BATCH
from sktrainer.backends._target_scale import TargetScale
from sktrainer.backends._torch_batches import (
    Batch,
    RowsDataset,
    WholeBatches,
    as_is,
    padded,
    torch_input,
    tried,
)
from sktrainer.backends._torch_devices import is_there
from sktrainer.backends._torch_pickle import unmarked
from sktrainer.exceptions import ParameterError
from sktrainer.rows import is_inputs
from sktrainer.running.resources import limited_threads
from sktrainer.types import Array

__all__ = ["Managed", "feeds_whole_batches", "managed"]

_ON_DEVICE = "__cuda_dependent_attributes__"  # where skorch keeps them in a state

OF_WHOLE_BATCHES = {"batch_size", "shuffle", "drop_last"}
"""Options of a loader; with any other, torch's own loads."""


class Managed:
    """What is laid over the class of a skorch net while it is fitted, and stays with it.

    Weighted losses, batches taken whole, and predictions in batches of one size: matrix
    products of other sizes round otherwise, so that a row would depend on its neighbours.
    """

    weighted_ = False
    n_classes_ = 0
    flat_output_ = False
    output_shape_: tuple[int, ...] = ()
    mixed_ = False
    learning_ = False
    target_scale_: TargetScale | None = None
    sample_: Any = None
    _weight_: Any = None

    # Of the net below.
    module: Any
    module_: Any
    criterion_: Any
    device: Any
    batch_size: int
    evaluation_step: Any
    get_params_for: Any
    _modules: list[str]
    _criteria: list[str]

    def initialize_module(self) -> Any:
        """Make the module; copy an instance, and let lazy layers see how wide X is."""
        super().initialize_module()  # type: ignore[misc]
        if self.module_ is self.module:
            # It belongs to the parameters: trained in place, a clone would start trained.
            self.module_ = unmarked(self.module)
        if self.sample_ is not None and any(map(is_lazy, self.module_.parameters())):
            self.module_.to(self.device)
            self.outputs(self.sample_)
        return self

    def outputs(self, X: Any) -> torch.Tensor:
        """Return the module's first output for a few rows, with nothing learned of them."""
        self.module_.eval()
        return tried(self.module_, X, self.infer)

    def infer(self, x: Any, **options: Any) -> Any:
        """Send a batch through the module, in mixed precision where that is asked for."""
        if not self.mixed_:
            return super().infer(x, **options)  # type: ignore[misc]
        kind = torch.device(self.device).type
        with torch.autocast(kind, dtype=torch.bfloat16):
            return _as_float32(super().infer(x, **options))  # type: ignore[misc]

    def check_data(self, X: Any, y: Any = None) -> None:
        """Let skorch's classifiers know the classes that a chunk of rows lacks, too."""
        super().check_data(X, y)  # type: ignore[misc]
        found = getattr(self, "classes_inferred_", None)
        if found is not None and len(found) < self.n_classes_:
            self.classes_inferred_ = np.arange(self.n_classes_)

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        """Take rows of a table as they are; leave the rest to skorch."""
        in_memory = hasattr(X, "to_numpy") or isinstance(X, np.ndarray) or is_inputs(X)
        if y is None and in_memory:
            if feeds_whole_batches(self):
                return RowsDataset(X)
            X = torch_input(X)
        return super().get_dataset(X, y)  # type: ignore[misc]

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Load batches of our own rows whole."""
        if not isinstance(dataset, RowsDataset):
            return super().get_iterator(dataset, training=training)  # type: ignore[misc]
        part = "iterator_train" if training else "iterator_valid"
        options = self.get_params_for(part)
        options.setdefault("batch_size", self.batch_size)
        if options["batch_size"] == -1:
            options["batch_size"] = max(1, len(dataset))
        if options.keys() <= OF_WHOLE_BATCHES:
            parts = self.module_.modules() if training else ()
            normalises = any(isinstance(part, _BatchNorm) for part in parts)
            if normalises and min(options["batch_size"], len(dataset)) == 1:
                raise ParameterError(
                    f"{type(self.module_).__name__} normalises by batch, which takes batches "
                    "of 2 rows or more, got 1; raise batch_size, or pass more rows at once"
                )
            return WholeBatches(dataset, **options, join_lone_row=normalises)
        if not training:  # a loader draws a seed, also where it shuffles nothing
            options.setdefault("generator", torch.Generator())
        return DataLoader(dataset, collate_fn=as_is, **options)

    def _set_training(self, training: bool = True) -> None:
        """Switch modules where they are not so already: skorch does so in every batch."""
        parts = (getattr(self, f"{name}_") for name in self._modules + self._criteria)
        if any(getattr(part, "training", training) != training for part in parts):
            super()._set_training(training)  # type: ignore[misc]

    def on_batch_begin(self, net: Any, batch: Any = None, **options: Any) -> None:
        """Lay the batch's weights ready for its loss."""
        super().on_batch_begin(net, batch=batch, **options)  # type: ignore[misc]
        self._weight_ = batch.weight if isinstance(batch, Batch) else None

    def on_batch_end(self, net: Any, training: bool = False, **options: Any) -> None:
        """Let a batch count by its weight in the mean loss that skorch takes."""
        super().on_batch_end(net, training=training, **options)  # type: ignore[misc]
        if self._weight_ is not None:
            size = "train_batch_size" if training else "valid_batch_size"
            net.history.record_batch(size, float(self._weight_.sum()))
            self._weight_ = None

    def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **options: Any) -> Any:
        """Return the loss, of weighted rows ``sum(w * l) / sum(w)``."""
        if self._weight_ is None:
            if self.weighted_:
                raise ParameterError(
                    "the weights of a batch were lost on the way to the loss; with "
                    "sample weights leave out iterator_train__pin_memory"
                )
            return super().get_loss(y_pred, y_true, *args, **options)  # type: ignore[misc]
        criterion = self.criterion_
        reduction, criterion.reduction = criterion.reduction, "none"
        try:
            losses = super().get_loss(y_pred, y_true, *args, **options)  # type: ignore[misc]
        finally:
            criterion.reduction = reduction
        weight = to_device(self._weight_, self.device)
        if losses.ndim == 0 or len(losses) != len(weight):
            raise ParameterError(
                f"sample weights need a loss for each row, and {type(criterion).__name__} "
                "gives one for the batch; leave out the weights or use another criterion"
            )
        of_rows = losses.reshape(len(losses), -1).mean(dim=1)
        total = (weight * of_rows).sum()
        return total if reduction == "sum" else total / weight.sum()

    def forward_iter(
        self, X: Any, training: bool = False, device: str = "cpu"
    ) -> Iterator[Any]:
        """Yield the outputs of each batch, computed in batches of one size."""
        if training:
            yield from super().forward_iter(X, training=True, device=device)  # type: ignore[misc]
            return
        iterator = self.get_iterator(self.get_dataset(X))
        full = self.get_params_for("iterator_valid").get("batch_size", self.batch_size)
        size = FALLBACK_BATCH if full == -1 else int(full)
        for batch in iterator:
            inputs, targets = unpack_data(batch)
            n_rows = get_len(inputs)
            if n_rows < size:
                batch = (padded(inputs, size), targets)
            with limited_threads(1):  # products of wide layers round by their threads
                found = self.evaluation_step(batch)
            yield to_device(_cut(found, n_rows), device=device)

    def predict_proba(self, X: Any) -> Array:
        """Return a column for each class that was trained on.

        A module may have more outputs than there are classes, as where the training rows
        of a fold lack one.
        """
        found: Array = super().predict_proba(X)  # type: ignore[misc]
        if not self.n_classes_ or found.ndim < 2 or found.shape[1] <= self.n_classes_:
            return found
        kept = found[:, : self.n_classes_]
        return np.asarray(kept / kept.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> Array:
        """Return class codes, or numbers in the shape of the target.

        While the net learns, callbacks compare these with targets as the loss takes them.
        """
        found: Array = super().predict(X)  # type: ignore[misc]
        found = found.reshape(len(found)) if self.flat_output_ else found
        return found if self.learning_ else self.in_units(found)

    def in_units(self, predicted: Array) -> Array:
        """Return what the net has learned to say in the units of the target."""
        scale = self.target_scale_
        return predicted if scale is None else scale.undone(predicted)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        if b"__main__" in state[_ON_DEVICE]:
            # skorch pickles module and optimizer by themselves and by reference: no process
            # of a pool, which joblib sends what is in a script by value, could read them.
            beside = {name: v for name, v in vars(self).items() if name not in state}
            state[_ON_DEVICE] = cloudpickle.dumps(beside)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        # skorch puts a net whose GPU is not there on the CPU too, with two warnings.
        device = state["device"]
        moved = state if is_there(device) else {**state, "device": "cpu"}
        super().__setstate__(moved)  # type: ignore[misc]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _revived, (type(self).__bases__[1],), self.__getstate__()


def _as_float32(values: Any) -> Any:
    """Return outputs in the type that losses and scores are computed in."""
    if isinstance(values, tuple):
        return tuple(_as_float32(value) for value in values)
    return values.float() if getattr(values, "dtype", None) == torch.bfloat16 else values


def _cut(values: Any, n_rows: int) -> Any:
    if isinstance(values, tuple):
        return tuple(_cut(value, n_rows) for value in values)
    return values[:n_rows]


@functools.cache
def managed(net_class: Any) -> Any:
    """Return the class of a net with `Managed` laid over it.

    Examples
    --------
    >>> from skorch import NeuralNetClassifier
    >>> managed(NeuralNetClassifier).__mro__[2].__name__
    'NeuralNetClassifier'
    """
    if issubclass(net_class, Managed):
        return net_class
    return type(net_class.__name__, (Managed, net_class), {"__module__": net_class.__module__})


def _revived(net_class: type) -> Any:
    made = managed(net_class)
    return made.__new__(made)


def feeds_whole_batches(net: Any) -> bool:
    """Whether rows can be fed as batches: the net has no dataset or loader of its own."""
    loads_plainly = net.iterator_train is DataLoader and net.iterator_valid is DataLoader
    collates = any(hasattr(net, f"iterator_{p}__collate_fn") for p in ("train", "valid"))
    return net.dataset is RowByRow and loads_plainly and not collates

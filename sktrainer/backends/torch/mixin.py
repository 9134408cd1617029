"""skorch nets with the changes that sktrainer's training needs."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, SupportsIndex

import cloudpickle
import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import get_len, unpack_data
from skorch.utils import to_device
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy
from torch.utils.data import DataLoader

from sktrainer.backends._networks.data import PREDICT_BATCH_SIZE
from sktrainer.backends._networks.target_scale import TargetScale
from sktrainer.backends.torch.data import (
    BATCH_LOADER_OPTIONS,
    Batch,
    BatchLoader,
    RowsDataset,
    identity_collate,
    pad_rows,
    supports_batch_loader,
    torch_input,
)
from sktrainer.backends.torch.devices import is_available
from sktrainer.backends.torch.network import plain_copy
from sktrainer.backends.torch.outputs import probe_module
from sktrainer.data.indexing import is_input_dict
from sktrainer.exceptions import ParameterError
from sktrainer.runtime.threads import limit_threads
from sktrainer.types import Array

_ON_DEVICE = "__cuda_dependent_attributes__"  # key in the state that skorch pickles


class NetMixin:
    """Mixin for the class of a fitted skorch net.

    It adds weighted losses, batches taken in one step, and predictions in batches of a fixed
    size. Rounding of matrix products depends on their size, so with variable batches the
    prediction of a row would depend on the other rows.
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

    # Attributes of the skorch net.
    module: Any
    module_: Any
    criterion_: Any
    device: Any
    batch_size: int
    evaluation_step: Any
    predict_nonlinearity: Any
    get_params_for: Any
    _modules: list[str]
    _criteria: list[str]

    def initialize_module(self) -> Any:
        """Create the module: copy an instance, and initialize lazy layers with some rows."""
        super().initialize_module()  # type: ignore[misc]
        if self.module_ is self.module:
            # It is a parameter. If it were trained in place, clones would start trained.
            self.module_ = plain_copy(self.module)
        if self.sample_ is not None and any(map(is_lazy, self.module_.parameters())):
            self.module_.to(self.device)
            self.outputs(self.sample_)
        return self

    def outputs(self, X: Any) -> torch.Tensor:
        """Return the module's first output for a few rows, without training."""
        self.module_.eval()
        return probe_module(self.module_, X, self.infer)

    def infer(self, x: object, **options: Any) -> Any:
        """Pass a batch through the module, in mixed precision if requested."""
        if not self.mixed_:
            return super().infer(x, **options)  # type: ignore[misc]
        kind = torch.device(self.device).type
        with torch.autocast(kind, dtype=torch.bfloat16):
            return _as_float32(super().infer(x, **options))  # type: ignore[misc]

    def check_data(self, X: Any, y: Any = None) -> None:
        """Add classes that are missing from a chunk to those that skorch infers."""
        super().check_data(X, y)  # type: ignore[misc]
        found = getattr(self, "classes_inferred_", None)
        if found is not None and len(found) < self.n_classes_:
            self.classes_inferred_ = np.arange(self.n_classes_)

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        """Use rows in memory directly, and leave other data to skorch."""
        in_memory = hasattr(X, "to_numpy") or isinstance(X, np.ndarray) or is_input_dict(X)
        if y is None and in_memory:
            if supports_batch_loader(self):
                return RowsDataset(X)
            X = torch_input(X)
        return super().get_dataset(X, y)  # type: ignore[misc]

    def get_iterator(self, dataset: object, training: bool = False) -> Any:
        """Return a loader of whole batches for a `RowsDataset`."""
        if not isinstance(dataset, RowsDataset):
            return super().get_iterator(dataset, training=training)  # type: ignore[misc]
        part = "iterator_train" if training else "iterator_valid"
        options = self.get_params_for(part)
        options.setdefault("batch_size", self.batch_size)
        if options["batch_size"] == -1:
            options["batch_size"] = max(1, len(dataset))
        if options.keys() <= BATCH_LOADER_OPTIONS:
            parts = self.module_.modules() if training else ()
            normalizes = any(isinstance(part, _BatchNorm) for part in parts)
            if normalizes and min(options["batch_size"], len(dataset)) == 1:
                raise ParameterError(
                    f"{type(self.module_).__name__} uses batch normalization, which needs "
                    "batches of 2 rows or more, got 1; increase batch_size, or pass more rows"
                )
            return BatchLoader(dataset, **options, join_lone_row=normalizes)
        if not training:  # even without shuffling, a loader draws a seed
            options.setdefault("generator", torch.Generator())
        return DataLoader(dataset, collate_fn=identity_collate, **options)

    def _set_training(self, training: bool = True) -> None:
        """Switch the mode of modules only if it changes: skorch does so for every batch."""
        parts = (getattr(self, f"{name}_") for name in self._modules + self._criteria)
        if any(getattr(part, "training", training) != training for part in parts):
            super()._set_training(training)  # type: ignore[misc]

    def on_batch_begin(self, net: NeuralNet, batch: object = None, **options: Any) -> None:
        """Keep the weights of the batch for its loss."""
        super().on_batch_begin(net, batch=batch, **options)  # type: ignore[misc]
        self._weight_ = batch.weight if isinstance(batch, Batch) else None

    def on_batch_end(self, net: NeuralNet, training: bool = False, **options: Any) -> None:
        """Record the sum of weights as batch size, by which skorch averages losses."""
        super().on_batch_end(net, training=training, **options)  # type: ignore[misc]
        if self._weight_ is not None:
            size = "train_batch_size" if training else "valid_batch_size"
            net.history.record_batch(size, float(self._weight_.sum()))
            self._weight_ = None

    def get_loss(self, y_pred: object, y_true: object, *args: Any, **options: Any) -> Any:
        """Return the loss; with weights, ``sum(w * l) / sum(w)``."""
        if self._weight_ is None:
            if self.weighted_:
                raise ParameterError(
                    "the sample weights of a batch did not reach the loss; do not use "
                    "iterator_train__pin_memory together with sample weights"
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
                f"sample weights need one loss per row, but {type(criterion).__name__} "
                "returns one per batch; remove the weights or use another criterion"
            )
        of_rows = losses.reshape(len(losses), -1).mean(dim=1)
        total = (weight * of_rows).sum()
        if reduction == "sum":
            return total
        scale = _class_weights_of_rows(criterion, y_true, losses)
        return total / (weight if scale is None else weight * scale).sum()

    def _get_predict_nonlinearity(self) -> Any:
        """Return the function that turns outputs into predictions.

        For a regression, skorch would return two columns of probabilities per output.
        """
        if self.n_classes_ == 0 and self.predict_nonlinearity == "auto":
            if isinstance(self.criterion_, torch.nn.BCEWithLogitsLoss):
                return torch.sigmoid
            if isinstance(self.criterion_, torch.nn.BCELoss):
                return torch.nn.Identity()
        return super()._get_predict_nonlinearity()  # type: ignore[misc]

    def forward_iter(
        self, X: Any, training: bool = False, device: str = "cpu"
    ) -> Iterator[Any]:
        """Yield the outputs of each batch, computed in batches of a fixed size."""
        if training:
            yield from super().forward_iter(X, training=True, device=device)  # type: ignore[misc]
            return
        iterator = self.get_iterator(self.get_dataset(X))
        full = self.get_params_for("iterator_valid").get("batch_size", self.batch_size)
        size = PREDICT_BATCH_SIZE if full == -1 else int(full)
        for batch in iterator:
            inputs, targets = unpack_data(batch)
            n_rows = get_len(inputs)
            if n_rows < size:
                batch = (pad_rows(inputs, size), targets)
            with limit_threads(1):  # rounding of wide layers depends on their number
                found = self.evaluation_step(batch)
            yield to_device(_truncate_rows(found, n_rows), device=device)

    def predict_proba(self, X: Any) -> Array:
        """Return one column per training class.

        A module may have more outputs, for example if the training rows of a fold lack a
        class.
        """
        found: Array = super().predict_proba(X)  # type: ignore[misc]
        if not self.n_classes_ or found.ndim < 2 or found.shape[1] <= self.n_classes_:
            return found
        kept = found[:, : self.n_classes_]
        return np.asarray(kept / kept.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> Array:
        """Return class codes, or numbers with the shape of the target.

        During training, numbers stay standardized: callbacks compare them with targets in
        the format of the loss.
        """
        found: Array = super().predict(X)  # type: ignore[misc]
        found = found.reshape(len(found)) if self.flat_output_ else found
        return found if self.learning_ else self.to_target_units(found)

    def to_target_units(self, predicted: Array) -> Array:
        """Return predictions of the net in the units of the target."""
        scale = self.target_scale_
        return predicted if scale is None else scale.inverse_transform(predicted)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        if b"__main__" in state[_ON_DEVICE]:
            # skorch pickles module and optimizer separately and by reference. Worker
            # processes cannot import classes of a script; joblib sends these by value.
            on_device = {name: v for name, v in vars(self).items() if name not in state}
            state[_ON_DEVICE] = cloudpickle.dumps(on_device)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        # skorch also moves a net to the CPU if its GPU is missing, but with two warnings.
        device = state["device"]
        moved = state if is_available(device) else {**state, "device": "cpu"}
        super().__setstate__(moved)  # type: ignore[misc]

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return _revived, (type(self).__bases__[1],), self.__getstate__()


def _class_weights_of_rows(
    criterion: Any, y_true: Any, losses: torch.Tensor
) -> torch.Tensor | None:
    """Return the class weights by which the loss of each row is multiplied; None without.

    The mean of a cross-entropy is divided by their sum, so that its scale does not depend on
    the classes in a batch. Rows of the class `ignore_index` have weight 0.
    """
    if not isinstance(criterion, (torch.nn.CrossEntropyLoss, torch.nn.NLLLoss)):
        return None
    target = torch.as_tensor(y_true, device=losses.device)
    if target.is_floating_point():  # probabilities: the mean is divided by the rows
        return None
    is_used = target != criterion.ignore_index
    if criterion.weight is None and bool(is_used.all()):
        return None
    scale = is_used.to(losses.dtype)
    if criterion.weight is not None:
        scale = scale * criterion.weight[torch.where(is_used, target, 0)]
    return scale.reshape(len(losses), -1).mean(dim=1)


def _as_float32(values: Any) -> Any:
    """Convert bfloat16 outputs to float32, the dtype of losses and scores."""
    if isinstance(values, tuple):
        return tuple(_as_float32(value) for value in values)
    return values.float() if getattr(values, "dtype", None) == torch.bfloat16 else values


def _truncate_rows(values: Any, n_rows: int) -> Any:
    if isinstance(values, tuple):
        return tuple(_truncate_rows(value, n_rows) for value in values)
    return values[:n_rows]


@functools.cache
def with_mixin(net_class: type) -> Any:
    """Return a subclass of a net's class that has `NetMixin` as its first base.

    Examples
    --------
    >>> from skorch import NeuralNetClassifier
    >>> with_mixin(NeuralNetClassifier).__mro__[2].__name__
    'NeuralNetClassifier'
    """
    if issubclass(net_class, NetMixin):
        return net_class
    return type(net_class.__name__, (NetMixin, net_class), {"__module__": net_class.__module__})


def _revived(net_class: type) -> Any:
    made = with_mixin(net_class)
    return made.__new__(made)

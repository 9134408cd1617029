"""Training loop of a skorch net."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer.backends.base import FitRequest
from sktrainer.backends.eval_metric import score_eval_metric
from sktrainer.backends.torch.checkpoint import restore_net, save_checkpoint
from sktrainer.types import Rows

if TYPE_CHECKING:
    from skorch import NeuralNet
    from skorch.dataset import Dataset


def copy_net(net: NeuralNet) -> Any:
    """Return a deep copy of a net that shares the rows of its history."""
    history = getattr(net, "history_", None)
    return copy.deepcopy(net, {} if history is None else {id(history): type(history)(history)})


def trained_copy(net: NeuralNet) -> Any:
    """Return a copy of a net in training that predicts with a copy of its weights."""
    copied = copy.copy(net)
    vars(copied).update(
        module_=copy.deepcopy(net.module_), learning_=False, weighted_=False, sample_=None
    )
    return copied


@contextmanager
def training_mode(net: NeuralNet) -> Iterator[None]:
    """Mark a net as training, and disable its output and its own validation split."""
    values = {"learning_": True, "train_split": None, "verbose": 0}
    before = {name: getattr(net, name) for name in values}
    vars(net).update(values)
    try:
        yield
    finally:
        vars(net).update(before)


def make_datasets(net: NeuralNet, request: FitRequest) -> tuple[Any, Any]:
    """Return the training rows, and the validation rows if they can stop the fit."""
    watched = request.validation if request.monitor.stops else None
    return make_dataset(net, request, request.train), (
        None if watched is None else make_dataset(net, request, watched)
    )


def make_dataset(net: NeuralNet, request: FitRequest, rows: Rows) -> Any:
    """Return the net's dataset of the rows."""
    from sktrainer.backends.torch.build import network_targets
    from sktrainer.backends.torch.data import RowsDataset, supports_batch_loader, torch_input

    y = network_targets(net, request, rows.y)
    if supports_batch_loader(net):
        return RowsDataset(rows.X, y, rows.sample_weight)
    return net.get_dataset(torch_input(rows.X), y)


def own_validation_split(validation: Dataset | None) -> Any:
    """Return the `train_split` that gives skorch the validation rows, None without such."""
    from skorch.helper import predefined_split

    return None if validation is None else predefined_split(validation)


def run_epochs(net: NeuralNet, train: Dataset, request: FitRequest) -> tuple[int, bool]:
    """Train for all epochs; return their number and whether a callback ended training."""
    monitor, limit = request.monitor, request.n_iter or net.max_epochs
    n_iter, best, ended = restore_net(net, request)
    last = n_iter if ended or monitor.stopped else limit
    with request.defer_signals():
        for epoch in range(n_iter + 1, last + 1):
            try:
                net.fit_loop(train, epochs=1)
            except KeyboardInterrupt as interrupt:
                if not is_stop_from_callback(interrupt):
                    raise
                ended = True
            monitor.snapshot = partial(trained_copy, net)
            _record(net, epoch, request)
            n_iter = epoch
            if monitor.improved:
                best = copy.deepcopy(net.module_.state_dict())
            ended = ended or monitor.stopped
            if ended or epoch == limit:
                break
            save_checkpoint(net, request, n_iter, best)
    interrupted = n_iter < limit and not monitor.stopped
    save_checkpoint(net, request, n_iter, best, end=True, interrupted=interrupted)
    if best is not None:
        net.module_.load_state_dict(best)
    return n_iter, interrupted


def is_stop_from_callback(interrupt: KeyboardInterrupt) -> bool:
    """Return whether a callback ended training; in skorch it does so by KeyboardInterrupt."""
    from skorch.callbacks import Callback

    trace = interrupt.__traceback__
    # In the innermost frame, `self` is the callback if one of its methods raised the error.
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and isinstance(trace.tb_frame.f_locals.get("self"), Callback)


def _record(net: NeuralNet, epoch: int, request: FitRequest) -> None:
    """Record an epoch's losses and the monitored score."""
    values = {"train": {"loss": mean_loss(net, "train")}}
    if request.monitor.stops and request.validation is not None:
        is_classifier = net.n_classes_ > 0
        scores = score_eval_metric(
            request,
            np.arange(net.n_classes_) if is_classifier else None,
            lambda X: net.to_target_units(net.predict(X)),
            net.predict_proba if is_classifier else None,
        )
        values["validation"] = {"loss": mean_loss(net, "valid"), **scores}
    request.monitor.record(epoch, values)


def mean_loss(net: NeuralNet, part: str) -> float:
    """Return the mean loss of the last epoch's batches, weighted by their sizes."""
    batches = [b for b in net.history[-1]["batches"] if f"{part}_loss" in b]
    losses = [b[f"{part}_loss"] for b in batches]
    return float(np.average(losses, weights=[b[f"{part}_batch_size"] for b in batches]))

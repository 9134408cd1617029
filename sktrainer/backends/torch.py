"""PyTorch backend: skorch nets and bare Modules.

Each epoch is one call of `fit_loop`, so that early stopping can return a reason and Ctrl-C
raises KeyboardInterrupt. As in skorch's own fit, `on_train_begin` and `on_train_end` are called
once, and schedules continue from epoch to epoch.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer.backends._base import (
    Capabilities,
    DeviceSupport,
    FitRequest,
    IncrementalTraining,
    NetworkSupport,
    PartialFitRequest,
)
from sktrainer.backends._network_parameters import epochs_or_none, number_problems
from sktrainer.backends._networks import check_network_rows, defer_signals, score_eval_metric
from sktrainer.backends._sklearn.watching import accepts_parameter, watched_fit
from sktrainer.backends._torch_checkpoints import restore_net, save_checkpoint
from sktrainer.backends.modules import is_torch_module
from sktrainer.running.caller_state import preserve_global_state
from sktrainer.running.devices import AvailableGpus
from sktrainer.running.resources import limit_threads
from sktrainer.running.seeding import derive_seed
from sktrainer.types import ModelFit, Rows, Task

__all__ = ["TorchBackend"]


class TorchBackend:
    """Backend for skorch nets."""

    name = "skorch"

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        """Return the requirements and capabilities of this net."""
        from sktrainer.backends._torch_nets import supports_batch_loader

        criterion = model.criterion
        per_row = (
            criterion is None
            or hasattr(criterion, "reduction")
            or accepts_parameter(criterion, "reduction")
        )
        return Capabilities(
            accepts_sparse=False,
            accepts_nd=True,
            multi_output=True,
            accepts_sample_weight=per_row and supports_batch_loader(model),
            labels="codes",
            predict_is_argmax=getattr(model, "threshold", 0.5) == 0.5,
            max_iter=epochs_or_none(model.max_epochs),
            early_stopping_by_default=True,
            iteration_name="epoch",
        )

    def problems(self, model: Any) -> list[str]:
        """Return a message for each parameter that the net cannot be trained with."""
        from sktrainer.backends._torch_module_net import ModuleNet

        if isinstance(model, ModuleNet):
            return model.problems()
        found = number_problems("max_epochs", model.max_epochs)
        return found + number_problems("batch_size", model.batch_size, besides=(-1,))

    def was_trained(self, model: Any) -> bool:
        """Return whether a Module instance has been trained.

        Gradients and the batch counts of normalisation layers show it; weights do not.
        """
        module: Any = model.module
        if isinstance(module, type) or not is_torch_module(module):
            return False
        counts = (b for n, b in module.named_buffers() if n.endswith("num_batches_tracked"))
        return any(p.grad is not None for p in module.parameters()) or any(map(bool, counts))

    def own_device(self, model: Any) -> str | None:
        """Return the device of the net, or None for skorch's default, "cpu"."""
        device = "as set on the module" if model.device is None else str(model.device)
        return None if device == "cpu" else device

    def gpus(self, model: Any) -> AvailableGpus:
        """Return the GPUs that torch sees."""
        from sktrainer.backends._torch_devices import gpus

        return gpus()

    def fit(self, request: FitRequest) -> ModelFit:
        """Train for all epochs and restore the weights of the best one.

        Parameters
        ----------
        request : FitRequest

        Returns
        -------
        ModelFit
            The net keeps its parameters; for a bare Module, these include the ones that
            depend on the task and the table.
        """
        from sktrainer.backends._torch_completion import check_outputs, complete_net
        from sktrainer.backends._torch_devices import seed_generators

        check_network_rows(request)
        if request.device is not None:
            request.model.device = request.device
        # The rounding of sums over a large batch depends on the number of threads, and this
        # number depends on how many folds run in parallel.
        with (
            limit_threads(1),
            preserve_global_state(request.seed),
            seed_generators(request.seed, request.model.device),
        ):
            net = complete_net(request)
            request = replace(request, model=net)
            with training_mode(net):
                net.initialize()
                check_outputs(net, request)
                train, validation = make_datasets(net, request)
                vars(net)["train_split"] = own_validation_split(validation)
                X, y = train.X, train.y
                net.notify("on_train_begin", X=X, y=y)
                n_iter, interrupted = run_epochs(net, train, request)
                net.notify("on_train_end", X=X, y=y)
        net.weighted_, net.sample_ = False, None
        fit = watched_fit(request, n_iter, stopped=request.monitor.stopped)
        reason = "converged" if interrupted else fit.stop_reason
        all_rows = net.batch_size == -1
        batch_size = len(request.train) if all_rows else int(net.batch_size)
        return replace(fit, stop_reason=reason, batch_size=batch_size)

    def partial_fit(self, request: PartialFitRequest) -> ModelFit:
        """Train a copy of the net for one epoch on a chunk.

        Module, optimizer and schedules continue from the previous chunk or fit. Of all
        chunks, only the first calls `on_train_begin`, and none calls `on_train_end`.

        Parameters
        ----------
        request : ChunkRequest

        Returns
        -------
        ModelFit
        """
        from sktrainer.backends._torch_completion import check_outputs, complete_net
        from sktrainer.backends._torch_devices import seed_generators

        check_network_rows(request)
        net, seed = copy_net(request.model), derive_seed(request.seed, "chunk", request.number)
        begins = not net.initialized_
        if begins and request.device is not None:
            net.device = request.device
        with limit_threads(1), preserve_global_state(seed), seed_generators(seed, net.device):
            if begins:
                net = complete_net(replace(request, model=net))
            net.weighted_ = request.train.sample_weight is not None
            with training_mode(net):
                if begins:
                    net.initialize()
                    check_outputs(net, request)
                train = make_dataset(net, request, request.train)
                if begins:
                    net.notify("on_train_begin", X=train.X, y=train.y)
                try:
                    net.fit_loop(train, epochs=1)
                except KeyboardInterrupt as interrupt:
                    if not is_stop_from_callback(interrupt):
                        raise
        net.weighted_, net.sample_ = False, None
        number, monitor = request.number, request.monitor
        monitor.record(number, {"train": {"loss": mean_loss(net, "train")}})
        return ModelFit(net, "partial_fit", number, number, monitor.evaluations)


def copy_net(net: Any) -> Any:
    """Return a deep copy of a net that shares the rows of its history."""
    history = getattr(net, "history_", None)
    return copy.deepcopy(net, {} if history is None else {id(history): type(history)(history)})


@contextmanager
def training_mode(net: Any) -> Iterator[None]:
    """Mark a net as training, and disable its output and its own validation split."""
    values = {"learning_": True, "train_split": None, "verbose": 0}
    before = {name: getattr(net, name) for name in values}
    vars(net).update(values)
    try:
        yield
    finally:
        vars(net).update(before)


def make_datasets(net: Any, request: FitRequest) -> tuple[Any, Any]:
    """Return the training rows, and the validation rows if they can stop the fit."""
    watched = request.validation if request.monitor.stops else None
    return make_dataset(net, request, request.train), (
        None if watched is None else make_dataset(net, request, watched)
    )


def make_dataset(net: Any, request: FitRequest, rows: Rows) -> Any:
    from sktrainer.backends._torch_batches import RowsDataset, torch_input
    from sktrainer.backends._torch_completion import network_targets
    from sktrainer.backends._torch_nets import supports_batch_loader

    y = network_targets(net, request, rows.y)
    if supports_batch_loader(net):
        return RowsDataset(rows.X, y, rows.sample_weight)
    return net.get_dataset(torch_input(rows.X), y)


def own_validation_split(validation: Any) -> Any:
    from skorch.helper import predefined_split

    return None if validation is None else predefined_split(validation)


def run_epochs(net: Any, train: Any, request: FitRequest) -> tuple[int, bool]:
    """Train for all epochs; return their number and whether a callback ended training."""
    monitor, limit = request.monitor, request.n_iter or net.max_epochs
    n_iter, best, ended = restore_net(net, request)
    last = n_iter if ended or monitor.stopped else limit
    with defer_signals(request):
        for epoch in range(n_iter + 1, last + 1):
            try:
                net.fit_loop(train, epochs=1)
            except KeyboardInterrupt as interrupt:
                if not is_stop_from_callback(interrupt):
                    raise
                ended = True
            n_iter = _record(net, epoch, request)
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


def _record(net: Any, epoch: int, request: FitRequest) -> int:
    """Record an epoch's losses and the monitored score."""
    values = {"train": {"loss": mean_loss(net, "train")}}
    if request.monitor.stops and request.validation is not None:
        loss = mean_loss(net, "valid")
        values["validation"] = {"loss": loss, **_score(net, request)}
    request.monitor.record(epoch, values)
    return epoch


def mean_loss(net: Any, part: str) -> float:
    """Return the mean loss of the last epoch's batches, weighted by their sizes."""
    batches = [b for b in net.history[-1]["batches"] if f"{part}_loss" in b]
    losses = [b[f"{part}_loss"] for b in batches]
    return float(np.average(losses, weights=[b[f"{part}_batch_size"] for b in batches]))


def _score(net: Any, request: FitRequest) -> dict[str, float]:
    if not net.n_classes_:
        return score_eval_metric(request, None, lambda X: net.in_units(net.predict(X)), None)
    return score_eval_metric(request, np.arange(net.n_classes_), net.predict, net.predict_proba)


if TYPE_CHECKING:
    _: IncrementalTraining = TorchBackend()
    _on_devices: DeviceSupport = TorchBackend()
    _of_networks: NetworkSupport = TorchBackend()

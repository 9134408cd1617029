"""PyTorch backend: skorch nets and bare Modules.

Each epoch is one call of `fit_loop`, so that early stopping can return a reason and Ctrl-C
raises KeyboardInterrupt. As in skorch's own fit, `on_train_begin` and `on_train_end` are called
once, and schedules continue from epoch to epoch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sktrainer._optional import require
from sktrainer.backends._networks.data import check_network_rows
from sktrainer.backends._networks.onnx import NetworkOnnxConverter
from sktrainer.backends._networks.parameters import epochs_or_none, number_problems
from sktrainer.backends.base import (
    Backend,
    Capabilities,
    FitRequest,
    PartialFitRequest,
    watched_fit,
)
from sktrainer.backends.support import (
    DECREASE,
    ClassParameter,
    NetworkSerializer,
    ParameterSpec,
)
from sktrainer.backends.torch import SPEC
from sktrainer.backends.torch.recognize import is_torch_module
from sktrainer.backends.torch.serialize import ALLOWED_TYPES, FORMAT, NETWORK_SERIALIZER
from sktrainer.backends.torch.train import (
    copy_net,
    is_stop_from_callback,
    make_dataset,
    make_datasets,
    mean_loss,
    own_validation_split,
    run_epochs,
    training_mode,
)
from sktrainer.runtime.cloning import clone_estimator
from sktrainer.runtime.devices import AvailableGpus
from sktrainer.runtime.global_state import exclusive_global_state
from sktrainer.runtime.seeds import derive_seed
from sktrainer.runtime.signatures import accepts_parameter
from sktrainer.runtime.threads import limit_threads
from sktrainer.types import ModelFit, Task


class TorchDevices:
    """Device parameter of skorch nets, and the GPUs that torch sees."""

    def configured_device(self, model: Any) -> str | None:
        """Return the device of the net, or None for skorch's default, "cpu"."""
        device = "as set on the module" if model.device is None else str(model.device)
        return None if device == "cpu" else device

    def available_gpus(self, model: Any) -> AvailableGpus:
        from sktrainer.backends.torch.devices import gpus

        return gpus()


class TorchNetworks:
    """skorch nets, and Modules passed as instances or classes."""

    serializer: NetworkSerializer = NETWORK_SERIALIZER

    def is_raw(self, value: object) -> bool:
        return is_torch_module(value)

    def wrap(self, value: Any) -> Any:
        """Return the skorch net that trains a Module; nets are returned as they are."""
        if not is_torch_module(value):
            return value
        require("skorch", "torch")
        from sktrainer.backends.torch.estimator import ModuleNet

        return ModuleNet(value)

    def clone(self, value: Any) -> Any:
        if not is_torch_module(value):
            return clone_estimator(value)
        from sktrainer.backends.torch.network import hash_stable_copy

        return hash_stable_copy(value)

    def encode(self, value: object) -> Any:
        return value  # the pickles of copies are reproducible

    def decode(self, encoded: object) -> Any:
        return encoded

    def describe(self, value: object) -> Any:
        """Return the layers and weights of a Module, whose pickle is not reproducible."""
        if not hasattr(value, "state_dict"):
            return None
        weights: list[Any] = []
        for name, tensor in value.state_dict().items():
            try:
                weights.append((name, np.asarray(tensor.detach().cpu())))
            except (AttributeError, TypeError, ValueError):  # uninitialized lazy layer
                weights.append((name, type(tensor).__name__))
        return [repr(value), weights]

    def problems(self, model: Any) -> list[str]:
        """Return a message for each parameter that the net cannot be trained with."""
        from sktrainer.backends.torch.estimator import ModuleNet

        if isinstance(model, ModuleNet):
            return model.problems()
        found = number_problems("max_epochs", model.max_epochs)
        return found + number_problems("batch_size", model.batch_size, besides=(-1,))

    def was_trained(self, model: Any) -> bool:
        """Return whether a Module instance has been trained.

        Gradients and the batch counts of normalization layers show it; weights do not.
        """
        module: Any = model.module
        if isinstance(module, type) or not is_torch_module(module):
            return False
        counts = (b for n, b in module.named_buffers() if n.endswith("num_batches_tracked"))
        return any(p.grad is not None for p in module.parameters()) or any(map(bool, counts))

    def runtime_packages(self, model: Any) -> tuple[str, ...]:
        return ("skorch", "torch")

    def random_state(self) -> bytes:
        import torch

        return torch.get_rng_state().numpy().tobytes()

    def set_random_state(self, state: bytes) -> None:
        import torch

        torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))

    def seed(self, seed: int) -> None:
        import torch

        torch.default_generator.manual_seed(seed)


def fit_chunk(request: PartialFitRequest) -> ModelFit:
    """Train a copy of the net for one epoch on one chunk.

    Module, optimizer and schedules continue from the previous chunk or fit. Of all
    chunks, only the first calls `on_train_begin`, and none calls `on_train_end`.
    """
    from sktrainer.backends.torch.build import check_outputs, complete_net
    from sktrainer.backends.torch.devices import seed_generators

    check_network_rows(request)
    net, seed = copy_net(request.model), derive_seed(request.seed, "chunk", request.number)
    begins = not net.initialized_
    if begins and request.device is not None:
        net.device = request.device
    with limit_threads(1), exclusive_global_state(seed), seed_generators(seed, net.device):
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


class TorchBackend(Backend):
    """Backend for skorch nets."""

    spec = SPEC
    parameters = ParameterSpec(
        losses=(),
        divergence_fixes={"lr": DECREASE, "optimizer__lr": DECREASE},
        patience=("callbacks.EarlyStopping.patience",),
        # The weights of a class, of an instance, and of a functools.partial.
        classes={
            "classes": ClassParameter("order"),
            **dict.fromkeys(
                ("criterion__weight", "criterion.weight", "criterion.keywords.weight"),
                ClassParameter(weights="codes"),
            ),
            **dict.fromkeys(
                (
                    "criterion__pos_weight",
                    "criterion.pos_weight",
                    "criterion.keywords.pos_weight",
                ),
                ClassParameter(weights="positive"),
            ),
        },
    )
    devices = TorchDevices()
    allowed_types = ALLOWED_TYPES
    serializer = FORMAT
    onnx = NetworkOnnxConverter("torch.onnx.export(trainer.model_.module_, ...)")
    fit_chunk = staticmethod(fit_chunk)
    networks = TorchNetworks()

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        """Return the requirements and capabilities of this net."""
        from sktrainer.backends.torch.data import supports_batch_loader

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
            predict_is_argmax=getattr(model, "threshold", 0.5) == 0.5,
            max_iter=epochs_or_none(model.max_epochs),
            early_stopping_by_default=True,
            iteration_name="epoch",
        )

    def fit(self, request: FitRequest) -> ModelFit:
        """Train for all epochs and restore the weights of the best one.

        The net keeps its parameters; for a bare Module, these include the ones that depend on
        the task and the table.
        """
        from sktrainer.backends.torch.build import check_outputs, complete_net
        from sktrainer.backends.torch.devices import GpuMemory, seed_generators

        check_network_rows(request)
        if request.device is not None:
            request.model.device = request.device
        memory = GpuMemory(request.model.device)
        # The rounding of sums over a large batch depends on the number of threads, and this
        # number depends on how many folds run in parallel.
        with (
            limit_threads(1),
            exclusive_global_state(request.seed),
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
        return replace(
            fit, stop_reason=reason, batch_size=batch_size, gpu_memory_mb=memory.peak_mb()
        )

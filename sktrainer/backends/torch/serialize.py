"""PyTorch: nets and Modules as plain values, and weights as safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.backends._networks.placeholders import (
    EstimatorPlaceholder,
    NetworkPlaceholder,
    insert_networks,
    replace_networks,
)
from sktrainer.backends.support import (
    AllowedTypes,
    ModelParts,
    ModelSerializer,
    NetworkSerializer,
    import_paths,
)
from sktrainer.backends.torch.recognize import is_torch_module, is_torch_network
from sktrainer.exceptions import FileFormatError, InputError
from sktrainer.files.json_codec import decode_json, encode_json

__all__ = ["ALLOWED_TYPES", "FORMAT", "STOWAGE"]


WEIGHTS = "model.safetensors"


TRAINING = "model.optimizer.json"


# Attributes that are not saved: `initialize` sets them, or they are stored elsewhere.
RECREATED_BY_INITIALIZE = frozenset(
    {
        "_criteria",
        "_modules",
        "_optimizers",
        "_weight_",
        "callbacks_",
        "cuda_dependent_attributes_",
        "history_",
        "init_context_",
        "initialized_",
        "prefixes_",
        "sample_",
        "virtual_params_",
    }
)


ALLOWED_TYPES = AllowedTypes(
    objects=(
        "skorch.dataset.ValidSplit",
        *import_paths("skorch.callbacks.logging", "EpochTimer PrintLog"),
        "skorch.callbacks.lr_scheduler.LRScheduler",
        "skorch.callbacks.regularization.GradientNormClipping",
        *import_paths(
            "skorch.callbacks.scoring", "BatchScoring EpochScoring PassthroughScoring"
        ),
        "skorch.callbacks.training.EarlyStopping",
    ),
    functions=import_paths("skorch.utils", "_indexing_other to_numpy"),
    classes=(
        "sktrainer/module-net",
        "torch.utils.data.dataloader.DataLoader",
        "skorch.dataset.Dataset",
        *import_paths("skorch.classifier", "NeuralNetBinaryClassifier NeuralNetClassifier"),
        "skorch.net.NeuralNet",
        "skorch.regressor.NeuralNetRegressor",
    ),
    class_prefixes=("torch.nn.modules.", "torch.optim."),
    refused=("skorch.net",),  # `__setstate__` unpickles a value of the state
)


class TorchSerializer:
    """File format of skorch nets: parameters, history, weights and optimizer state."""

    suffixes: tuple[str, ...] = (".safetensors",)

    def split(self, model: Any) -> ModelParts:
        """Separate weights, optimizer state and modules from the net."""
        import torch

        from sktrainer.backends.torch.network import TensorStore

        states = {}
        for name in _part_names(model):
            part = _uncompiled(getattr(model, name))
            if hasattr(part, "state_dict"):
                states[name] = dict(part.state_dict())
        keys = {
            id(value): f"{part}.{name}"
            for part, state in states.items()
            for name, value in state.items()
            if isinstance(value, torch.Tensor)
        }
        store = TensorStore(keys=keys)
        try:
            training = encode_json(states, store.encode_state)
        except TypeError as error:
            raise InputError(
                f"the optimizer's state cannot be written to a .skt file ({error}); save to "
                "a .joblib file instead"
            ) from None
        stored, files = STOWAGE.stowed(model, "model.modules")
        stored.state["history"] = [dict(row) for row in model.history]
        return ModelParts(stored, {**files, WEIGHTS: store.to_bytes(), TRAINING: training})

    def join(self, halves: ModelParts) -> Any:
        """Restore the net, its module with weights, and its optimizer."""
        from skorch.history import History

        from sktrainer.backends.torch.network import TensorStore

        state, files = halves.state, halves.files
        if not isinstance(state, EstimatorPlaceholder) or not {WEIGHTS, TRAINING} <= set(files):
            raise FileFormatError(f"{WEIGHTS}, {TRAINING} or the net is missing")
        store = TensorStore.from_bytes(files[WEIGHTS])
        states = decode_json(files[TRAINING], store.state_readers)
        history = state.state.pop("history")
        net = STOWAGE.unstowed(state, files, "model.modules")
        _initialize(net, states)
        net.history_ = History(history)
        return net

    def write(self, model: Any, path: Path) -> None:
        """Write the weights of the module, with the names of its state dict."""
        from safetensors.torch import save_model

        # Unlike save_file, save_model supports tensors that layers share.
        save_model(_uncompiled(model.module_), str(path))


FORMAT = TorchSerializer()


def _part_names(net: Any) -> list[str]:
    """Return the attributes that hold the modules, criteria and optimizers of a net."""
    return [f"{name}_" for name in (*net._modules, *net._criteria, *net._optimizers)]


def _uncompiled(part: Any) -> Any:
    """Return the module that was passed to `torch.compile`; loading compiles it again."""
    return getattr(part, "_orig_mod", part)


def _initialize(net: Any, states: Mapping[str, Any]) -> None:
    """Initialise a net as in a fit, and load the weights when its module is created.

    The optimizer is created later: until then, a lazy layer has no weights to optimize.
    """
    import torch

    make = net.initialize_module

    def make_and_load() -> Any:
        make()
        for name in net._modules:
            _uncompiled(getattr(net, f"{name}_")).load_state_dict(states[f"{name}_"])
        return net

    vars(net)["initialize_module"] = make_and_load
    try:
        with torch.random.fork_rng(devices=[]):
            net.initialize()
    finally:
        del vars(net)["initialize_module"]
    for name in (f"{part}_" for part in (*net._criteria, *net._optimizers)):
        part = getattr(net, name)
        if name in states and hasattr(part, "load_state_dict"):
            part.load_state_dict(states[name])


class TorchNetworkSerializer:
    """Storage of skorch nets, bare Modules, and Modules in the parameters of nets."""

    prefix = "trainer.modules"

    def stowed(self, value: Any, prefix: str) -> tuple[Any, dict[str, bytes]]:
        """Return a value with placeholders for nets and Modules, and files with the Modules."""
        if not is_torch_network(value) or isinstance(value, type):
            return value, {}
        from sktrainer.backends.torch.mixin import NetMixin
        from sktrainer.backends.torch.network import TensorStore

        modules: list[Any] = []
        if is_torch_module(value):
            stored: Any = replace_networks(value, _is_module_or_tensor, modules)
        else:
            fitted = isinstance(value, NetMixin)
            left_out = {*RECREATED_BY_INITIALIZE, *_part_names(value)}
            state = {k: v for k, v in vars(value).items() if k not in left_out}
            stored = EstimatorPlaceholder(
                type(value).__bases__[1] if fitted else type(value),
                replace_networks(state, _is_module_or_tensor, modules),
                fitted,
            )
        if not modules:
            return stored, {}
        store = TensorStore()
        document = encode_json(modules, store.encode_module)
        return stored, {f"{prefix}.json": document, f"{prefix}.safetensors": store.to_bytes()}

    def unstowed(self, value: Any, files: Mapping[str, bytes], prefix: str) -> Any:
        """Restore a value from the results of `stowed`."""
        if not isinstance(value, (NetworkPlaceholder, EstimatorPlaceholder)):
            return value
        from sktrainer.backends.torch.network import TensorStore

        modules: list[Any] = []
        if f"{prefix}.json" in files:
            store = TensorStore.from_bytes(files[f"{prefix}.safetensors"])
            modules = decode_json(files[f"{prefix}.json"], store.module_readers)
        if isinstance(value, NetworkPlaceholder):
            return insert_networks(value, modules)
        return _rebuild_net(value, insert_networks(value.state, modules))

    def named(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the classes of all Modules in the files."""
        from sktrainer.backends.torch.network import module_names

        found: set[str] = set()
        readers = {
            "$module": lambda entry: found.update(module_names(entry)),
            "$tensor": lambda key: None,
        }
        for name, data in files.items():
            if name.endswith(".modules.json"):
                decode_json(data, readers)
        return found


STOWAGE = TorchNetworkSerializer()


def _is_module_or_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, (torch.nn.Module, torch.Tensor))


def _rebuild_net(stored: EstimatorPlaceholder, state: dict[str, Any]) -> Any:
    from skorch import NeuralNet
    from skorch.history import History

    from sktrainer.backends.torch.devices import is_available
    from sktrainer.backends.torch.mixin import with_mixin

    if not (isinstance(stored.kind, type) and issubclass(stored.kind, NeuralNet)):
        raise FileFormatError(f"it contains a net of class {stored.kind!r}, not a skorch net")
    kind: Any = with_mixin(stored.kind) if stored.fitted else stored.kind
    net = kind.__new__(kind)
    unset = {"history_": History(), "init_context_": None, "initialized_": False}
    vars(net).update({**unset, "virtual_params_": {}, "sample_": None, **state})
    if not is_available(net.device):  # as when a pickle is loaded
        net.device = "cpu"
    return net


if TYPE_CHECKING:
    _: ModelSerializer = FORMAT
    __: NetworkSerializer = STOWAGE

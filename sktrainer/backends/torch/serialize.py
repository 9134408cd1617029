"""PyTorch: nets and Modules as plain values, and weights as safetensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.backends._networks.placeholders import EstimatorPlaceholder
from sktrainer.backends._networks.serializer import NetworkFiles
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
        stored, files = NETWORK_SERIALIZER.to_files(model, "model.modules")
        stored.state["history"] = [dict(row) for row in model.history]
        return ModelParts(stored, {**files, WEIGHTS: store.to_bytes(), TRAINING: training})

    def join(self, parts: ModelParts) -> Any:
        """Restore the net, its module with weights, and its optimizer."""
        from skorch.history import History

        from sktrainer.backends.torch.network import TensorStore

        state, files = parts.state, parts.files
        if not isinstance(state, EstimatorPlaceholder) or not {WEIGHTS, TRAINING} <= set(files):
            raise FileFormatError(f"{WEIGHTS}, {TRAINING} or the net is missing")
        store = TensorStore.from_bytes(files[WEIGHTS])
        states = decode_json(files[TRAINING], store.state_readers)
        history = state.state.pop("history")
        net = NETWORK_SERIALIZER.from_files(state, files, "model.modules")
        _initialize(net, states)
        net.history_ = History(history)
        return net

    def write(self, model: Any, path: Path) -> None:
        """Write the weights of the module, with the names of its state dict."""
        from safetensors.torch import save_model

        # Unlike save_file, save_model supports tensors that layers share.
        save_model(_uncompiled(model.module_), str(path))


FORMAT = TorchSerializer()


def _part_names(net: NeuralNet) -> list[str]:
    """Return the attributes that hold the modules, criteria and optimizers of a net."""
    return [f"{name}_" for name in (*net._modules, *net._criteria, *net._optimizers)]


def _uncompiled(part: object) -> Any:
    """Return the module that was passed to `torch.compile`; loading compiles it again."""
    return getattr(part, "_orig_mod", part)


def _initialize(net: NeuralNet, states: Mapping[str, Any]) -> None:
    """Initialize a net as in a fit, and load the weights when its module is created.

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


class TorchNetworkSerializer(NetworkFiles):
    """Serializer of Modules and tensors, on their own or as attributes of skorch nets."""

    prefix = "trainer.modules"
    array_suffix = ".safetensors"

    def holds(self, value: object) -> bool:
        """Return whether this is a Module or a tensor."""
        import torch

        return isinstance(value, (torch.nn.Module, torch.Tensor))

    def encode(self, networks: Sequence[Any]) -> tuple[bytes, bytes]:
        """Return Modules and tensors as JSON and safetensors."""
        from sktrainer.backends.torch.network import TensorStore

        store = TensorStore()
        document = encode_json(networks, store.encode_module)
        return document, store.to_bytes()

    def decode(self, document: bytes, arrays: bytes) -> Sequence[Any]:
        """Create Modules, whose classes must be trusted."""
        from sktrainer.backends.torch.network import TensorStore

        store = TensorStore.from_bytes(arrays)
        networks: list[Any] = decode_json(document, store.module_readers)
        return networks

    def type_names(self, document: bytes, arrays: bytes) -> set[str]:
        """Return the classes of all Modules in the document."""
        from sktrainer.backends.torch.network import module_names

        found: set[str] = set()
        readers = {
            "$module": lambda entry: found.update(module_names(entry)),
            "$tensor": lambda key: None,
        }
        decode_json(document, readers)
        return found

    def take_apart(self, value: object) -> EstimatorPlaceholder | None:
        """Return class and attributes of a skorch net."""
        if isinstance(value, type) or is_torch_module(value) or not is_torch_network(value):
            return None
        from sktrainer.backends.torch.mixin import NetMixin

        fitted = isinstance(value, NetMixin)
        left_out = {*RECREATED_BY_INITIALIZE, *_part_names(value)}
        state = {name: item for name, item in vars(value).items() if name not in left_out}
        kind = type(value).__bases__[1] if fitted else type(value)
        return EstimatorPlaceholder(kind, state, fitted)

    def put_together(self, stored: EstimatorPlaceholder) -> Any:
        """Return a skorch net that is not initialized."""
        from skorch import NeuralNet
        from skorch.history import History

        from sktrainer.backends.torch.devices import is_available
        from sktrainer.backends.torch.mixin import with_mixin

        kind: Any = stored.kind
        if not (isinstance(kind, type) and issubclass(kind, NeuralNet)):
            raise FileFormatError(f"it contains a net of class {kind!r}, not a skorch net")
        kind = with_mixin(kind) if stored.fitted else kind
        net = kind.__new__(kind)
        unset = {"history_": History(), "init_context_": None, "initialized_": False}
        vars(net).update({**unset, "virtual_params_": {}, "sample_": None, **stored.state})
        if not is_available(net.device):  # as when a pickle is loaded
            net.device = "cpu"
        return net


NETWORK_SERIALIZER = TorchNetworkSerializer()


if TYPE_CHECKING:
    from skorch import NeuralNet

    _: ModelSerializer = FORMAT
    __: NetworkSerializer = NETWORK_SERIALIZER

"""PyTorch: nets and Modules as plain values, and weights as safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktrainer.backends._networks.placeholders import EstimatorPlaceholder, NetworkPlaceholder
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
        from sktrainer.backends.torch.network import TensorStore, encode_module

        shelf = TensorStore()
        parts = {
            name: encode_module(state, shelf) for name, state in _trained_state(model).items()
        }
        shelf.tensors = {
            _tensor_name(parts, key): value for key, value in shelf.tensors.items()
        }
        stored, files = STOWAGE.stowed(model, "model.modules")
        stored.state["history"] = [dict(row) for row in model.history]
        try:
            training = encode_json(_rename_tensors(parts))
        except TypeError as error:
            raise InputError(
                f"the optimizer's state cannot be written to a .skt file ({error}); save to "
                "a .joblib file instead"
            ) from None
        return ModelParts(stored, {**files, WEIGHTS: shelf.packed(), TRAINING: training})

    def join(self, halves: ModelParts) -> Any:
        """Restore the net, its module with weights, and its optimizer."""
        from skorch.history import History

        from sktrainer.backends.torch.network import TensorStore, decode_module

        if not isinstance(halves.state, EstimatorPlaceholder) or not {WEIGHTS, TRAINING} <= set(
            halves.files
        ):
            raise FileFormatError(f"{WEIGHTS}, {TRAINING} or the net is missing")
        shelf = TensorStore.of(halves.files[WEIGHTS])
        learned = decode_module(decode_json(halves.files[TRAINING]), shelf)
        history = halves.state.state.pop("history")
        net = STOWAGE.unstowed(halves.state, halves.files, "model.modules")
        _initialize(net, learned)
        net.history_ = History(history)
        return net

    def write(self, model: Any, path: Path) -> None:
        """Write the weights of the module, with the names of its state dict."""
        from safetensors.torch import save_model

        # Unlike save_file, save_model supports tensors that layers share.
        save_model(_uncompiled(model.module_), str(path))


FORMAT = TorchSerializer()


def _trained_state(net: Any) -> dict[str, Any]:
    """Return the state dicts of modules, criteria and optimizers by attribute name."""
    names = [*net._modules, *net._criteria, *net._optimizers]
    found = {f"{name}_": _uncompiled(getattr(net, f"{name}_")) for name in names}
    return {k: dict(v.state_dict()) for k, v in found.items() if hasattr(v, "state_dict")}


def _uncompiled(part: Any) -> Any:
    """Return the module that was passed to `torch.compile`; loading compiles it again."""
    return getattr(part, "_orig_mod", part)


def _tensor_name(parts: Mapping[str, Any], key: str) -> str:
    """Return a tensor's name in the state dict of a module, or else in the optimizer's."""
    for part, state in parts.items():
        for name, value in state.items():
            if value == {"=tensor": key}:
                return f"{part}.{name}"
    return f"optimizer.{key}"


def _rename_tensors(parts: Mapping[str, Any]) -> Any:
    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"=tensor"}:
                return {"=tensor": _tensor_name(parts, value["=tensor"])}
            return {key: renamed(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(renamed(item) for item in value)
        return value

    return renamed(dict(parts))


def _initialize(net: Any, learned: Mapping[str, Any]) -> None:
    """Initialise a net as in a fit, and load the weights when its module is created.

    The optimizer is created later: until then, a lazy layer has no weights to optimize.
    """
    import torch

    make = net.initialize_module

    def make_and_fill() -> Any:
        make()
        for name in net._modules:
            _uncompiled(getattr(net, f"{name}_")).load_state_dict(learned[f"{name}_"])
        return net

    vars(net)["initialize_module"] = make_and_fill
    try:
        with torch.random.fork_rng(devices=[]):
            net.initialize()
    finally:
        del vars(net)["initialize_module"]
    for name in [*net._criteria, *net._optimizers]:
        part = getattr(net, f"{name}_")
        if f"{name}_" in learned and hasattr(part, "load_state_dict"):
            part.load_state_dict(learned[f"{name}_"])


class TorchNetworkSerializer:
    """Storage of skorch nets, bare Modules, and Modules in the parameters of nets."""

    prefix = "trainer.modules"

    def stowed(self, value: Any, prefix: str) -> tuple[Any, dict[str, bytes]]:
        """Return a value with placeholders for nets and Modules, and files with the Modules."""
        if not is_torch_network(value) or isinstance(value, type):
            return value, {}
        from sktrainer.backends.torch.network import TensorStore, encode_module

        shelf, described = TensorStore(), []

        def stand_in(item: Any) -> Any:
            if (is_torch_module(item) and not isinstance(item, type)) or _is_tensor(item):
                described.append(encode_module(item, shelf))
                return NetworkPlaceholder(len(described) - 1)
            return item

        stored = stand_in(value) if is_torch_module(value) else _stored_net(value, stand_in)
        if not described:
            return stored, {}
        return stored, {
            f"{prefix}.json": encode_json(described),
            f"{prefix}.safetensors": shelf.packed(),
        }

    def unstowed(self, value: Any, files: Mapping[str, bytes], prefix: str) -> Any:
        """Restore a value from the results of `stowed`."""
        if not isinstance(value, (NetworkPlaceholder, EstimatorPlaceholder)):
            return value
        from sktrainer.backends.torch.network import TensorStore, decode_module

        modules: list[Any] = []
        if f"{prefix}.json" in files:
            shelf = TensorStore.of(files[f"{prefix}.safetensors"])
            modules = [
                decode_module(entry, shelf) for entry in decode_json(files[f"{prefix}.json"])
            ]
        if isinstance(value, NetworkPlaceholder):
            return modules[value.number]
        return _rebuild_net(value, modules)

    def named(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the classes of all Modules in the files."""
        from sktrainer.backends.torch.network import module_types

        found: set[str] = set()
        for name, data in files.items():
            if name.endswith(".modules.json"):
                found |= set(module_types(decode_json(data)))
        return found


STOWAGE = TorchNetworkSerializer()


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _stored_net(net: Any, stand_in: Any) -> EstimatorPlaceholder:
    from sktrainer.backends.torch.mixin import NetMixin

    kind = type(net).__bases__[1] if isinstance(net, NetMixin) else type(net)
    left_out = RECREATED_BY_INITIALIZE | {f"{name}_" for name in _parts(net)}
    state = {k: stand_in(v) for k, v in vars(net).items() if k not in left_out}
    return EstimatorPlaceholder(kind, state, fitted=isinstance(net, NetMixin))


def _parts(net: Any) -> list[str]:
    return [*net._modules, *net._criteria, *net._optimizers]


def _rebuild_net(stored: EstimatorPlaceholder, modules: list[Any]) -> Any:
    from skorch import NeuralNet
    from skorch.history import History

    from sktrainer.backends.torch.devices import is_available
    from sktrainer.backends.torch.mixin import with_mixin

    if not (isinstance(stored.kind, type) and issubclass(stored.kind, NeuralNet)):
        raise FileFormatError(f"it contains a net of class {stored.kind!r}, not a skorch net")
    kind: Any = with_mixin(stored.kind) if stored.fitted else stored.kind
    net = kind.__new__(kind)
    state = {
        k: modules[v.number] if isinstance(v, NetworkPlaceholder) else v
        for k, v in stored.state.items()
    }
    unset = {"history_": History(), "init_context_": None, "initialized_": False}
    vars(net).update({**unset, "virtual_params_": {}, "sample_": None, **state})
    if not is_available(net.device):  # as when a pickle is loaded
        net.device = "cpu"
    return net


if TYPE_CHECKING:
    _: ModelSerializer = FORMAT
    __: NetworkSerializer = STOWAGE

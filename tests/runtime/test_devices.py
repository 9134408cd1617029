"""Device choice: parameters of the model, available devices and "auto"."""

from __future__ import annotations

import pytest

from sktrainer import ParameterError
from sktrainer.runtime.devices import AvailableGpus, DeviceChoice, choose_device, is_device_name
from tests.stubs import FakeDevices

TWO = AvailableGpus(("cuda:0", "cuda:1"))
APPLE = AvailableGpus(("mps",))
NOT_REPRODUCIBLE = AvailableGpus(("cuda:0",), reproducible=False)
NONE = AvailableGpus(reason_if_none="it sees no GPU")


class Model:
    pass


@pytest.mark.parametrize(
    ("requested", "gpus", "expected"),
    [
        ("auto", TWO, DeviceChoice("cuda", override="cuda")),
        ("auto", APPLE, DeviceChoice("mps", override="mps")),
        ("auto", NONE, DeviceChoice("cpu", reason="it sees no GPU")),
        ("auto", AvailableGpus(), DeviceChoice("cpu")),
        ("auto", None, DeviceChoice()),
        ("cpu", TWO, DeviceChoice("cpu", override="cpu")),
        ("cuda", TWO, DeviceChoice("cuda", override="cuda")),
        ("cuda:1", TWO, DeviceChoice("cuda:1", override="cuda:1")),
        ("cuda", NOT_REPRODUCIBLE, DeviceChoice("cuda", override="cuda")),
        ("mps", APPLE, DeviceChoice("mps", override="mps")),
    ],
)
def test_choose_device_selects_an_available_device(requested, gpus, expected):
    assert choose_device(requested, FakeDevices(gpus), Model()) == expected


def test_auto_uses_cpu_when_gpu_training_is_not_reproducible():
    choice = choose_device("auto", FakeDevices(NOT_REPRODUCIBLE), Model())
    assert choice.name == "cpu"
    assert choice.override == "cpu"
    assert "device='cuda'" in choice.reason


@pytest.mark.parametrize("requested", ["cpu", "auto"])
def test_gpus_are_queried_only_if_needed(requested):
    backend = FakeDevices(TWO)
    choose_device(requested, backend, Model())
    assert backend.times_asked == (requested == "auto")


@pytest.mark.parametrize(
    ("requested", "gpus", "message"),
    [
        (
            "cuda",
            NONE,
            r"device must be one of .* for Model \('cpu'\), got 'cuda': it sees no",
        ),
        ("cuda:2", TWO, r"\('cpu', 'cuda:0', 'cuda:1'\), got 'cuda:2'; use one of these"),
        ("mps", TWO, r"got 'mps'; use one of these or 'auto'"),
        ("cuda", AvailableGpus(), "its library supports the CPU only"),
        ("cuda", None, "sktrainer cannot set the device of this model"),
    ],
)
def test_unavailable_device_raises(requested, gpus, message):
    with pytest.raises(ParameterError, match=message):
        choose_device(requested, FakeDevices(gpus), Model())


@pytest.mark.parametrize(
    ("requested", "own", "expected"),
    [
        ("auto", "cuda:1", DeviceChoice("cuda:1")),
        ("auto", "cpu", DeviceChoice("cpu")),
        ("cpu", "cpu", DeviceChoice("cpu")),
        ("cuda", "cuda", DeviceChoice("cuda")),
        ("cuda", "cuda:1", DeviceChoice("cuda:1")),
        ("cuda:1", "cuda", DeviceChoice("cuda:1", override="cuda:1")),
    ],
)
def test_device_in_model_parameters_takes_precedence(requested, own, expected):
    assert choose_device(requested, FakeDevices(TWO, own), Model()) == expected


@pytest.mark.parametrize(
    ("requested", "own"),
    [("cpu", "cuda"), ("cuda", "cpu"), ("cuda:0", "cuda:1"), ("mps", "cuda")],
)
def test_conflicting_devices_raise(requested, own):
    with pytest.raises(
        ParameterError, match=f"device='{requested}' conflicts with Model.*'{own}'"
    ):
        choose_device(requested, FakeDevices(TWO, own), Model())


def test_unavailable_device_in_model_parameters_raises():
    with pytest.raises(ParameterError, match="Model set the device 'cuda',.* it sees no GPU"):
        choose_device("auto", FakeDevices(NONE, "cuda"), Model())
    with pytest.raises(ParameterError, match="available are cuda:0, cuda:1"):
        choose_device("auto", FakeDevices(TWO, "cuda:7"), Model())


def test_library_specific_device_is_accepted():
    assert choose_device("auto", FakeDevices(NONE, "xpu"), Model()) == DeviceChoice("xpu")


def test_backend_without_device_support_accepts_auto_and_cpu():
    assert choose_device("auto", None, Model()) == DeviceChoice()
    assert choose_device("cpu", None, Model()) == DeviceChoice()
    with pytest.raises(ParameterError, match="'auto' or 'cpu' for Model"):
        choose_device("cuda", None, Model())


@pytest.mark.parametrize(
    "name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CUDA", "cpu:0", 1, None]
)
def test_is_device_rejects_invalid_names(name):
    assert not is_device_name(name)

"""The choice of a device: the model's own word, what is there, and what "auto" takes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sktrainer import ParameterError
from sktrainer.running.devices import DeviceChoice, Gpus, choose_device, is_device
from tests.stubs import Computes

TWO = Gpus(("cuda:0", "cuda:1"))
APPLE = Gpus(("mps",))
UNSTEADY = Gpus(("cuda:0",), repeats=False)
NONE = Gpus(why_none="it sees no GPU")


@dataclass
class SetsNothing:
    """A backend of another package, written before there was a choice."""

    name: str = "other"


class Model:
    pass


@pytest.mark.parametrize(
    ("asked", "gpus", "expected"),
    [
        ("auto", TWO, DeviceChoice("cuda", given="cuda")),
        ("auto", APPLE, DeviceChoice("mps", given="mps")),
        ("auto", NONE, DeviceChoice("cpu", reason="it sees no GPU")),
        ("auto", Gpus(), DeviceChoice("cpu")),
        ("auto", None, DeviceChoice()),
        ("cpu", TWO, DeviceChoice("cpu", given="cpu")),
        ("cuda", TWO, DeviceChoice("cuda", given="cuda")),
        ("cuda:1", TWO, DeviceChoice("cuda:1", given="cuda:1")),
        ("cuda", UNSTEADY, DeviceChoice("cuda", given="cuda")),
        ("mps", APPLE, DeviceChoice("mps", given="mps")),
    ],
)
def test_a_device_is_chosen_among_those_that_are_there(asked, gpus, expected):
    assert choose_device(asked, Computes(gpus), Model()) == expected


def test_auto_leaves_gpus_alone_whose_fits_do_not_repeat_and_says_how_to_have_one():
    choice = choose_device("auto", Computes(UNSTEADY), Model())
    assert choice.name == "cpu"
    assert choice.given == "cpu"
    assert "device='cuda'" in choice.reason


@pytest.mark.parametrize("asked", ["cpu", "auto"])
def test_the_gpus_are_looked_for_only_where_that_decides(asked):
    backend = Computes(TWO)
    choose_device(asked, backend, Model())
    assert backend.times_asked == (asked == "auto")


@pytest.mark.parametrize(
    ("asked", "gpus", "message"),
    [
        (
            "cuda",
            NONE,
            r"device must be one that Model can .* \('cpu'\), got 'cuda': it sees no",
        ),
        ("cuda:2", TWO, r"\('cpu', 'cuda:0', 'cuda:1'\), got 'cuda:2'; use one of these"),
        ("mps", TWO, r"got 'mps'; use one of these, or 'auto'"),
        ("cuda", Gpus(), "its library trains on the CPU only"),
        ("cuda", None, "sktrainer can put on no other device"),
    ],
)
def test_a_device_that_is_not_there_is_refused(asked, gpus, message):
    with pytest.raises(ParameterError, match=message):
        choose_device(asked, Computes(gpus), Model())


@pytest.mark.parametrize(
    ("asked", "own", "expected"),
    [
        ("auto", "cuda:1", DeviceChoice("cuda:1")),
        ("auto", "cpu", DeviceChoice("cpu")),
        ("cpu", "cpu", DeviceChoice("cpu")),
        ("cuda", "cuda", DeviceChoice("cuda")),
        ("cuda", "cuda:1", DeviceChoice("cuda:1")),
        ("cuda:1", "cuda", DeviceChoice("cuda:1", given="cuda:1")),
    ],
)
def test_what_the_model_names_stays_and_a_number_completes_it(asked, own, expected):
    assert choose_device(asked, Computes(TWO, own), Model()) == expected


@pytest.mark.parametrize(
    ("asked", "own"), [("cpu", "cuda"), ("cuda", "cpu"), ("cuda:0", "cuda:1"), ("mps", "cuda")]
)
def test_two_words_against_each_other_are_refused(asked, own):
    with pytest.raises(ParameterError, match=f"device='{asked}' contradicts Model.*'{own}'"):
        choose_device(asked, Computes(TWO, own), Model())


def test_a_device_that_the_model_names_and_that_is_not_there_is_refused():
    with pytest.raises(ParameterError, match="Model itself names .*'cuda', and it sees no GPU"):
        choose_device("auto", Computes(NONE, "cuda"), Model())
    with pytest.raises(ParameterError, match="here are only cuda:0, cuda:1"):
        choose_device("auto", Computes(TWO, "cuda:7"), Model())


def test_a_device_that_only_the_library_knows_is_left_to_it():
    assert choose_device("auto", Computes(NONE, "xpu"), Model()) == DeviceChoice("xpu")


def test_a_backend_that_sets_no_device_keeps_working():
    assert choose_device("auto", SetsNothing(), Model()) == DeviceChoice()
    assert choose_device("cpu", SetsNothing(), Model()) == DeviceChoice()
    with pytest.raises(ParameterError, match="'auto' or 'cpu' for Model"):
        choose_device("cuda", SetsNothing(), Model())


@pytest.mark.parametrize(
    "name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CUDA", "cpu:0", 1, None]
)
def test_what_is_no_name_of_a_device_is_told(name):
    assert not is_device(name)

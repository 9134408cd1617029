"""Tests that malicious states raise a single error, and that none of their code is run."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

from sktrainer import UntrustedFileError
from tests.serialization.bundles import (
    Bomb,
    json_state,
    mapping,
    named,
    npy,
    replaced,
    sequence,
    states_in,
    with_state,
)


def test_array_with_a_false_size_raises(bundle, load_error):
    huge = npy(np.zeros(3)).replace(b"(3,)", b"(9000000000000000,)").replace(b" " * 16, b"", 1)

    def change(state):
        next(states_in(state, "NdArrayNode"))["file"] = "huge.npy"

    bad = with_state(bundle, "model.skops", change, files={"huge.npy": huge})
    load_error(bad)


def test_array_with_pickled_objects_raises(bundle, load_error, tmp_path):
    bomb = npy(np.array([Bomb(tmp_path / "ran")], dtype=object))

    def change(state):
        next(s for s in states_in(state, "NdArrayNode") if s.get("file"))["file"] = "bomb.npy"

    message = load_error(with_state(bundle, "model.skops", change, files={"bomb.npy": bomb}))
    assert "objects" in message or "files in a skops member" in message


def _in_parameter(value):
    """Return a function that replaces the trainer's `scoring` by a state."""

    def change(state):
        state["content"]["parameters"]["content"]["scoring"] = value

    return change


PARTIAL = {
    "func": named("FunctionNode", "os", "system"),
    "args": sequence("tuple", json_state("touch ran")),
    "kwds": mapping(),
    "namespace": json_state(None),
}


CALLS = {
    "function": (named("FunctionNode", "os", "system"), "os.system"),
    "type": (named("TypeNode", "subprocess", "Popen"), "subprocess.Popen"),
    "object": (named("ObjectNode", "pathlib", "PosixPath"), "pathlib.PosixPath"),
    "constructor": (
        named(
            "ConstructorFromReduceNode",
            "subprocess",
            "Popen",
            content=sequence("tuple", json_state("touch ran")),
        ),
        "subprocess.Popen()",
    ),
    "partial": (named("PartialNode", "functools", "partial", content=PARTIAL), "os.system"),
    "method": (
        named(
            "MethodNode",
            "sklearn.linear_model._logistic",
            "LogisticRegression",
            content={
                "func": "fit",
                "obj": named(
                    "ObjectNode", "sklearn.linear_model._logistic", "LogisticRegression"
                ),
            },
        ),
        "sklearn.linear_model._logistic.LogisticRegression.fit",
    ),
    "operator": (
        named(
            "OperatorFuncNode",
            "operator",
            "methodcaller",
            attrs=sequence("tuple", json_state("system")),
        ),
        "operator.methodcaller",
    ),
    "list": (
        {**sequence("list", json_state("x")), "__module__": "subprocess", "__class__": "Popen"},
        "subprocess.Popen()",
    ),
    "tuple": (
        {**sequence("tuple", json_state(1)), "__module__": "os", "__class__": "terminal_size"},
        "os.terminal_size()",
    ),
    "dict": (
        {**mapping(), "__module__": "collections", "__class__": "Counter"},
        "collections.Counter()",
    ),
    "call of a known class": (
        named(
            "ConstructorFromReduceNode",
            "lightgbm.basic",
            "Booster",
            content=sequence("tuple", json_state({}), json_state(None)),
        ),
        "lightgbm.basic.Booster()",
    ),
    "reference to a known class": (
        named("TypeNode", "lightgbm.basic", "Booster"),
        "lightgbm.basic.Booster",
    ),
    "array": (
        named("NdArrayNode", "numpy", "memmap", type="numpy", file="0.npy"),
        "numpy.memmap()",
    ),
    "import of another module": (
        named("FunctionNode", "sklearn.metrics._scorer", "os"),
        "sklearn.metrics._scorer.os",
    ),
    "import of a torch module": (
        named("TypeNode", "torch.nn.modules.module", "OrderedDict"),
        "torch.nn.modules.module.OrderedDict",
    ),
}


@pytest.mark.parametrize("how", CALLS)
def test_unknown_name_requires_trust(bundle, load_error, how):
    state, name = CALLS[how]
    bad = with_state(bundle, "trainer.skops", _in_parameter(state))
    message = load_error(bad, error=UntrustedFileError)
    assert f'"{name}"' in message.partition("trusted=[")[2]


def test_joblib_cache_requires_trust(bundle, load_error):
    bad = with_state(bundle, "steps.skops", _with_memory)
    assert "joblib.memory.Memory" in load_error(bad, error=UntrustedFileError)


def _with_memory(state):
    content = next(states_in(state, "ObjectNode"))["content"]
    content["content"]["memory"] = json_state("/tmp/cache")
    content["key_types"]["content"].append(named("TypeNode", "builtins", "str"))


SHAPES = {
    "keys of another class": lambda: {
        **mapping(a=json_state(1)),
        "key_types": sequence("list", named("TypeNode", "subprocess", "Popen")),
    },
    "keys that are functions": lambda: {
        **mapping(a=json_state(1)),
        "key_types": sequence("list", named("FunctionNode", "os", "system")),
    },
    "key types that are not a list": lambda: {
        **mapping(a=json_state(1)),
        "key_types": named("FunctionNode", "os", "system"),
    },
    "unknown loader": lambda: named("CachedNode", "builtins", "str", __id__=1),
    "loss": lambda: named(
        "LossNode",
        "os",
        "system",
        content=mapping(),
        __reduce__={"args": sequence("tuple", json_state("touch ran"))},
    ),
    "tree": lambda: named("TreeNode", "os", "system", content=mapping(), __reduce__={}),
    "number used twice": lambda: sequence(
        "list",
        {**named("FunctionNode", "numpy", "log1p"), "__id__": 7777},
        {**named("FunctionNode", "os", "system"), "__id__": 7777},
    ),
    "not a state": lambda: "os.system",
    "no class": lambda: {"__loader__": "TypeNode", "__module__": "os", "__class__": None},
    "slice of states": lambda: named(
        "SliceNode", "builtins", "slice", content={"start": {}, "stop": 1, "step": 1}
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_invalid_state_raises_even_if_trusted(bundle, load_error, shape):
    bad = with_state(bundle, "trainer.skops", _in_parameter(SHAPES[shape]()))
    load_error(bad, trusted=True)


@pytest.mark.parametrize("protocol", [0, 1, 99, None, "2"])
def test_unsupported_skops_protocol_raises(bundle, load_error, protocol):
    def change(state):
        state["protocol"] = protocol

    assert "protocol" in load_error(with_state(bundle, "model.skops", change), trusted=True)


def test_network_is_never_constructed_from_a_state(net, load_error, tmp_path):
    attack = named(
        "ObjectNode",
        "skorch.classifier",
        "NeuralNetClassifier",
        content=mapping(
            device=json_state("cpu"),
            __cuda_dependent_attributes__=named(
                "BytesNode", "builtins", "bytes", file="bomb.bin"
            ),
        ),
    )
    files = {"bomb.bin": pickle.dumps(Bomb(tmp_path / "ran"))}
    bad = with_state(net, "trainer.skops", _in_parameter(attack), files=files)
    load_error(bad, error=UntrustedFileError)
    for trusted in (True, ["tests.networks.SmallNet", "skorch.classifier.NeuralNetClassifier"]):
        assert "a network in a form that is not allowed" in load_error(bad, trusted=trusted)


@pytest.mark.parametrize("member", ["model.safetensors", "model.optimizer.json"])
def test_code_in_a_torch_file_is_not_run(net, load_error, tmp_path, member):
    import torch

    file = io.BytesIO()
    torch.save(Bomb(tmp_path / "ran"), file)
    load_error(replaced(net, member, file.getvalue()), trusted=True)


def test_user_defined_module_requires_trust(net, load_error):
    message = load_error(net, error=UntrustedFileError)
    assert 'load("bad.skt", trusted=["tests.networks.SmallNet"])' in message


def test_attribute_cannot_replace_a_method(bundle, load_error):
    def change(state):
        attributes = state["content"]["attributes"]
        attributes["content"]["predict"] = json_state("gotcha")
        attributes["key_types"]["content"].append(named("TypeNode", "builtins", "str"))

    message = load_error(with_state(bundle, "trainer.skops", change), trusted=True)
    assert "it sets the reserved names ['predict']" in message


def test_trusted_class_cannot_be_called_by_the_file(bundle, load_error):
    bad = with_state(bundle, "trainer.skops", _in_parameter(CALLS["constructor"][0]))
    message = load_error(bad, error=UntrustedFileError, trusted=["subprocess.Popen"])
    assert 'trusted=["subprocess.Popen()"]' in message


def test_trusted_name_that_cannot_be_imported_raises(bundle, load_error):
    ghost = named("FunctionNode", "no_such_package.tools", "clean")
    bad = with_state(bundle, "trainer.skops", _in_parameter(ghost))
    message = load_error(bad, trusted=["no_such_package.tools.clean"])
    assert "it needs no_such_package.tools.clean, which cannot be imported" in message

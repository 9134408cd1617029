"""Tests that malicious files raise a single error, and that none of their code is run."""

from __future__ import annotations

import io
import json
import os
import pickle
import stat
import zipfile

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from sktrainer import FileFormatError, ManagedTrainer, UntrustedFileError, load
from sktrainer.testing import mixed_table
from tests.networks import SmallNet
from tests.serialization.bundles import (
    json_state,
    mapping,
    members_of,
    named,
    npy,
    resealed,
    saved,
    sequence,
    states_in,
    with_state,
    zipped,
)

X, Y = mixed_table(200, "classification")


def _fitted(model):
    return ManagedTrainer(model, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return saved(_fitted(LogisticRegression()), tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def forest(tmp_path_factory):
    model = RandomForestClassifier(3, max_depth=3)
    return saved(_fitted(model), tmp_path_factory.mktemp("forest"))


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    trainer = ManagedTrainer(SmallNet, random_state=0, early_stopping=False)
    trainer.set_params(estimator__max_epochs=2).fit(X, Y)
    return saved(trainer, tmp_path_factory.mktemp("net"))


@pytest.fixture
def load_error(tmp_path):
    """Return a function that loads bytes, expects an error, and returns its message."""

    def check(data, error=FileFormatError, **options):
        path = tmp_path / "bad.skt"
        path.write_bytes(data)
        with pytest.raises(error) as caught:
            load(path, **options)
        assert str(path) in str(caught.value)
        assert not (tmp_path / "ran").exists()
        return str(caught.value)

    return check


class _Bomb:
    """Object that creates a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def _replaced(bundle, name, data):
    return resealed({**members_of(bundle), name: data})


@pytest.mark.parametrize(
    "name", ["trainer.skops", "model.skops", "steps.skops", "report.json", "history.json"]
)
def test_member_that_is_a_pickle_is_not_unpickled(bundle, load_error, tmp_path, name):
    bomb = pickle.dumps(_Bomb(tmp_path / "ran"))
    for trusted in (False, True):
        load_error(_replaced(bundle, name, bomb), trusted=trusted)


def test_changed_member_is_named(bundle, load_error):
    members = members_of(bundle)
    members["report.json"] = members["report.json"].replace(b"Logistic", b"Artistic")
    message = load_error(zipped(members), trusted=True)
    assert "member 'report.json' was changed: its SHA-256 does not match" in message


def test_members_must_match_the_manifest(bundle, load_error):
    members = members_of(bundle)
    assert "differ from those in manifest.json: ['extra.bin']" in load_error(
        zipped({**members, "extra.bin": b""})
    )
    members.pop("report.json")
    assert "differ from those in manifest.json: ['report.json']" in load_error(zipped(members))


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/evil", "a/b", "..", "C:\\evil", ".hidden", "naïve", "a\nb"]
)
def test_unsafe_member_name_raises(bundle, load_error, name):
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, b"x")
    assert "has a name that is not allowed" in load_error(file.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_member_name_raises(bundle, load_error):
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("report.json", b"{}")
    assert "'report.json' occurs twice" in load_error(file.getvalue())


def test_symbolic_link_raises(bundle, load_error):
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "is a link" in load_error(file.getvalue())


def test_zip_bomb_is_not_decompressed(bundle, load_error):
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.bin", b"\0" * (160 * 2**20))
    assert "more than 200 times its size" in load_error(file.getvalue())


def test_zip_bomb_with_a_false_size_is_not_decompressed(bundle, load_error):
    file = io.BytesIO(bundle)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.bin", b"\0" * (20 * 2**20))
    data = file.getvalue()
    size = (20 * 2**20).to_bytes(4, "little")
    lie = data.replace(size, (1000).to_bytes(4, "little"))
    assert lie != data
    members = members_of(bundle)
    manifest = json.loads(members["manifest.json"])
    manifest["members"]["zeros.bin"] = {"bytes": 1000, "sha256": "0" * 64}
    load_error(lie)


def test_array_with_a_false_size_raises(bundle, load_error):
    huge = npy(np.zeros(3)).replace(b"(3,)", b"(9000000000000000,)").replace(b" " * 16, b"", 1)

    def change(state):
        next(states_in(state, "NdArrayNode"))["file"] = "huge.npy"

    bad = with_state(bundle, "model.skops", change, files={"huge.npy": huge})
    load_error(bad)


def test_array_with_pickled_objects_raises(bundle, load_error, tmp_path):
    bomb = npy(np.array([_Bomb(tmp_path / "ran")], dtype=object))

    def change(state):
        next(s for s in states_in(state, "NdArrayNode") if s.get("file"))["file"] = "bomb.npy"

    message = load_error(with_state(bundle, "model.skops", change, files={"bomb.npy": bomb}))
    assert "objects" in message or "files in a skops member" in message


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, -1, -30])
def test_truncated_file_raises(bundle, load_error, kept):
    size = int(len(bundle) * kept) if isinstance(kept, float) else kept
    load_error(bundle[:size], trusted=True)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (2, "reads formats up to 1; upgrade sktrainer"),
        (0, "expected 1 or more"),
        ("1", "expected 1 or more"),
        (True, "expected 1 or more"),
        (None, "expected 1 or more"),
    ],
)
def test_unsupported_format_version_raises(bundle, load_error, version, message):
    members = members_of(bundle)
    manifest = {**json.loads(members["manifest.json"]), "format_version": version}
    members["manifest.json"] = json.dumps(manifest).encode()
    assert message in load_error(zipped(members), trusted=True)


def test_unknown_backend_raises(bundle, load_error):
    members = members_of(bundle)
    manifest = json.loads(members["manifest.json"])
    manifest["model"]["backend"] = "later"
    members["manifest.json"] = json.dumps(manifest).encode()
    assert "there is no backend 'later'" in load_error(zipped(members), trusted=True)


def test_zip_file_of_another_program_raises(load_error):
    assert "this is not a .skt file" in load_error(zipped({"a.txt": b"hello"}))
    assert "was not written by sktrainer" in load_error(zipped({"manifest.json": b"[]"}))
    assert "is not valid JSON" in load_error(zipped({"manifest.json": b"[" * 100_000}))


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
    files = {"bomb.bin": pickle.dumps(_Bomb(tmp_path / "ran"))}
    bad = with_state(net, "trainer.skops", _in_parameter(attack), files=files)
    load_error(bad, error=UntrustedFileError)
    for trusted in (True, ["tests.networks.SmallNet", "skorch.classifier.NeuralNetClassifier"]):
        assert "a network in a form that is not allowed" in load_error(bad, trusted=trusted)


@pytest.mark.parametrize("member", ["model.safetensors", "model.optimizer.json"])
def test_code_in_a_torch_file_is_not_run(net, load_error, tmp_path, member):
    import torch

    file = io.BytesIO()
    torch.save(_Bomb(tmp_path / "ran"), file)
    load_error(_replaced(net, member, file.getvalue()), trusted=True)


def test_user_defined_module_requires_trust(net, load_error):
    message = load_error(net, error=UntrustedFileError)
    assert 'load("bad.skt", trusted=["tests.networks.SmallNet"])' in message


@pytest.mark.parametrize("field", ["left_child", "right_child", "feature"])
def test_tree_with_indices_out_of_range_raises(forest, load_error, field):
    members = members_of(forest)
    parts = members_of(members["model.skops"])
    state = json.loads(parts["schema.json"])
    tree = next(states_in(state, "TreeNode"))
    name = tree["content"]["content"]["nodes"]["file"]
    nodes = np.load(io.BytesIO(parts[name]))
    nodes[field][0] = 10_000_000
    parts[name] = npy(nodes)
    members["model.skops"] = zipped(parts, compressed=False)
    assert "out of range" in load_error(resealed(members), trusted=True)


@pytest.mark.parametrize("field", ["left", "feature_idx", "bitset_idx"])
def test_hist_boosting_tree_with_indices_out_of_range_raises(load_error, tmp_path, field):
    trainer = _fitted(HistGradientBoostingClassifier(max_iter=2))
    members = members_of(saved(trainer, tmp_path))
    parts = members_of(members["model.skops"])
    state = json.loads(parts["schema.json"])
    predictor = next(
        s for s in states_in(state, "ObjectNode") if s["__class__"] == "TreePredictor"
    )
    name = predictor["content"]["content"]["nodes"]["file"]
    nodes = np.load(io.BytesIO(parts[name]))
    nodes[field][0], nodes["is_categorical"][0] = 60_000, 1
    parts[name] = npy(nodes)
    members["model.skops"] = zipped(parts, compressed=False)
    assert "out of range" in load_error(resealed(members), trusted=True)


def test_tree_with_a_cycle_raises(forest, load_error):
    members = members_of(forest)
    parts = members_of(members["model.skops"])
    tree = next(states_in(json.loads(parts["schema.json"]), "TreeNode"))
    name = tree["content"]["content"]["nodes"]["file"]
    nodes = np.load(io.BytesIO(parts[name]))
    nodes["left_child"][0] = 0
    parts[name] = npy(nodes)
    members["model.skops"] = zipped(parts, compressed=False)
    assert "a cycle" in load_error(resealed(members), trusted=True)


def test_tree_with_an_invalid_node_count_raises(forest, load_error):
    def change(state):
        tree = next(states_in(state, "TreeNode"))
        tree["content"]["content"]["node_count"] = json_state(-5)

    assert "an invalid number of nodes" in load_error(with_state(forest, "model.skops", change))


def test_neighbours_tree_with_rows_out_of_range_raises(load_error, tmp_path):
    trainer = _fitted(KNeighborsClassifier(algorithm="kd_tree"))
    members = members_of(saved(trainer, tmp_path))
    parts = members_of(members["model.skops"])
    order = np.arange(len(X))
    found = [
        name
        for name, data in parts.items()
        if name.endswith(".npy")
        and (a := np.load(io.BytesIO(data))).shape == order.shape
        and sorted(a.tolist()) == order.tolist()
    ]
    for name in found:
        parts[name] = npy(order + 10**9)
    members["model.skops"] = zipped(parts, compressed=False)
    assert found
    assert "row indices out of range" in load_error(resealed(members), trusted=True)


def test_model_class_must_match_the_manifest(bundle, forest, load_error):
    members = {**members_of(bundle), "model.skops": members_of(forest)["model.skops"]}
    assert "but manifest.json lists" in load_error(resealed(members), trusted=True)


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

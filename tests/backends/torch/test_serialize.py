"""Tests of torch nets as files."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from skorch import NeuralNetRegressor
from torch import nn

from sktrainer.backends.support import ModelParts
from sktrainer.backends.torch.serialize import FORMAT, NETWORK_SERIALIZER, TRAINING, WEIGHTS
from sktrainer.exceptions import FileFormatError, InputError


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    made = NeuralNetRegressor(
        nn.Linear(3, 1), max_epochs=2, optimizer=torch.optim.Adam, verbose=0, train_split=None
    )
    return made.fit(np.ones((8, 3), np.float32), np.ones((8, 1), np.float32))


def test_split_and_join_restore_weights_and_optimizer(net):
    parts = FORMAT.split(net)
    again = FORMAT.join(parts)
    assert torch.equal(again.module_.weight, net.module_.weight)
    for before, after in zip(
        net.optimizer_.state.values(), again.optimizer_.state.values(), strict=True
    ):
        assert all(torch.equal(before[name], after[name]) for name in before)
    assert FORMAT.split(again).files == FORMAT.split(net).files


def test_weights_are_named_as_in_state_dict(net):
    from safetensors.torch import load

    assert {"module_.weight", "module_.bias"} <= set(load(FORMAT.split(net).files[WEIGHTS]))


def test_optimizer_state_cannot_create_modules(net):
    parts = FORMAT.split(net)
    states = json.loads(parts.files[TRAINING])
    entry = {"class": "antigravity.Module", "children": {}, "training": False}
    states["criterion_"] = {"$module": entry}
    files = {**parts.files, TRAINING: json.dumps(states).encode()}
    with pytest.raises(FileFormatError, match="unknown key"):
        FORMAT.join(ModelParts(parts.state, files))


def test_names_of_all_modules_are_listed_without_creating_them():
    inner = {"class": "os.system", "children": {}}
    entry = {"class": "shutil.rmtree", "children": {"a": inner, "b": None}}
    document = json.dumps([{"$module": entry}]).encode()
    files = {"trainer.modules.json": document, "trainer.modules.safetensors": b""}
    assert NETWORK_SERIALIZER.names_in(files) == {"os.system", "shutil.rmtree"}


def test_modules_in_containers_keep_tied_weights():
    module = nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 2), nn.Linear(2, 2))
    module[2].weight = module[0].weight
    module[0].bias.requires_grad_(False)
    net = NeuralNetRegressor(
        nn.Linear, module__layers=[module], criterion__weight=torch.ones(2)
    )
    again = NETWORK_SERIALIZER.from_files(
        *NETWORK_SERIALIZER.to_files(net, "trainer.modules"), "trainer.modules"
    )
    (made,) = again.module__layers
    assert made[2].weight is made[0].weight and not made[0].bias.requires_grad
    x = torch.ones(3, 2)
    assert torch.equal(made[1](made[0](x))[0], module[1](module[0](x))[0])
    assert again.criterion__weight.tolist() == [1, 1]


def test_attribute_that_is_not_plain_raises_with_path():
    module = nn.Sequential(nn.Linear(1, 1))
    module[0].callback = print
    with pytest.raises(InputError, match=r"module Sequential\.0 has an attribute 'callback'"):
        NETWORK_SERIALIZER.to_files(module, "trainer.modules")
    module = nn.Sequential(nn.Linear(1, 1))
    module[0].register_forward_hook(print)
    with pytest.raises(InputError, match=r"module Sequential\.0 has hooks"):
        NETWORK_SERIALIZER.to_files(module, "trainer.modules")

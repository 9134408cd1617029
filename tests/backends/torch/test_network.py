"""Clones of a trainer with a Module instance pickle by content."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import joblib
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_classification
from torch import nn

from sktrainer import ManagedTrainer
from sktrainer.backends.torch.network import hash_stable_copy
from tests.networks import SmallNet


def tied():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.LazyLinear(2))
    module.add_module("first", module[0])
    return module


def test_copies_of_clone_have_same_hash():
    module = clone(ManagedTrainer(tied())).estimator
    for other in (
        copy.deepcopy(module),
        pickle.loads(pickle.dumps(module)),
        hash_stable_copy(module),
    ):
        assert other is not module and type(other) is type(module)
        assert joblib.hash(other) == joblib.hash(module)


def test_different_weights_have_different_hash():
    module = hash_stable_copy(nn.Linear(3, 1))
    other = copy.deepcopy(module)
    with torch.no_grad():
        other.weight[0, 0] += 1e-6
    assert joblib.hash(other) != joblib.hash(module)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_pickle_restores_bit_identical_weights(dtype):
    module = hash_stable_copy(nn.BatchNorm1d(3).to(dtype))
    module.weight.requires_grad_(False)
    again = pickle.loads(pickle.dumps(module))

    assert not again.weight.requires_grad and again.bias.requires_grad
    assert again.state_dict().keys() == module.state_dict().keys()
    for name, value in module.state_dict().items():
        assert again.state_dict()[name].dtype == value.dtype
        assert torch.equal(again.state_dict()[name], value)


def test_pickle_keeps_shared_weights_shared():
    again = pickle.loads(pickle.dumps(hash_stable_copy(tied())))
    assert again.first is again[0]
    single = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    single[1].weight = single[0].weight
    again = pickle.loads(pickle.dumps(hash_stable_copy(single)))
    assert again[1].weight is again[0].weight


def test_only_clones_of_modules_are_marked():
    X, y = make_classification(120, random_state=0)
    module = SmallNet()
    before = set(vars(module))
    trainer = clone(ManagedTrainer(module, task="classification", random_state=0))
    trainer.set_params(estimator__max_epochs=1).fit(X, y)

    assert set(vars(module)) == before == set(vars(trainer.model_.module_))
    assert "__reduce_ex__" in vars(trainer.estimator.module)


SCRIPT = """
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from torch import nn

from sktrainer import ManagedTrainer


class Net(nn.Module):
    def __init__(self, hidden=4):
        super().__init__()
        self.layers = nn.Sequential(nn.LazyLinear(hidden), nn.ReLU(), nn.Linear(hidden, 2))

    def forward(self, X):
        return self.layers(X)


if __name__ == "__main__":
    X, y = make_classification(80, random_state=0)
    trainer = ManagedTrainer(Net, task="classification", random_state=0)
    trainer.set_params(estimator__max_epochs=2).fit(X, y)
    search = GridSearchCV(trainer, {"estimator__hidden": [2, 4]}, cv=2, n_jobs=2).fit(X, y)
    print(search.best_params_)
"""


def test_fitted_network_of_script_reaches_worker_processes(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, path], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "estimator__hidden" in done.stdout

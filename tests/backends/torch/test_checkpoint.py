"""Tests of the training state of skorch nets."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from skorch import NeuralNetRegressor
from skorch.callbacks import Callback, LRScheduler
from torch import nn
from torch.optim.lr_scheduler import MultiStepLR

from sktrainer.backends.torch.checkpoint import _net_state, _restore
from sktrainer.runtime.global_state import preserve_global_state

X, Y = np.ones((8, 3), np.float32), np.ones((8, 1), np.float32)


class Records(Callback):
    def initialize(self):
        self.seen = []
        self.last = None
        self.function = print
        return self

    def on_epoch_end(self, net, **options):
        self.seen.append(np.float64(net.history[-1, "train_loss"]))
        self.last = (np.arange(len(self.seen)), torch.tensor(len(self.seen)))


def _fitted(dtype=torch.float32):
    schedule = LRScheduler(MultiStepLR, milestones=[1, 1, 3], gamma=0.5)
    net = NeuralNetRegressor(
        nn.Linear(3, 1, dtype=dtype),
        max_epochs=2,
        verbose=0,
        optimizer=torch.optim.Adam,
        callbacks=[("records", Records()), ("schedule", schedule)],
        train_split=None,
    )
    return net.fit(X, Y) if dtype == torch.float32 else net.initialize()


def test_callbacks_and_schedules_resume():
    net, other = _fitted(), _fitted()
    with preserve_global_state():
        saved = _net_state(net, net.module_.state_dict(), interrupted=True)
        drawn = random.random(), np.random.rand(), torch.rand(1)
        other.partial_fit(X, Y)
        best, interrupted = _restore(other, saved)
        assert (random.random(), np.random.rand(), torch.rand(1)) == drawn

    assert interrupted and torch.equal(best["weight"], net.module_.weight)
    assert other.history.to_list() == net.history.to_list()
    before, after = (dict(each.callbacks_)["records"] for each in (net, other))
    assert after.seen == before.seen and type(after.seen[0]) is np.float64
    assert after.last[0].tolist() == [0, 1] and after.last[1] == 2
    assert after.function is print
    before, after = (dict(each.callbacks_)["schedule"].lr_scheduler_ for each in (net, other))
    assert after.milestones == before.milestones
    assert type(after.milestones) is type(before.milestones)
    assert after.get_last_lr() == before.get_last_lr()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.complex128])
def test_parameters_of_every_dtype_are_restored(dtype):
    net, other = _fitted(dtype), _fitted(dtype)
    _restore(other, _net_state(net, None, interrupted=False))
    assert other.module_.weight.dtype == dtype
    assert torch.equal(other.module_.weight, net.module_.weight)

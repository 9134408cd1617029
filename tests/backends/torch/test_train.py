"""`partial_fit` of networks: optimizers, schedules and callbacks continue between chunks."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EpochScoring, LRScheduler
from torch.optim.lr_scheduler import StepLR

from sktrainer import ManagedTrainer
from sktrainer.exceptions import ParameterError
from sktrainer.testing import bit_identical, mixed_table
from tests.networks import ImageNet, ProbabilityNet, SmallNet

X, Y = mixed_table(240, "classification")


class RecordsCalls(Callback):
    """Callback that records the calls of its methods."""

    def initialize(self):
        self.calls_ = []
        return self

    def on_train_begin(self, net, **options):
        self.calls_.append("begin")

    def on_train_end(self, net, **options):
        self.calls_.append("end")

    def on_epoch_end(self, net, **options):
        self.calls_.append("epoch")


def scheduled():
    net = NeuralNetClassifier(
        ProbabilityNet,
        lr=0.5,
        optimizer=torch.optim.Adam,
        max_epochs=2,
        iterator_train__shuffle=True,
        callbacks=[
            ("schedule", LRScheduler(StepLR, step_size=1, gamma=0.5)),
            ("calls", RecordsCalls()),
            ("auc", EpochScoring("roc_auc", on_train=True, lower_is_better=False)),
        ],
    )
    return ManagedTrainer(net, random_state=0)


def fed(trainer, *, pickled=False):
    for start in range(0, 240, 80):
        trainer.partial_fit(X[start : start + 80], Y[start : start + 80])
        if pickled:
            trainer = pickle.loads(pickle.dumps(trainer))
    return trainer


@pytest.mark.parametrize("pickled", [False, True])
def test_training_begins_once_and_schedules_continue(pickled):
    net = fed(scheduled(), pickled=pickled).model_
    assert dict(net.callbacks_)["calls"].calls_ == ["begin", "epoch", "epoch", "epoch"]
    assert net.history[:, "event_lr"] == [0.5, 0.25, 0.125]
    assert net.optimizer_.param_groups[0]["lr"] == 0.0625


def test_schedule_continues_after_pickled_fit():
    trainer = pickle.loads(pickle.dumps(scheduled().fit(X, Y)))
    net = trainer.partial_fit(X, Y).model_
    assert net.history[:, "event_lr"] == [0.5, 0.25, 0.125]
    assert net.optimizer_.param_groups[0]["lr"] == 0.0625


def test_pickling_between_chunks_changes_nothing():
    one, other = fed(scheduled()), fed(scheduled(), pickled=True)
    assert bit_identical(one.predict_proba(X), other.predict_proba(X))


def test_optimizer_state_advances_with_each_batch():
    trainer = ManagedTrainer(SmallNet, task="classification", random_state=0)
    state = fed(trainer).model_.optimizer_.state_dict()["state"]
    batches = 3 * -(-80 // 32)
    assert {int(value["step"]) for value in state.values()} == {batches}


def test_history_has_loss_of_each_chunk():
    quick = ManagedTrainer(SmallNet, task="classification", random_state=0)
    trainer = fed(quick.set_params(estimator__lr=0.05))
    assert list(trainer.history_["iteration"]) == [1, 2, 3]
    assert trainer.history_["value"].iloc[-1] < trainer.history_["value"].iloc[0]


def test_number_of_outputs_equals_number_of_named_classes():
    trainer = ManagedTrainer(SmallNet, random_state=0)
    trainer.partial_fit(X, Y, classes=["c0", "c1", "c2", "c3"])
    assert trainer.predict_proba(X).shape == (240, 4)
    trainer.partial_fit(X, Y.replace("c1", "c3"))
    assert trainer.n_iter_ == 2


def test_module_with_too_few_outputs_raises():
    trainer = ManagedTrainer(ProbabilityNet, task="classification", random_state=0)
    with pytest.raises(ParameterError, match="at least 6 outputs"):
        trainer.partial_fit(X, Y, classes=[f"c{code}" for code in range(6)])
    assert not trainer.__sklearn_is_fitted__()


def test_images_can_be_fitted_in_chunks():
    images, digits = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.float32)
    trainer = ManagedTrainer(ImageNet, task="classification", random_state=0)
    for _ in range(3):
        for start in range(0, len(images), 600):
            rows = slice(start, start + 600)
            trainer.partial_fit(images[rows], digits[rows])
    assert trainer.score(images, digits) > 0.8

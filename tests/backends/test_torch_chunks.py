"""Networks fitted chunk by chunk: optimizers, schedules and callbacks go on."""

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
from sktrainer.testing import mixed_table, same_bits
from tests.networks import ImageNet, ProbabilityNet, SmallNet

X, Y = mixed_table(240, "classification")


class Told(Callback):
    """Notes what it is told of."""

    def initialize(self):
        self.told_ = []
        return self

    def on_train_begin(self, net, **options):
        self.told_.append("begin")

    def on_train_end(self, net, **options):
        self.told_.append("end")

    def on_epoch_end(self, net, **options):
        self.told_.append("epoch")


def scheduled():
    net = NeuralNetClassifier(
        ProbabilityNet,
        lr=0.5,
        optimizer=torch.optim.Adam,
        max_epochs=2,
        iterator_train__shuffle=True,
        callbacks=[
            ("schedule", LRScheduler(StepLR, step_size=1, gamma=0.5)),
            ("told", Told()),
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
def test_callbacks_are_told_once_and_schedules_run_on(pickled):
    net = fed(scheduled(), pickled=pickled).model_
    assert dict(net.callbacks_)["told"].told_ == ["begin", "epoch", "epoch", "epoch"]
    assert net.history[:, "event_lr"] == [0.5, 0.25, 0.125]
    assert net.optimizer_.param_groups[0]["lr"] == 0.0625


def test_a_schedule_runs_on_after_a_fit_that_was_pickled():
    trainer = pickle.loads(pickle.dumps(scheduled().fit(X, Y)))
    net = trainer.partial_fit(X, Y).model_
    assert net.history[:, "event_lr"] == [0.5, 0.25, 0.125]
    assert net.optimizer_.param_groups[0]["lr"] == 0.0625


def test_a_pickle_between_chunks_gives_the_same_bits():
    one, other = fed(scheduled()), fed(scheduled(), pickled=True)
    assert same_bits(one.predict_proba(X), other.predict_proba(X))


def test_an_epoch_moves_what_the_optimizer_remembers():
    trainer = ManagedTrainer(SmallNet, task="classification", random_state=0)
    state = fed(trainer).model_.optimizer_.state_dict()["state"]
    batches = 3 * -(-80 // 32)
    assert {int(value["step"]) for value in state.values()} == {batches}


def test_the_history_has_the_loss_of_each_chunk():
    quick = ManagedTrainer(SmallNet, task="classification", random_state=0)
    trainer = fed(quick.set_params(estimator__lr=0.05))
    assert list(trainer.history_["iteration"]) == [1, 2, 3]
    assert trainer.history_["value"].iloc[-1] < trainer.history_["value"].iloc[0]


def test_outputs_are_as_many_as_the_classes_that_were_named():
    trainer = ManagedTrainer(SmallNet, random_state=0)
    trainer.partial_fit(X, Y, classes=["c0", "c1", "c2", "c3"])
    assert trainer.predict_proba(X).shape == (240, 4)
    trainer.partial_fit(X, Y.replace("c1", "c3"))
    assert trainer.n_iter_ == 2


def test_a_module_that_is_too_narrow_is_refused():
    trainer = ManagedTrainer(ProbabilityNet, task="classification", random_state=0)
    with pytest.raises(ParameterError, match="at least 6 outputs"):
        trainer.partial_fit(X, Y, classes=[f"c{code}" for code in range(6)])
    assert not trainer.__sklearn_is_fitted__()


def test_images_come_in_chunks_too():
    images, digits = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.float32)
    trainer = ManagedTrainer(ImageNet, task="classification", random_state=0)
    for _ in range(3):
        for start in range(0, len(images), 600):
            rows = slice(start, start + 600)
            trainer.partial_fit(images[rows], digits[rows])
    assert trainer.score(images, digits) > 0.8

"""When checkpoints are written."""

from __future__ import annotations

import pytest

from sktrainer import (
    Checkpoint,
    ParameterError,
)
from sktrainer.checkpoints.schedule import resolve_schedule
from tests.checkpoints.fits import X, states, trainer, y


@pytest.mark.parametrize(
    ("checkpoint", "named"),
    [
        (5, "checkpoint must be None, a folder"),
        (Checkpoint("a", every=0), "every of Checkpoint('a') must be None or an integer"),
        (Checkpoint("a", seconds=-1), "seconds of Checkpoint('a') must be"),
        (Checkpoint("a", keep=0), "keep of Checkpoint('a') must be"),
        (Checkpoint(""), "folder of Checkpoint('') must be a path"),
    ],
)
def test_invalid_checkpoint_parameters_raise(checkpoint, named, tmp_path):
    with pytest.raises(ParameterError) as caught:
        trainer(tmp_path, checkpoint=checkpoint).fit(X, y)
    assert named in str(caught.value)


def test_default_schedule_depends_on_segments():
    plain = Checkpoint("a")
    assert (
        resolve_schedule(plain, segmented_training=True).every,
        resolve_schedule(plain, segmented_training=True).seconds,
    ) == (50, None)
    assert resolve_schedule(plain, segmented_training=False).seconds == 30.0
    assert resolve_schedule(Checkpoint("a", every=9), segmented_training=False).every == 9
    assert resolve_schedule(Checkpoint("a", seconds=5), segmented_training=True).every == 50


def test_minimum_time_between_checkpoints_is_respected(tmp_path):
    rare = Checkpoint(tmp_path / "rare", every=2, seconds=1_000)
    trainer(tmp_path, checkpoint=rare).fit(X, y)
    assert len(states(tmp_path / "rare")) == 1  # only the finished fit

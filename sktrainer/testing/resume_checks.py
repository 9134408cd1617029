"""Contract check that a killed fit resumes to a bit-identical model."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd

from sktrainer.checkpoints.schedule import Checkpoint
from sktrainer.checkpoints.state_files import StateFiles
from sktrainer.testing.cases import Case, bit_identical, model_outputs


def check_resume_is_bit_identical(case: Case) -> None:
    """Check that a fit killed after several checkpoints gives the same model and history."""
    X, y = case.table()
    with tempfile.TemporaryDirectory() as folder:
        whole = case.trainer(checkpoint=Checkpoint(Path(folder, "whole"), every=7)).fit(X, y)
        trainer = case.trainer(checkpoint=Checkpoint(Path(folder, "killed"), every=7))
        for _ in range(3):
            with killed_after_checkpoint(), suppress(SimulatedKill):
                trainer.fit(X, y)
        resumed = trainer.fit(X, y)
        finished = trainer.fit(X, y)
    for name, other in {"resumed": resumed, "loaded": finished}.items():
        assert bit_identical(
            model_outputs(whole, case.probe()), model_outputs(other, case.probe())
        ), f"a fit that was {name} from its checkpoint gives other predictions"
        for attribute in ("n_iter_", "best_iteration_", "stop_reason_"):
            assert getattr(whole, attribute) == getattr(other, attribute), attribute
        history = other.history_.drop(columns="seconds")
        pd.testing.assert_frame_equal(
            whole.history_.drop(columns="seconds"), history, check_exact=True
        )


class SimulatedKill(BaseException):
    """Simulated SIGKILL. A BaseException, so that `except Exception` does not catch it."""


@contextmanager
def killed_after_checkpoint() -> Iterator[None]:
    """Raise SimulatedKill after the next checkpoint that is written."""
    write = StateFiles.write

    def write_then_die(self: StateFiles, number: int, members: Mapping[str, bytes]) -> None:
        write(self, number, members)
        raise SimulatedKill

    StateFiles.write = write_then_die  # type: ignore[method-assign]
    try:
        yield
    finally:
        StateFiles.write = write  # type: ignore[method-assign]

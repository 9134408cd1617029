from __future__ import annotations

import subprocess
import sys

import pytest

from sktrainer import ManagedTrainer, ParameterError
from sktrainer.tracking import JsonlTracker, MlflowTracker, WandbTracker
from tests.stubs import NeverFitted
from tests.tables import two_class_table

X, Y = two_class_table()


@pytest.mark.parametrize(
    ("trackers", "message"),
    [
        (["mlfow"], "trackers\\[0\\] must be 'jsonl', .* Did you mean 'mlflow'"),
        ("mlflow", r"must be a list of .* got 'mlflow'. Write \['mlflow'\]"),
        ([MlflowTracker], r"trackers\[0\] must be .* got <class"),
        (["jsonl", JsonlTracker("runs")], "trackers has 'jsonl' twice"),
        ([MlflowTracker(timeout=-1)], "timeout must be a number of at least 0, got -1"),
        ([MlflowTracker(experiment=3)], "experiment must be a string or None, got 3"),
        (
            [MlflowTracker("https://ana:secret@example.org/")],
            "tracking_uri must not contain a password.*trackers\\[0\\]$",
        ),
        ([WandbTracker(module="wanbd")], "module must be 'wandb' or 'trackio'"),
        ([JsonlTracker(folder="")], "folder must be a path"),
    ],
)
def test_wrong_trackers_are_refused_before_training(trackers, message):
    with pytest.raises(ParameterError, match=message):
        ManagedTrainer(NeverFitted(), trackers=trackers).fit(X, Y)


def test_missing_package_names_the_extra(tmp_path):
    code = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("mlflow", "trackio"):
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Hidden())
from sktrainer.tracking import JsonlTracker, MlflowTracker, WandbTracker
from sktrainer.tracking.registry import tracker_instances
for tracker in (MlflowTracker(), WandbTracker(module="trackio")):
    try:
        tracker_instances([tracker])
    except ImportError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert "mlflow is required but not installed. Install it with: pip install" in done.stdout
    assert '"sktrainer[tracking]"' in done.stdout
    assert '"sktrainer[trackio]"' in done.stdout

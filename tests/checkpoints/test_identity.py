"""Changes that a checkpoint refuses, and changes that it allows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import (
    CheckpointMismatchError,
)
from sktrainer.testing import bit_identical, model_outputs
from tests.checkpoints.fits import PROBE, X, trainer, y


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"n_iter_no_change": 7}, "n_iter_no_change: was null, is now 7"),
        (
            {"model": HistGradientBoostingClassifier(max_iter=21)},
            "estimator__max_iter: was 20, is now 21",
        ),
        ({"model": RandomForestClassifier()}, "estimator: was sklearn"),
        ({"random_state": 1}, "random_state: was 0, is now 1"),
        ({"every": 6}, "every: was 5, is now 6"),
        ({"scoring": "accuracy"}, "scoring: was null, is now accuracy"),
    ],
)
def test_changed_parameter_raises_and_is_named(change, named, tmp_path):
    trainer(tmp_path).fit(X, y)
    with pytest.raises(CheckpointMismatchError) as caught:
        trainer(tmp_path, **change).fit(X, y)
    assert named in str(caught.value)
    assert "to start over" in str(caught.value)


def test_only_changed_pipeline_parameters_are_named(tmp_path):
    def pipeline(C, with_mean):
        scale = StandardScaler(with_mean=with_mean)
        return make_pipeline(scale, LogisticRegression(C=C, n_jobs=None))

    numbers = X[["signal", "count"]]
    trainer(tmp_path, pipeline(1.0, True)).fit(numbers, y)
    with pytest.raises(CheckpointMismatchError) as caught:
        trainer(tmp_path, pipeline(2.0, False)).fit(numbers, y)
    named = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    assert named == [
        "  - estimator__logisticregression__C: was 1.0, is now 2.0",
        "  - estimator__standardscaler__with_mean: was true, is now false",
    ]


def test_changed_data_raises_and_is_named(tmp_path):
    trainer(tmp_path).fit(X, y)
    other = X.copy()
    other.loc[3, "signal"] += 1e-9
    with pytest.raises(CheckpointMismatchError, match="X differs"):
        trainer(tmp_path).fit(other, y)
    with pytest.raises(CheckpointMismatchError, match="y differs"):
        trainer(tmp_path).fit(X, np.roll(y, 1))
    with pytest.raises(CheckpointMismatchError, match="sample_weight differs"):
        trainer(tmp_path).fit(X, y, sample_weight=np.ones(len(y)))


def test_changed_library_version_raises_and_is_named(tmp_path):
    trainer(tmp_path).fit(X, y)
    run = json.loads((tmp_path / "run.json").read_text())
    run["versions"]["sklearn"] = "0.1"
    (tmp_path / "run.json").write_text(json.dumps(run))
    with pytest.raises(CheckpointMismatchError, match="the version of sklearn: was 0.1"):
        trainer(tmp_path).fit(X, y)


@pytest.mark.parametrize("change", [{"n_jobs": 2}, {"verbose": 0}, {"keep": 5}])
def test_parameters_without_effect_on_the_model_may_change(change, tmp_path):
    first = trainer(tmp_path).fit(X, y)
    again = trainer(tmp_path, **change).fit(X, y)
    assert bit_identical(model_outputs(first, PROBE), model_outputs(again, PROBE))


class UnseededKFold(KFold):
    """Splitter with other folds in each call, like `KFold(shuffle=True)` without a seed."""

    def split(self, X, y=None, groups=None):
        yield from KFold(3, shuffle=True, random_state=next(self.draws)).split(X, y)

    draws = iter(range(100))


def test_splitter_without_random_state_raises(tmp_path):
    trainer(tmp_path, cv=UnseededKFold(3)).fit(X, y)
    with pytest.raises(CheckpointMismatchError, match="set random_state on the splitter"):
        trainer(tmp_path, cv=UnseededKFold(3)).fit(X, y)

from __future__ import annotations

import json
from functools import partial

import numpy as np
from sklearn.linear_model import Ridge

from sktrainer import ManagedTrainer
from sktrainer.serving.run_artifacts import model_inputs, write_artifacts
from sktrainer.testing.cases import mixed_table
from sktrainer.tracking import MlflowTracker

X, Y = mixed_table(200, "regression")


def test_configuration_repeats_the_fit_and_has_no_password(tmp_path):
    uri = "http://me:hunter2@127.0.0.1:1"
    trainer = ManagedTrainer(Ridge(alpha=0.5), random_state=4).fit(X, Y)
    trainer.set_params(trackers=[MlflowTracker(uri)])
    write_artifacts(trainer, X, tmp_path, complete=False)
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert set(files) == {"config.yaml", "report.json", "reproduce.py"}
    assert "hunter2" not in "".join(files.values())
    again = ManagedTrainer.from_config(tmp_path / "config.yaml").fit(X, Y)
    assert np.array_equal(again.predict(X), trainer.predict(X))


def test_parameters_that_yaml_cannot_express_are_in_the_code(tmp_path):
    trainer = ManagedTrainer(Ridge(), scoring={"own": lambda model, X, y: 1.0}).fit(X, Y)
    write_artifacts(trainer, X, tmp_path, complete=False)
    assert not (tmp_path / "config.yaml").exists()
    assert "scoring" in (tmp_path / "reproduce.py").read_text()


def test_complete_artifacts_have_report_and_model(tmp_path):
    trainer = ManagedTrainer(Ridge(), random_state=0).fit(X, Y)
    write = partial(write_artifacts, trainer, X)
    write(tmp_path / "artifacts", True)
    inputs = json.loads((tmp_path / "artifacts" / "model_inputs.json").read_text())
    assert inputs["needs_trust"] == []
    assert f"sktrainer=={trainer.report_.versions['sktrainer']}" in inputs["requirements"]
    assert (tmp_path / "artifacts" / "report.html").exists()
    loaded = ManagedTrainer.load(tmp_path / "artifacts" / "model.skt")
    assert np.array_equal(loaded.predict(X), trainer.predict(X))


def test_arrays_are_described_by_their_shape():
    rows = X[["signal", "count"]].to_numpy()
    trainer = ManagedTrainer(Ridge(), random_state=0).fit(rows, Y)
    inputs = model_inputs(trainer, rows)
    assert (inputs["columns"], inputs["shape"], inputs["dtype"]) == (None, [2], "float64")

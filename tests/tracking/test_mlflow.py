from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.model_selection import GridSearchCV

from sktrainer import Callback, ManagedTrainer, TrackingWarning, testing
from sktrainer.testing.cases import mixed_table
from sktrainer.tracking import JsonlTracker, MlflowTracker, replay
from sktrainer.tracking.mlflow import MlflowClientTracker
from tests.tracking.servers import MlflowServer, wait_for

pytestmark = pytest.mark.slow
X, Y = mixed_table(300, "classification")
ROUNDS = 40


@pytest.fixture(scope="module")
def client(mlflow_server):
    with testing_environment(mlflow_server):
        import mlflow

        yield mlflow.MlflowClient(mlflow_server.url)


class testing_environment:
    """Import mlflow without its warnings, and restore what the import changes."""

    def __init__(self, server: MlflowServer) -> None:
        self.server = server

    def __enter__(self) -> None:
        self.environment = dict(os.environ)
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import mlflow.pyfunc

            mlflow.set_tracking_uri(self.server.url)

    def __exit__(self, *exception: object) -> None:
        os.environ.clear()
        os.environ.update(self.environment)


def trainer_with(server: MlflowServer, folder, experiment: str, **parameters) -> ManagedTrainer:
    tracker = MlflowTracker(server.url, experiment=experiment, timeout=120)
    model = LGBMClassifier(n_estimators=ROUNDS)
    return ManagedTrainer(
        model,
        **{"validation_size": 60, "random_state": 0, **parameters},
        trackers=[tracker, JsonlTracker(folder)],
    )


def run_id_of(trainer: ManagedTrainer) -> str:
    return str(json.loads((trainer.run_path_ / "mlflow.sent.json").read_text())["run_id"])


def steps(client, run_id: str) -> list[int]:
    history = client.get_metric_history(run_id, "validation/loss")
    return [metric.step for metric in history]


def children(client, run_id: str) -> dict:
    experiment = client.get_run(run_id).info.experiment_id
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
    return {run.info.run_id: run for run in found}


@pytest.fixture(scope="module")
def tracked(mlflow_server, client, tmp_path_factory):
    """A fit with two folds."""
    trainer = trainer_with(mlflow_server, tmp_path_factory.mktemp("runs"), "folds", cv=2)
    return trainer.fit(X, Y)


def test_fit_is_a_run_with_nested_folds(client, tracked):
    run = client.get_run(run_id_of(tracked))
    assert run.info.status == "FINISHED"
    assert run.data.params["estimator__n_estimators"] == str(ROUNDS)
    assert run.data.tags["sktrainer.seed"] == "0"
    assert run.data.tags["sktrainer.fingerprint"] == tracked.fingerprint_["digest"]
    assert steps(client, run.info.run_id) == list(range(1, ROUNDS + 1))
    folds = children(client, run.info.run_id)
    assert sorted(fold.info.run_name for fold in folds.values()) == ["fold 1", "fold 2"]
    for fold in folds.values():
        assert steps(client, fold.info.run_id) == list(range(1, ROUNDS + 1))
        assert fold.info.status == "FINISHED"
        assert fold.data.metrics["scores/test/accuracy"] > 0.5


def test_artifacts_are_logged(client, tracked):
    names = [file.path for file in client.list_artifacts(run_id_of(tracked))]
    assert {"config.yaml", "report.html", "report.json", "reproduce.py"} <= set(names)


@pytest.fixture(scope="module")
def served(client, tracked):
    import mlflow

    (output,) = client.get_run(run_id_of(tracked)).outputs.model_outputs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mlflow.pyfunc.load_model(f"models:/{output.model_id}")


@pytest.mark.filterwarnings("ignore")
def test_logged_model_predicts_like_the_trainer(served, tracked):
    from_json = json.loads(X.to_json(orient="split", date_format="iso", double_precision=15))
    missing = pd.DataFrame(from_json["data"], columns=from_json["columns"])
    missing = missing[X["size"].isna().to_numpy()].iloc[:1].astype({"size": object})
    assert (served.predict(missing) == tracked.predict(X.loc[missing.index])).all()
    tables = [
        X,
        X.assign(color=X["color"].astype("category")),
        X[X.columns[::-1]],
        X.iloc[:1],
        pd.DataFrame(from_json["data"], columns=from_json["columns"]),
    ]
    for table in tables:
        assert (served.predict(table) == tracked.predict(X.iloc[: len(table)])).all()
        probabilities = served.predict(table, params={"method": "predict_proba"})
        expected = tracked.predict_proba(X.iloc[: len(table)])
        assert testing.cases.bit_identical(probabilities.to_numpy(), expected)
        assert list(probabilities.columns) == list(tracked.classes_)


def test_logged_model_has_a_signature_and_no_example(served):
    signature = served.metadata.signature
    assert signature.inputs.input_names() == list(X.columns)
    assert served.metadata.saved_input_example_info is None


def test_fits_of_a_search_are_nested(mlflow_server, client, tmp_path):
    trainer = trainer_with(mlflow_server, tmp_path, "search")
    GridSearchCV(trainer, {"estimator__num_leaves": [4, 8]}, cv=2, n_jobs=2).fit(X, Y)
    experiment = wait_until(lambda: client.get_experiment_by_name("search"))

    def finished():
        runs = client.search_runs([experiment.experiment_id])
        parents = [run for run in runs if run.data.tags["sktrainer.kind"] == "search"]
        fits = [] if not parents else children(client, parents[0].info.run_id).values()
        done = [fit for fit in fits if fit.info.status == "FINISHED"]
        return (parents, done) if len(done) == 5 else None  # 4 fits and the refit

    parents, fits = wait_until(finished)
    assert len(parents) == 1
    leaves = [fit.data.params["estimator__num_leaves"] for fit in fits]
    assert min(leaves.count("4"), leaves.count("8")) == 2


def test_fit_is_nested_in_the_active_run(mlflow_server, client, tmp_path):
    import mlflow

    with mlflow.start_run() as outer:
        trainer = ManagedTrainer(
            LGBMClassifier(n_estimators=5),
            validation_size=60,
            trackers=[MlflowTracker(timeout=120, log_model=False), JsonlTracker(tmp_path)],
        ).fit(X, Y)
    assert list(children(client, outer.info.run_id)) == [run_id_of(trainer)]


class KillsServer(Callback):
    """Callback that kills the server in the middle of the fit, after it has received a part."""

    def __init__(self, server: MlflowServer, folder) -> None:
        self.server = server
        self.folder = folder

    def on_iteration(self, event):
        if event.iteration == ROUNDS // 2:
            (run,) = self.folder.iterdir()
            state = run / "mlflow.sent.json"
            wait_until(lambda: state.exists() and json.loads(state.read_text()).get("offset"))
            self.server.kill()

    def __deepcopy__(self, memo: object) -> KillsServer:
        return self


def wait_until(condition, seconds: float = 120.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return value


def test_nothing_is_lost_if_the_server_is_killed(mlflow_server, client, tmp_path):
    trainer = trainer_with(mlflow_server, tmp_path, "killed")
    plain = trainer_with(mlflow_server, tmp_path, "killed").set_params(trackers=()).fit(X, Y)
    trainer.set_params(callbacks=[KillsServer(mlflow_server, tmp_path)])
    with pytest.warns(TrackingWarning, match="'mlflow' has not received") as caught:
        trainer.fit(X, Y)
    assert len([w for w in caught if w.category is TrackingWarning]) == 1
    assert testing.cases.bit_identical(trainer.predict_proba(X), plain.predict_proba(X))
    mlflow_server.start()
    tracker = MlflowTracker(mlflow_server.url, experiment="killed")
    run_id = replay(trainer.run_path_, tracker)
    assert steps(client, run_id) == list(range(1, ROUNDS + 1))
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["scores/validation/accuracy"] == pytest.approx(
        trainer.scores_.loc["validation", "accuracy"]
    )
    assert replay(trainer.run_path_, tracker) == run_id
    assert len(client.search_runs([run.info.experiment_id])) == 1


@pytest.mark.long
def test_served_model_answers_like_the_trainer(mlflow_server, client, tracked, tmp_path):
    (output,) = client.get_run(run_id_of(tracked)).outputs.model_outputs
    port = MlflowServer(tmp_path).port
    program = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": mlflow_server.url,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = [*program, "-m", f"models:/{output.model_id}", "-p", str(port)]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/ping")
        rows = json.loads(X.to_json(orient="split", date_format="iso", double_precision=15))
        body = {"dataframe_split": rows, "params": {"method": "predict_proba"}}
        headers = {"Content-Type": "application/json"}
        request = Request(f"{url}/invocations", json.dumps(body).encode(), headers)
        with urlopen(request) as answer:
            predicted = pd.DataFrame(json.load(answer)["predictions"])
        assert np.array_equal(predicted.to_numpy(), tracked.predict_proba(X))
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def test_long_values_and_names_are_accepted(client, mlflow_server):
    from sktrainer.tracking import MetricRow, RunInfo

    with testing_environment(mlflow_server):
        tracker = MlflowClientTracker(MlflowTracker(mlflow_server.url, experiment="names"))
        run_id = tracker.start_run(RunInfo("a-run", "Ridge", tags={"long": "x" * 9_000}))
        assert tracker.start_run(RunInfo("a-run", "Ridge")) == run_id
        tracker.log_params(run_id, {f"p{i}": "x" * 9_000 for i in range(150)})
        row = MetricRow(1, 1.0, {"train/f1 ('bad')": float("nan"), "b": 1e308})
        tracker.log_metrics(run_id, [row] * 3)
        tracker.end_run(run_id, "interrupted", 2.0)
    run = client.get_run(run_id)
    assert run.info.status == "KILLED"
    assert run.info.end_time == 2_000
    assert len(run.data.params) == 150
    assert set(run.data.metrics) == {"b", "train/f1 _bad_"}

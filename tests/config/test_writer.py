"""Configurations of trainers: what is written, what is refused, and the way back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import Checkpoint, InputError, ManagedTrainer, ParameterError
from sktrainer.config.document import parse_document
from sktrainer.config.writer import to_yaml, trainer_config, write_yaml
from sktrainer.tracking import JsonlTracker, MlflowTracker

TRAINERS = {
    "defaults": ManagedTrainer(Ridge()),
    "model parameters": ManagedTrainer(
        HistGradientBoostingClassifier(max_iter=7, l2_regularization=0.5)
    ),
    "tuple": ManagedTrainer(MLPClassifier(hidden_layer_sizes=(5, 3))),
    "NumPy numbers": ManagedTrainer(Ridge(alpha=np.float64(0.5)), cv=np.int64(3)),
    "every kind of value": ManagedTrainer(
        LogisticRegression(),
        task="classification",
        preprocessor=None,
        scaling=False,
        handle_imbalance="smote",
        pos_label="1e3",
        split="time",
        time_column="2020-01-01",
        gap="7D",
        test_size=10,
        validation_size="cv",
        cv=4,
        scoring=["f1", "roc_auc"],
        n_iter_no_change=5,
        tol=1e-6,
        audit={"ignore": ["SKT101"]},
        random_state=0,
        n_jobs=-1,
        checkpoint=Checkpoint("runs/a", every=5),
        device="cuda:1",
        verbose=2,
    ),
    "other scorers": ManagedTrainer(Ridge(), scoring={"error": "neg_root_mean_squared_error"}),
}


@pytest.mark.parametrize("name", TRAINERS)
def test_trainer_is_restored_from_its_configuration(
    name: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trainer = TRAINERS[name]
    config = trainer.to_config()
    write_yaml(tmp_path / "run.yaml", config)
    for restored in (
        ManagedTrainer.from_config(config),
        ManagedTrainer.from_config(tmp_path / "run.yaml"),
    ):
        expected = {**trainer.get_params(), "estimator": None}
        if isinstance(expected["checkpoint"], Checkpoint):
            expected["checkpoint"] = Checkpoint(str(tmp_path / "runs/a"), every=5)
        assert {**restored.get_params(), "estimator": None} == expected
        assert type(restored.estimator) is type(trainer.estimator)


@pytest.mark.parametrize(
    ("trainer", "names"),
    [
        (ManagedTrainer(Ridge(), cv=KFold(3), split=KFold(2)), ["split", "cv"]),
        (ManagedTrainer(Ridge(), preprocessor=StandardScaler()), ["preprocessor"]),
        (ManagedTrainer(Ridge(), scoring=max), ["scoring"]),
        (ManagedTrainer(Ridge(), random_state=np.random.RandomState(0)), ["random_state"]),
        (ManagedTrainer(VotingClassifier([("a", LogisticRegression())])), ["model.estimators"]),
        (ManagedTrainer(make_pipeline(StandardScaler(), Ridge())), ["model.steps"]),
    ],
)
def test_values_that_a_file_cannot_hold_are_listed(
    trainer: ManagedTrainer, names: list[str]
) -> None:
    with pytest.raises(ParameterError) as error:
        trainer.to_config()
    assert [problem.partition("=")[0] for problem in error.value.problems] == names
    assert "save the fitted trainer with save()" in str(error.value)


def test_class_of_a_function_is_refused() -> None:
    class Local(Ridge):
        pass

    with pytest.raises(ParameterError, match="cannot be imported by its name"):
        ManagedTrainer(Local()).to_config()


def test_duration_is_written_in_seconds() -> None:
    config = trainer_config(ManagedTrainer(Ridge(), gap=timedelta(days=7)))
    assert config["gap"] == "604800s"
    assert ManagedTrainer.from_config(config).gap == "604800s"


def test_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    write_yaml(path, {"test_size": 0.2})
    write_yaml(path, {"cv": 3})
    assert path.read_text() == "cv: 3\n"
    assert [*tmp_path.iterdir()] == [path]


def test_order_of_keys_is_kept() -> None:
    assert [*parse_document(to_yaml({"b": 1, "a": 2})).values] == ["b", "a"]


def test_settings_of_trackers_are_written_and_read():
    trackers = ["wandb", JsonlTracker("a"), MlflowTracker("http://127.0.0.1:1", timeout=5.0)]
    trainer = ManagedTrainer(Ridge(), trackers=trackers)
    written = trainer.to_config()["trackers"]
    assert written[2] == {
        "name": "mlflow",
        "tracking_uri": "http://127.0.0.1:1",
        "timeout": 5.0,
    }
    again = ManagedTrainer.from_config(trainer.to_config()).trackers
    assert again[::2] == trackers[::2]
    assert again[1] == JsonlTracker(str(Path.cwd() / "a"))


def test_mistakes_in_settings_of_trackers_are_reported_together():
    trackers = [{"name": "mlflow", "uri": "x"}, {"nme": "wandb"}, "mlfow"]
    with pytest.raises(InputError) as caught:
        ManagedTrainer.from_config(
            {"model": "linear", "task": "regression", "trackers": trackers}
        )
    text = str(caught.value)
    assert "unknown key 'uri' in trackers" in text
    assert "trackers needs the key name in each section" in text
    assert "Did you mean 'mlflow'?" in text

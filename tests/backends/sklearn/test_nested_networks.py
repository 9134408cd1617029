"""Networks inside models of scikit-learn are trained one at a time, with seeded generators."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import Checkpoint, ManagedTrainer

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from tests.networks import SmallNet  # noqa: E402

X, Y = make_classification(240, 6, random_state=0)
X = X.astype(np.float32)


def net():
    return skorch.NeuralNetClassifier(
        SmallNet,
        module__n_outputs=2,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=3,
        train_split=None,
        verbose=0,
    )


ENSEMBLES = {
    "bagging": lambda n_jobs: BaggingClassifier(net(), n_estimators=3, n_jobs=n_jobs),
    "voting": lambda n_jobs: VotingClassifier(
        [("a", net()), ("b", net())], voting="soft", n_jobs=n_jobs
    ),
    "stacking": lambda n_jobs: StackingClassifier(
        [("a", make_pipeline(StandardScaler(), net())), ("b", net())], cv=2, n_jobs=n_jobs
    ),
}


def fit(model, **params):
    return ManagedTrainer(model, random_state=0, **params).fit(X, Y)


@pytest.mark.parametrize("name", ENSEMBLES)
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_parallel_fit_equals_serial_fit(name, backend):
    serial = fit(ENSEMBLES[name](None))
    with parallel_config(backend):
        parallel = fit(ENSEMBLES[name](2))
        assert np.array_equal(serial.predict_proba(X), parallel.predict_proba(X))
    assert any("n_jobs=2 of" in note for note in parallel.report_.notes)
    assert not any("n_jobs" in note for note in serial.report_.notes)


def test_folds_in_threads_equal_folds_one_by_one():
    alone, threads = (fit(ENSEMBLES["voting"](2), cv=2, n_jobs=n) for n in (1, 2))
    assert np.array_equal(alone.oof_predictions_, threads.oof_predictions_)
    assert np.array_equal(alone.predict_proba(X), threads.predict_proba(X))


def test_ensemble_of_networks_with_a_checkpoint_equals_one_without(tmp_path):
    checkpoint = Checkpoint(tmp_path, every=1)
    resumable = fit(ENSEMBLES["bagging"](None), checkpoint=checkpoint)
    assert np.array_equal(
        resumable.predict_proba(X), fit(ENSEMBLES["bagging"](None)).predict_proba(X)
    )


def test_keras_members_are_reproducible():
    pytest.importorskip("scikeras")
    from tests.keras_networks import scikeras_classifier

    def model(n_jobs):
        member = scikeras_classifier(epochs=2, verbose=0)
        return BaggingClassifier(member, n_estimators=2, n_jobs=n_jobs)

    with parallel_config("threading"):
        serial, parallel = fit(model(None)), fit(model(2))
    assert np.array_equal(serial.predict_proba(X), parallel.predict_proba(X))

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sktrainer import InputError, ManagedTrainer, UntrustedFileError
from sktrainer.serving.mlflow_model import ServedModel, _load_pyfunc
from tests.tables import two_class_table
from tests.user_code import OwnRidge

X, Y = two_class_table()


@pytest.fixture(scope="module")
def trainer():
    return ManagedTrainer(LogisticRegression(), audit=False, random_state=0).fit(X, Y)


def test_method_is_chosen_by_a_parameter(trainer):
    model = ServedModel(trainer)
    assert (model.predict(X) == trainer.predict(X)).all()
    probabilities = model.predict(X, {"method": "predict_proba"})
    assert np.array_equal(probabilities.to_numpy(), trainer.predict_proba(X))
    assert (model.predict(X, {"method": "decision_function"}).shape) == (len(X),)


def test_unknown_method_is_refused(trainer):
    with pytest.raises(InputError, match="Did you mean 'predict_proba'"):
        ServedModel(trainer).predict(X, {"method": "predict_probs"})


def test_model_is_loaded_from_a_file_or_its_folder(trainer, tmp_path):
    path = trainer.save(tmp_path / "model.skt")
    for each in (path, tmp_path):
        assert (_load_pyfunc(str(each)).predict(X) == trainer.predict(X)).all()


def test_file_cannot_ask_for_trust(tmp_path):
    model = ManagedTrainer(OwnRidge(), task="regression", audit=False)
    path = model.fit(X, np.linspace(0.0, 1.0, len(X))).save(tmp_path / "model.skt")
    with pytest.raises(UntrustedFileError, match="OwnRidge"):
        _load_pyfunc(str(path))


def test_frame_of_an_array_is_accepted():
    rows = X.select_dtypes("number").fillna(0)
    trainer = ManagedTrainer(LogisticRegression(), audit=False).fit(rows.to_numpy(), Y)
    predicted = ServedModel(trainer).predict(rows)
    assert (predicted == trainer.predict(rows.to_numpy())).all()

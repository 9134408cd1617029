"""A file of every format version that was ever released is kept, and loads."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import InconsistentVersionWarning

from sktrainer import load
from sktrainer.storage.manifest import FORMAT_VERSION
from sktrainer.testing import mixed_table

FILES = sorted((Path(__file__).parent / "data").glob("*.skt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_old_file_loads_and_predicts_as_it_did(path):
    expected = np.array(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    task = "regression" if expected.ndim == 1 else "classification"
    X, _ = mixed_table(60, task)
    with warnings.catch_warnings():
        # scikit-learn's word on its own versions, once there is a newer one than then.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        trainer = load(path)
    found = trainer.predict(X) if task == "regression" else trainer.predict_proba(X)
    # To the bit with the libraries that wrote it; a later one may round otherwise.
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert str(trainer.report_)


def test_there_is_a_file_of_every_version():
    found = {int(path.stem.rpartition("_v")[2]) for path in FILES}
    assert found == set(range(1, FORMAT_VERSION + 1))

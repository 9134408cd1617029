"""Tests that one stored file per released format version still loads."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import InconsistentVersionWarning

from sktrainer import load
from sktrainer.serialization.manifest import FORMAT_VERSION
from sktrainer.testing import mixed_table

FILES = sorted((Path(__file__).parent / "data").glob("*.skt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_old_file_loads_and_predicts_unchanged(path):
    expected = np.array(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    task = "regression" if expected.ndim == 1 else "classification"
    X, _ = mixed_table(60, task)
    with warnings.catch_warnings():
        # The installed scikit-learn may be newer than the one that wrote the file.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        trainer = load(path)
    found = trainer.predict(X) if task == "regression" else trainer.predict_proba(X)
    # Bit-identical only with the libraries that wrote it; later versions may round otherwise.
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert str(trainer.report_)


def test_every_format_version_has_a_file():
    found = {int(path.stem.rpartition("_v")[2]) for path in FILES}
    assert found == set(range(1, FORMAT_VERSION + 1))

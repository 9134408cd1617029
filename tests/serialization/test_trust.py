"""Tests that user-defined classes and functions in a file are not used without trust."""

from __future__ import annotations

import json

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sktrainer import InputError, ManagedTrainer, UntrustedFileError, load
from tests import user_code
from tests.serialization.bundles import BINARY, NUMBERS, members_of, same_answers


def test_user_defined_functions_require_trust(tmp_path):
    pipeline = make_pipeline(FunctionTransformer(user_code.clipped), LogisticRegression())
    trainer = ManagedTrainer(
        pipeline, scoring={"mine": make_scorer(f1_score), "own": user_code.half_right}
    ).fit(NUMBERS, BINARY)
    path = trainer.save(tmp_path / "m.skt")
    names = ["tests.user_code.clipped", "tests.user_code.half_right"]
    with pytest.raises(UntrustedFileError) as caught:
        load(path)
    assert list(caught.value.names) == names
    manifest = json.loads(members_of(path.read_bytes())["manifest.json"])
    assert manifest["needs_trust"] == names
    assert f'trusted=["{names[0]}", "{names[1]}"]' in str(caught.value)
    with pytest.raises(UntrustedFileError, match="half_right"):
        load(path, trusted=names[:1])
    assert same_answers(trainer, load(path, trusted=names), NUMBERS)


@pytest.mark.parametrize("trusted", [3, None, [Ridge], "tests.user_code.clipped"])
def test_invalid_trusted_raises(tmp_path, trusted):
    path = ManagedTrainer(Ridge()).fit(NUMBERS, NUMBERS.sum(axis=1)).save(tmp_path / "m.skt")
    if isinstance(trusted, str):
        assert load(path, trusted=trusted).task == "auto"
        return
    with pytest.raises(InputError, match="trusted must be True, False or a list of import"):
        load(path, trusted=trusted)


def test_user_defined_classes_require_trust(tmp_path):
    trainer = ManagedTrainer(user_code.OwnRidge()).fit(NUMBERS, NUMBERS.sum(axis=1))
    path = trainer.save(tmp_path / "m.skt")
    with pytest.raises(UntrustedFileError, match=r'trusted=\["tests.user_code.OwnRidge"\]'):
        load(path)
    assert same_answers(trainer, load(path, trusted=["tests.user_code.OwnRidge"]), NUMBERS)

"""Tests of the names that need no trust: they exist, and their `__setstate__` was reviewed."""

from __future__ import annotations

import pytest

from sktrainer.serialization import allowlist
from sktrainer.serialization.type_ids import load_type

READ = {
    # Modules with a `__setstate__` that was reviewed, and what it does.
    "imblearn.base": "the same as scikit-learn",
    "lightgbm.basic": "passes text to the library's reader",
    "sklearn.base": "sets attributes, warns about versions",
    "catboost.core": "passes bytes to the library's reader",
    "sklearn.ensemble._hist_gradient_boosting.predictor": "sets attributes, casts the nodes",
    "sklearn.metrics._dist_metrics": "sets arrays",
    "sklearn.neighbors._ball_tree": "sets arrays",
    "sklearn.neighbors._kd_tree": "sets arrays",
    "sklearn.utils._bunch": "does nothing",
    "sktrainer.data.levels": "parses JSON to an array of strings and numbers",
    "xgboost.core": "passes bytes to the library's reader",
}


@pytest.mark.parametrize("name", sorted(allowlist.ALLOWED_OBJECTS))
def test_setstate_of_known_classes_was_reviewed(name):
    kind = load_type(name)
    assert isinstance(kind, type)
    for base in kind.__mro__:
        if "__setstate__" in vars(base):
            assert base.__module__ in READ, f"review {base}.__setstate__ before listing {name}"
    assert not any(base.__module__.startswith("skorch.net") for base in kind.__mro__)


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            *allowlist.ALLOWED_FUNCTIONS,
            *allowlist.ALLOWED_CLASSES,
            *allowlist.ALLOWED_CALLS,
            *allowlist.ALLOWED_KEY_TYPES,
        }
    ),
)
def test_known_name_can_be_imported(name):
    assert callable(load_type(name))


@pytest.mark.parametrize(
    ("role", "name", "expected"),
    [
        ("function", "sklearn.metrics._classification.f1_score", True),
        ("function", "sklearn.metrics._classification.check_array", False),
        ("function", "sklearn.metrics.os", False),
        ("function", "numpy.load", False),
        ("type", "torch.nn.modules.linear.Linear", True),
        ("type", "torch.optim.adam.Adam", True),
        ("type", "torch.nn.modules.linear.Tensor", False),
        ("type", "torch.nn.modules.no_such.Linear", False),
        ("type", "torch.optim.swa_utils.update_bn", False),
        ("object", "skorch.classifier.NeuralNetClassifier", False),
        ("call", "lightgbm.basic.Booster", False),
        ("key", "builtins.bool", False),
    ],
)
def test_name_is_known_only_in_its_role(role, name, expected):
    assert allowlist.is_allowed(role, name) is expected

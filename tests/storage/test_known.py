"""Every name that needs no trust is there, and does nothing when it is made from a state."""

from __future__ import annotations

import importlib

import pytest

from sktrainer.storage import known

READ = {
    # Classes with a way of their own to take a state, each of which was read.
    "imblearn.base": "as scikit-learn's",
    "lightgbm.basic": "hands text to the library's reader",
    "sklearn.base": "sets attributes, warns of versions",
    "catboost.core": "hands bytes to the library's reader",
    "sklearn.ensemble._hist_gradient_boosting.predictor": "sets attributes, casts the nodes",
    "sklearn.metrics._dist_metrics": "sets arrays",
    "sklearn.neighbors._ball_tree": "sets arrays",
    "sklearn.neighbors._kd_tree": "sets arrays",
    "sklearn.utils._bunch": "does nothing",
    "sktrainer.encoding.table.levels": "reads JSON to an array of what is in it",
    "xgboost.core": "hands bytes to the library's reader",
}


def _found(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", sorted(known.OBJECTS))
def test_a_known_class_takes_a_state_in_a_way_that_was_read(name):
    kind = _found(name)
    assert isinstance(kind, type)
    for base in kind.__mro__:
        if "__setstate__" in vars(base):
            assert base.__module__ in READ, f"read {base}.__setstate__ before listing {name}"
    assert not any(base.__module__.startswith("skorch.net") for base in kind.__mro__)


@pytest.mark.parametrize(
    "name", sorted({*known.FUNCTIONS, *known.TYPES, *known.CALLED, *known.KEYS})
)
def test_a_known_name_is_there(name):
    assert callable(_found(name))


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
def test_a_name_is_known_in_its_role_alone(role, name, expected):
    assert known.is_known(role, name) is expected

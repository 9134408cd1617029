"""Tests of the names that need no trust: they exist, and their `__setstate__` was reviewed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sktrainer.backends.registry import allowed_types, backend_by_name, backend_specs
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


@pytest.mark.parametrize("name", sorted(allowlist.allowed_names("object")))
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
        name
        for role in ("function", "type", "call", "key")
        for name in allowlist.allowed_names(role)
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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("skorch.classifier.NeuralNetClassifier", True),
        ("scikeras.wrappers.KerasClassifier", True),
        ("sktrainer/keras-estimator", True),
        ("sktrainer/module-net", True),
        ("keras.src.models.sequential.Sequential", True),
        ("lightgbm.sklearn.LGBMClassifier", False),
        ("sktrainer/table-encoder", False),
        ("os.system", False),
    ],
)
def test_networks_are_never_constructed_from_a_state(name, expected):
    assert allowlist.is_refused(name) is expected


@pytest.mark.parametrize(
    "spec", [s for s in backend_specs() if s.address.startswith("sktrainer.")]
)
def test_backend_has_the_allowed_types_of_its_package(spec):
    assert backend_by_name(spec.name).allowed_types in allowed_types()


ALLOWED_WITHOUT_FRAMEWORKS = """
import sys
from sktrainer.serialization.allowlist import is_allowed
assert is_allowed("object", "xgboost.core.Booster")
frameworks = {"catboost", "keras", "lightgbm", "skorch", "torch", "xgboost"}
print(sorted(frameworks & set(sys.modules)))
"""


def test_allowed_types_are_known_without_importing_a_framework():
    code = [sys.executable, "-c", ALLOWED_WITHOUT_FRAMEWORKS]
    run = subprocess.run(code, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "[]", run.stderr

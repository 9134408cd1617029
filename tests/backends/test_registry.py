from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from sktrainer.backends import registry
from sktrainer.backends.registry import find_backend
from sktrainer.exceptions import InputError, SktrainerError
from sktrainer.runtime.global_state import preserve_global_state

MODELS = {
    "xgboost": "XGBClassifier",
    "lightgbm": "LGBMRegressor",
    "catboost": "CatBoostClassifier",
}

FOREIGN_BACKEND = """
from sktrainer.backends.base import Backend
from sktrainer.backends.spec import BackendSpec

SPEC = BackendSpec("foreign", ("foreignlib",), "foreignlib:ForeignBackend")


class ForeignBackend(Backend):
    spec = SPEC

    def capabilities(self, model, task): ...

    def fit(self, request): ...


class Model:
    pass
"""


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Install a temporary package `foreignlib` that declares entry points."""
    (tmp_path / "foreignlib.py").write_text(FOREIGN_BACKEND)
    monkeypatch.syspath_prepend(str(tmp_path))

    def declare(**points: str) -> None:
        metadata = tmp_path / "foreignlib-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Name: foreignlib\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        text = "\n".join(["[sktrainer.backends]", *lines])
        (metadata / "entry_points.txt").write_text(text)
        registry._entry_points.cache_clear()

    yield declare
    sys.modules.pop("foreignlib", None)
    registry._entry_points.cache_clear()


@pytest.mark.parametrize(("library", "name"), MODELS.items())
def test_backend_is_found_by_the_library_of_the_model(library: str, name: str) -> None:
    model = getattr(pytest.importorskip(library), name)()
    assert find_backend(model).spec.name == library


@pytest.mark.parametrize(("library", "name"), MODELS.items())
def test_user_defined_subclass_uses_the_backend_of_its_base(library: str, name: str) -> None:
    base = getattr(pytest.importorskip(library), name)
    derived = type("Mine", (base,), {"__module__": "my_project.models"})
    assert find_backend(derived()).spec.name == library


def test_scikit_learn_backend_is_the_fallback() -> None:
    class Mine(BaseEstimator):
        pass

    assert find_backend(LogisticRegression()).spec.name == "sklearn"
    assert find_backend(Mine()).spec.name == "sklearn"


def test_entry_point_is_found_by_package_name(declare: Any) -> None:
    declare(foreignlib="foreignlib:SPEC")
    foreignlib = import_module("foreignlib")

    assert find_backend(foreignlib.Model()).spec.name == "foreign"


def test_entry_point_does_not_replace_a_built_in_backend(declare: Any) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    declare(lightgbm="foreignlib:SPEC", sklearn="foreignlib:SPEC")
    assert find_backend(lightgbm.LGBMClassifier()).spec.name == "lightgbm"
    assert find_backend(LogisticRegression()).spec.name == "sklearn"


def test_broken_entry_point_is_named_in_the_error(declare: Any) -> None:
    declare(foreignlib="foreignlib:Missing")
    foreignlib = import_module("foreignlib")

    with pytest.raises(SktrainerError, match=r"foreignlib = 'foreignlib:Missing'.*Missing"):
        find_backend(foreignlib.Model())


def test_finding_a_backend_imports_no_framework() -> None:
    code = (
        "import sys\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sktrainer.backends.registry import find_backend\n"
        "import sktrainer.backends.xgboost.backend, sktrainer.backends.lightgbm.backend\n"
        "import sktrainer.backends.catboost.backend\n"
        "find_backend(LogisticRegression())\n"
        "print(sorted({'xgboost', 'lightgbm', 'catboost'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scikeras", None)
    with pytest.raises(ImportError, match=r'pip install "sktrainer\[keras\]"'):
        registry.backend_for_package("scikeras")


def test_backend_is_found_by_its_name() -> None:
    assert registry.backend_by_name("sklearn") is find_backend(LogisticRegression())
    with pytest.raises(InputError, match="no backend 'other'"):
        registry.backend_by_name("other")


def test_backend_is_found_by_package() -> None:
    assert registry.backend_for_package("sklearn") is registry.backend_by_name("sklearn")
    assert registry.backend_for_package("json") is None


def test_entry_point_may_name_a_subpackage(declare: Any) -> None:
    declare(**{"foreignlib.models": "foreignlib:SPEC"})
    foreignlib = import_module("foreignlib")
    model = type("Model", (), {"__module__": "foreignlib.models.linear"})()

    assert find_backend(model).spec.name == "foreign"
    assert find_backend(foreignlib.Model()).spec.name == "sklearn"


def test_entry_point_that_is_no_spec_is_named_in_the_error(declare: Any) -> None:
    declare(foreignlib="foreignlib:Model")
    foreignlib = import_module("foreignlib")

    with pytest.raises(SktrainerError, match="expected a BackendSpec"):
        find_backend(foreignlib.Model())


def test_function_belongs_to_the_backend_that_accepts_builders() -> None:
    pytest.importorskip("keras")

    def build() -> None: ...

    assert find_backend(build).spec.accepts_builders
    assert find_backend(functools.partial(build)).spec.accepts_builders


def test_built_in_specs_import_no_framework() -> None:
    code = (
        "import sys\n"
        "from sktrainer.backends.registry import backend_specs, imported_networks\n"
        "names = [spec.name for spec in backend_specs()]\n"
        "assert {'xgboost', 'torch', 'keras', 'sklearn'} <= set(names), names\n"
        "assert not list(imported_networks())\n"
        "print(sorted({'xgboost', 'torch', 'skorch', 'keras'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_random_states_of_imported_frameworks_are_restored() -> None:
    torch = pytest.importorskip("torch")
    before = registry.framework_random_states()
    with preserve_global_state():
        torch.rand(3)
        assert registry.framework_random_states() != before
    assert registry.framework_random_states() == before

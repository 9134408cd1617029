"""Rules for the structure of the package, checked on its source code.

Imports point to lower layers and have no cycles, frameworks are imported where they are used,
files and the package stay small, types are precise, and tests mirror the source tree.
"""

from __future__ import annotations

import ast

import pytest

from tests.source_rules import (
    ROOT,
    SOURCES,
    any_percent,
    framework_problem,
    import_cycles,
    import_graph,
    imports_in,
    in_cycles,
    layer_problem,
    long_files,
    longest_chain,
    misplaced_frameworks,
    n_lines,
    on_demand_problem,
    target_module,
    text_of,
    top_level_modules,
    unmatched_tests,
    wrong_layers,
)

MAX_TOP_LEVEL_MODULES = 10
MAX_PACKAGE_LINES = 30_000
MAX_ANY_PERCENT = 12.0
MAX_IMPORT_CHAIN = 26

# Test files that do not test one source file.
CROSS_CUTTING: dict[str, str] = {
    "test_architecture.py": "structure of the source code",
    "test_import_time.py": "what importing and fitting load",
    "test_language.py": "language of code and documentation",
    "test_contract.py": "contract checks of all model families",
    "test_check_estimator.py": "scikit-learn's checks, for all model families",
    "test_all_estimators.py": "every scikit-learn estimator is fitted",
    "test_clients.py": "the trainer inside scikit-learn's meta-estimators",
    "test_device.py": "the `device` parameter, for all frameworks",
    "test_gpu.py": "training on a GPU, for all frameworks",
    "test_docs.py": "code and links of the pages in docs/",
    "test_readme.py": "code and links of the README",
    "backends/test_framework_names.py": "no shared module names a framework",
    "backends/test_toy_backend.py": "a backend outside the package gets every feature",
    "backends/keras/test_check_estimator.py": "scikit-learn's checks of Keras models",
    "checkpoints/test_kills.py": "processes that are killed while they write checkpoints",
    "cli/test_wrong_use.py": "wrong uses of all commands",
    "serialization/test_fuzz.py": "changed files, for all readers",
}

# Violations that still exist. A test fails if an entry is not needed any more.
EXCEPTIONS: dict[str, set[str]] = {
    "frameworks are imported where they are used": {
        "backends.keras.devices imports torch",
        "training.fit_model imports imblearn",
    },
}

# Limits that the code does not meet yet, with the present value. They may only get smaller.
PRESENT = {"lines": 57_600}


RULES = {
    "imports of lower layers only": wrong_layers,
    "no import cycles": import_cycles,
    "frameworks are imported where they are used": misplaced_frameworks,
    "short files": long_files,
    "tests mirror the source tree": lambda: unmatched_tests(CROSS_CUTTING),
}


@pytest.mark.parametrize("rule", RULES)
def test_code_obeys_rule(rule: str) -> None:
    new = RULES[rule]() - EXCEPTIONS.get(rule, set())
    assert not new, "\n".join(sorted(new))


@pytest.mark.parametrize("rule", RULES)
def test_exceptions_are_still_needed(rule: str) -> None:
    unneeded = EXCEPTIONS.get(rule, set()) - RULES[rule]()
    assert not unneeded, "Remove from EXCEPTIONS: " + "; ".join(sorted(unneeded))


def test_exceptions_name_existing_rules() -> None:
    assert set(EXCEPTIONS) <= set(RULES)


def test_cross_cutting_test_files_exist_and_have_a_reason() -> None:
    assert all((ROOT / "tests" / name).exists() for name in CROSS_CUTTING)
    assert all(CROSS_CUTTING.values())


def test_few_modules_are_at_the_top_level() -> None:
    assert len(top_level_modules()) <= MAX_TOP_LEVEL_MODULES, top_level_modules()


def _check_limit(name: str, value: float, limit: float) -> None:
    allowed = PRESENT.get(name, limit)
    assert value <= allowed, f"{name}: {value} > {allowed}"
    assert name not in PRESENT or value > limit, f"Remove {name!r} from PRESENT: {value}"


def test_chains_of_imports_are_short() -> None:
    chain = longest_chain(import_graph(typing=False))
    assert len(chain) <= MAX_IMPORT_CHAIN, " -> ".join(chain)


def test_package_is_short() -> None:
    _check_limit("lines", n_lines(), MAX_PACKAGE_LINES)


def test_parameter_types_are_precise() -> None:
    percent = any_percent([ast.parse(text_of(path)) for path in SOURCES.values()])
    _check_limit("Any", round(percent, 1), MAX_ANY_PERCENT)


MODULES = {"__init__", "types", "trainer", "data.tables", "training.run", "runtime.seeds"}
BACKENDS = {"backends.base", "backends.xgboost", "backends.xgboost.train", "backends.torch"}


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("types", "from sktrainer.trainer import ManagedTrainer", "types -> trainer"),
        ("types", "from .trainer import ManagedTrainer", "types -> trainer"),
        ("types", "import sktrainer.trainer", "types -> trainer"),
        ("types", "from sktrainer import trainer", "types -> trainer"),
        ("types", "from sktrainer import ManagedTrainer", "types -> __init__"),
        ("types", "def f():\n    import sktrainer.training.run", "types -> training.run"),
        (
            "types",
            "if TYPE_CHECKING:\n    import sktrainer.training.run",
            "types -> training.run",
        ),
        ("data.tables", "from sktrainer.training.run import fit", "-> training.run"),
        ("data.tables", "import_module('sktrainer.trainer')", "-> trainer"),
        ("backends.base", "from sktrainer.backends.xgboost import train", "xgboost.train"),
        ("backends.torch", "from sktrainer.backends.xgboost.train import fit", "-> backends"),
        ("data.tables", "from sktrainer.data.frames import read", "does not exist"),
        ("attic", "import sktrainer.types", "attic is not in LAYERS"),
    ],
)
def test_wrong_layer_is_detected(module: str, source: str, complaint: str) -> None:
    modules = MODULES | BACKENDS
    package = f"sktrainer.{module.rpartition('.')[0]}".rstrip(".")
    (item,) = imports_in(module, source, package)
    target = target_module(item.target, modules)
    assert target is not None
    assert complaint in str(layer_problem(module, target, modules))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("training.run", "from sktrainer.data.tables import n_rows"),
        ("data.tables", "from sktrainer.data import tables"),
        ("backends.xgboost.train", "from sktrainer.backends.base import FitRequest"),
        ("trainer", "def f():\n    from sktrainer.training import run"),
        ("__init__", "from sktrainer.trainer import ManagedTrainer"),
    ],
)
def test_lower_layer_is_accepted(module: str, source: str) -> None:
    modules = MODULES | BACKENDS
    (item,) = imports_in(module, source, "sktrainer")
    assert layer_problem(module, target_module(item.target, modules) or "", modules) is None


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("trainer", "import xgboost", "trainer imports xgboost"),
        ("trainer", "def f():\n    importlib.import_module('torch')", "imports torch"),
        ("trainer", "def f():\n    require('matplotlib', 'report')", "imports matplotlib"),
        ("backends.xgboost.train", "import xgboost", "outside a function"),
        ("backends.xgboost.train", "class A:\n    from xgboost import DMatrix", "outside"),
        ("backends.xgboost.train", "def f():\n    import xgboost", "None"),
        ("backends.xgboost.train", "if TYPE_CHECKING:\n    import xgboost", "None"),
        ("trainer", "import numpy, sklearn.base", "None"),
    ],
)
def test_misplaced_framework_is_detected(module: str, source: str, complaint: str) -> None:
    item = next(imports_in(module, source, "sktrainer"))
    assert complaint in str(framework_problem(item))


def test_early_import_of_an_on_demand_module_is_detected() -> None:
    source = "from sktrainer.callbacks import progress_bars"
    (early,) = imports_in("callbacks.progress", source, "sktrainer")
    (late,) = imports_in("callbacks.progress", f"def f():\n    {source}", "sktrainer")
    assert on_demand_problem(early, {"callbacks.progress_bars"})
    assert on_demand_problem(late, {"callbacks.progress_bars"}) is None


def test_cycles_are_detected() -> None:
    assert in_cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {"b", "c"}
    assert in_cycles({"a": {"b", "c"}, "b": {"c"}}) == set()


def test_longest_chain_is_found() -> None:
    assert longest_chain({"a": {"c", "b"}, "b": {"c"}, "d": {"c"}}) == ["a", "b", "c"]


def test_share_of_any_is_measured() -> None:
    source = "def f(self, X: Any, a: Any, *, b: int, c: str, d: list[Any]): ..."
    assert any_percent([ast.parse(source)]) == 25.0

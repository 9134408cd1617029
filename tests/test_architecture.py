"""Rules for the structure of the package, checked on its source code.

Imports point to lower layers and have no cycles, frameworks are imported where they are used,
files and the package stay small, types are precise, and tests mirror the source tree.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sktrainer"

MAX_TOP_LEVEL_MODULES = 10
MAX_LINES = 350
MAX_LINES_OF = {"trainer.py": 500}
MAX_PACKAGE_LINES = 30_000
MAX_ANY_PERCENT = 12.0

# Each module may import modules of lower layers and of its own package.
LAYERS = (
    ("_optional", "exceptions", "types", "datasets"),
    ("callbacks", "files", "runtime"),
    ("checkpoints", "data", "reporting"),
    ("backends", "preprocessing", "resampling", "scoring", "splitting"),
    ("prediction", "serialization", "training"),
    ("model_store", "persistence"),
    ("trainer",),
    ("functional", "testing"),
    ("__init__",),
)

# The order inside `backends`. The framework packages are the highest layer.
BACKEND_LAYERS = (
    ("support",),
    ("base",),
    ("registry",),
    ("estimators",),
    ("eval_metric",),
    ("_boosting", "_networks"),
)

# Packages that are not imported with sktrainer, and the modules that may import them.
FRAMEWORKS: dict[str, set[str]] = {
    "catboost": {"backends.catboost"},
    "imblearn": {"backends", "resampling", "runtime", "serialization"},
    "jinja2": {"reporting"},
    "keras": {"backends.keras"},
    "lightgbm": {"backends.lightgbm"},
    "matplotlib": {"reporting.plots"},
    "onnx": {"backends", "serialization.onnx"},
    "onnxmltools": {"backends", "serialization.onnx"},
    "onnxruntime": {"serialization.onnx"},
    "polars": set(),  # tables are read through narwhals
    "pyarrow": set(),
    "rich": {"callbacks.progress", "callbacks.progress_bars"},
    "safetensors": {"backends.torch", "files.arrays"},
    "scikeras": {"backends.keras"},
    "skl2onnx": {"backends", "serialization.onnx"},
    "skops": {"serialization"},
    "skorch": {"backends.torch"},
    "tensorflow": {"backends.keras"},
    "torch": {"backends.torch"},
    "xgboost": {"backends.xgboost"},
}

# Modules that import a framework at module level and are imported inside functions only.
ON_DEMAND = {
    "backends.torch.build",
    "backends.torch.data",
    "backends.torch.devices",
    "backends.torch.estimator",
    "backends.torch.mixin",
    "backends.torch.network",
    "backends.torch.outputs",
    "callbacks.progress_bars",
}

# Functions that import the module named by their first argument.
BY_NAME = {"__import__", "import_module", "require"}

# Parameters that accept any object: rows, targets, and estimators of other packages.
MAY_BE_ANY = {"self", "cls", "X", "y", "X_val", "y_val", "estimator", "model"}

# Test files that do not test one source file.
CROSS_CUTTING: dict[str, str] = {
    "test_architecture.py": "structure of the source code",
    "test_language.py": "language of code and documentation",
    "test_contract.py": "contract checks of all model families",
    "test_check_estimator.py": "scikit-learn's checks, for all model families",
    "test_all_estimators.py": "every scikit-learn estimator is fitted",
    "test_clients.py": "the trainer inside scikit-learn's meta-estimators",
    "test_device.py": "the `device` parameter, for all frameworks",
    "test_gpu.py": "training on a GPU, for all frameworks",
    "test_docs.py": "code and links of the pages in docs/",
    "test_readme.py": "code and links of the README",
    "backends/keras/test_check_estimator.py": "scikit-learn's checks of Keras models",
    "checkpoints/test_kills.py": "processes that are killed while they write checkpoints",
    "serialization/test_fuzz.py": "changed files, for all readers",
}

# Violations that still exist. A test fails if an entry is not needed any more.
EXCEPTIONS: dict[str, set[str]] = {
    "imports of lower layers only": {
        "backends.estimators -> backends.keras.estimator",
        "backends.estimators -> backends.keras.network",
        "backends.estimators -> backends.keras.recognize",
        "backends.estimators -> backends.keras.wrappers",
        "backends.estimators -> backends.torch.backend",
        "backends.estimators -> backends.torch.network",
        "backends.estimators -> backends.torch.recognize",
        "backends.keras.devices -> backends.torch.devices",
        "backends.torch.serialize -> serialization.allowlist",
        "data.targets -> backends.estimators",
        "model_store -> trainer",
        "serialization.manifest -> __init__",
        "serialization.onnx.graph_builder -> __init__",
    },
    "no import cycles": {
        "__init__",
        "backends.keras.backend",
        "backends.keras.mixin",
        "backends.keras.train",
        "functional",
        "model_store",
        "persistence",
        "reporting.html",
        "reporting.key_metrics",
        "reporting.page_context",
        "reporting.plots",
        "reporting.report",
        "reporting.sentences",
        "reporting.text",
        "serialization.bundle",
        "serialization.manifest",
        "serialization.onnx.export",
        "serialization.onnx.graph_builder",
        "serialization.onnx.hist_boosting",
        "serialization.onnx.inputs",
        "serialization.onnx.models",
        "serialization.onnx.outputs",
        "serialization.reader",
        "serialization.writer",
        "trainer",
    },
    "frameworks are imported where they are used": {
        "backends.estimators imports keras",
        "backends.keras.devices imports torch",
        "backends.keras.network imports keras outside a function",
        "serialization.onnx.models imports lightgbm",
        "training.fit_model imports imblearn",
    },
    "short files": {
        "backends/keras/network.py",
        "reporting/page_context.py",
        "trainer.py",
    },
}

# Limits that the code does not meet yet, with the present value. They may only get smaller.
PRESENT = {"lines": 36_000}


@dataclass(frozen=True)
class Import:
    """One import: the module that imports, its line, the target, and whether it runs late."""

    module: str
    line: int
    target: str
    is_lazy: bool


def imports_in(module: str, source: str, package: str) -> Iterator[Import]:
    """Yield all imports of `module`, those in functions and for type checking included."""

    def walk(node: ast.AST, is_lazy: bool) -> Iterator[Import]:
        for target in _targets(node, package):
            yield Import(module, node.lineno, target, is_lazy)  # type: ignore[attr-defined]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            is_lazy = True
        guarded = node.body if isinstance(node, ast.If) and _is_type_checking(node.test) else ()
        for child in ast.iter_child_nodes(node):
            yield from walk(child, is_lazy or child in guarded)

    return walk(ast.parse(source), False)


def _targets(node: ast.AST, package: str) -> list[str]:
    match node:
        case ast.Import(names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module, names, level):
            parts = package.split(".")
            base = parts[: len(parts) - level + 1] if level else []
            return [".".join([*base, *filter(None, [module]), alias.name]) for alias in names]
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in BY_NAME:
            constants = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
            return [text for text in constants if isinstance(text, str)]
        case _:
            return []


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    is_package = parts[-1] == "__init__" and len(parts) > 1
    return ".".join(parts[:-1] if is_package else parts)


SOURCES = {_module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_text(path))


@cache
def all_imports() -> tuple[Import, ...]:
    """Return the imports of all modules of the package."""
    found = []
    for module, path in SOURCES.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        name = "sktrainer" if module == "__init__" else f"sktrainer.{package}".rstrip(".")
        found += imports_in(module, _text(path), name)
    return tuple(found)


def target_module(target: str, modules: set[str]) -> str | None:
    """Return the module of the package that holds `target`, or None for another package."""
    if target.partition(".")[0] != "sktrainer":
        return None
    name = target.removeprefix("sktrainer").lstrip(".")
    if "." in name and name not in modules:  # a name in a module
        name = name.rpartition(".")[0]
    if name not in modules and "." not in name and target.count(".") <= 1:
        return "__init__"
    return name


def layer_of(name: str, layers: tuple[tuple[str, ...], ...]) -> int | None:
    """Return the number of the layer that lists `name`."""
    return next((number for number, layer in enumerate(layers) if name in layer), None)


def layer_problem(module: str, target: str, modules: set[str]) -> str | None:
    """Return why `module` must not import `target`, or None if it may."""
    if target not in modules:
        return f"{module} imports {target}, which does not exist"
    top, target_top = module.partition(".")[0], target.partition(".")[0]
    here, there = layer_of(top, LAYERS), layer_of(target_top, LAYERS)
    if here is None:
        return f"{top} is not in LAYERS"
    if top == target_top == "backends":
        return _backend_problem(module, target)
    allowed = top == target_top or (there is not None and there < here)
    return None if allowed else f"{module} -> {target}"


def _backend_problem(module: str, target: str) -> str | None:
    inner, target_inner = (f"{name}..".split(".")[1] for name in (module, target))
    highest = len(BACKEND_LAYERS)
    here = layer_of(inner, BACKEND_LAYERS)
    there = layer_of(target_inner, BACKEND_LAYERS)
    here, there = (highest if layer is None else layer for layer in (here, there))
    allowed = inner == target_inner or there < here
    return None if allowed else f"{module} -> {target}"


def framework_problem(item: Import) -> str | None:
    """Return why the module must not import this framework there, or None if it may."""
    framework = item.target.partition(".")[0]
    if framework not in FRAMEWORKS:
        return None
    places = FRAMEWORKS[framework]
    if not any(item.module == place or item.module.startswith(f"{place}.") for place in places):
        return f"{item.module} imports {framework}"
    if not (item.is_lazy or item.module in ON_DEMAND):
        return f"{item.module} imports {framework} outside a function"
    return None


def on_demand_problem(item: Import, modules: set[str]) -> str | None:
    """Return why the import loads a framework too early, or None if it does not."""
    target = target_module(item.target, modules)
    if target in ON_DEMAND and item.module not in ON_DEMAND and not item.is_lazy:
        return f"{item.module} imports {target} at module level, which loads a framework"
    return None


def in_cycles(graph: dict[str, set[str]]) -> set[str]:
    """Return the modules that import themselves through others (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: set[str] = set()

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in graph.get(module, ()):
            if target not in index:
                visit(target)
            if target in stack:
                low[module] = min(low[module], low[target])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.update(group)

    for module in graph:
        if module not in index:
            visit(module)
    return found


def wrong_layers() -> set[str]:
    """Return the imports between modules that do not point to a lower layer."""
    modules = set(SOURCES)
    targets = {(item.module, target_module(item.target, modules)) for item in all_imports()}
    problems = {layer_problem(module, target, modules) for module, target in targets if target}
    return {problem for problem in problems if problem}


def import_cycles() -> set[str]:
    """Return the modules that are in an import cycle."""
    graph: dict[str, set[str]] = {}
    for item in all_imports():
        target = target_module(item.target, set(SOURCES))
        if target and target != item.module:
            graph.setdefault(item.module, set()).add(target)
    return in_cycles(graph)


def misplaced_frameworks() -> set[str]:
    """Return the imports of frameworks in the wrong module or outside a function."""
    problems = {framework_problem(item) for item in all_imports()}
    problems |= {on_demand_problem(item, set(SOURCES)) for item in all_imports()}
    return {problem for problem in problems if problem}


def long_files() -> set[str]:
    """Return the files with more lines than allowed."""
    paths = {str(path.relative_to(PACKAGE)): path for path in SOURCES.values()}
    return {
        name
        for name, path in paths.items()
        if _text(path).count("\n") > MAX_LINES_OF.get(name, MAX_LINES)
    }


def unmatched_tests() -> set[str]:
    """Return the test files that are neither named after a source file nor cross-cutting."""
    tests = (path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py"))
    return {
        str(path)
        for path in tests
        if str(path) not in CROSS_CUTTING
        and not any(  # `_optional.py` is tested by `test_optional.py`
            (PACKAGE / path.with_name(path.name.removeprefix(prefix))).exists()
            for prefix in ("test_", "test")
        )
    }


RULES = {
    "imports of lower layers only": wrong_layers,
    "no import cycles": import_cycles,
    "frameworks are imported where they are used": misplaced_frameworks,
    "short files": long_files,
    "tests mirror the source tree": unmatched_tests,
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
    modules = [path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MAX_TOP_LEVEL_MODULES, modules


def _check_limit(name: str, value: float, limit: float) -> None:
    allowed = PRESENT.get(name, limit)
    assert value <= allowed, f"{name}: {value} > {allowed}"
    assert name not in PRESENT or value > limit, f"Remove {name!r} from PRESENT: {value}"


def test_package_is_short() -> None:
    n_lines = sum(_text(path).count("\n") for path in SOURCES.values())
    _check_limit("lines", n_lines, MAX_PACKAGE_LINES)


def any_percent(trees: list[ast.Module]) -> float:
    """Return the percentage of parameters annotated with Any, of those that have a type."""
    annotations = [
        parameter.annotation and ast.unparse(parameter.annotation)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for parameter in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if parameter.arg not in MAY_BE_ANY
    ]
    return 100.0 * annotations.count("Any") / len(annotations)


def test_parameter_types_are_precise() -> None:
    percent = any_percent([_tree(path) for path in SOURCES.values()])
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


def test_share_of_any_is_measured() -> None:
    source = "def f(self, X: Any, a: Any, *, b: int, c: str, d: list[Any]): ..."
    assert any_percent([ast.parse(source)]) == 25.0


def _loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_importing_the_package_loads_no_framework() -> None:
    # If they are installed, scikit-learn's pipeline loads rich and pandas loads pyarrow.
    ours = _loaded_by("import sktrainer")
    by_others = _loaded_by("import sklearn.pipeline")

    assert {name.partition(".")[0] for name in ours - by_others} & set(FRAMEWORKS) == set()


def test_importing_the_package_loads_few_modules_beyond_sklearn() -> None:
    # The baseline is `import sklearn`, which loads NumPy, SciPy and pandas, but none of the
    # lazily imported parts of scikit-learn.
    ours, sklearn_alone = _loaded_by("import sktrainer"), _loaded_by("import sklearn")

    assert len(ours) <= 1.15 * len(sklearn_alone), sorted(ours - sklearn_alone)


NETWORK_PACKAGES = {"jax", "keras", "scikeras", "skorch", "tensorflow", "torch"}


@pytest.mark.parametrize(
    "model",
    [
        "xgboost.XGBClassifier(n_estimators=20)",
        "lightgbm.LGBMClassifier(n_estimators=20, verbose=-1)",
        "sklearn.ensemble.HistGradientBoostingClassifier(max_iter=20)",
    ],
)
def test_fitting_trees_loads_no_neural_network_package(model: str, tmp_path: Path) -> None:
    package = model.rpartition(".")[0]
    program = f"""
import {package}
from sktrainer import ManagedTrainer, load
from sktrainer.datasets import load_hypothyroid
X, y = load_hypothyroid(return_X_y=True)
trainer = ManagedTrainer({model}, test_size=0.2, random_state=0)
trainer.fit(X, y).predict_proba(X[:5])
str(trainer.report_), repr(trainer), trainer._repr_html_()
load(trainer.save({str(tmp_path / "trees.joblib")!r}), trusted=True).predict(X[:5])
"""
    loaded = {name.partition(".")[0] for name in _loaded_by(program)}

    assert package.partition(".")[0] in loaded
    assert loaded & NETWORK_PACKAGES == set()

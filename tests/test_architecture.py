"""Imports point one way, frameworks are imported lazily, and the package loads quickly."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sktrainer"

GROUND = {"_optional", "_version", "exceptions", "rows", "types"}
SERVICES = {"backends", "datasets", "encoding", "results", "running", "scaling", "tracking"}
STAGES = GROUND | SERVICES | {"anatomy", "parameters", "stages"}
FLOW = STAGES | {
    "compatibility",
    "cross_validation",
    "flow",
    "joining",
    "recipe",
    "retries",
    "storage",
}
TRAINING = FLOW | {
    "checking",
    "checkpointing",
    "incremental",
    "receipt",
    "reporting",
    "tags",
    "telling",
    "training",
}
EVERYTHING = TRAINING | {
    "cli",
    "config",
    "functional",
    "model_store",
    "testing",
    "trainer",
    "verification",
}

# Allowed imports. A key is a module or a package under sktrainer/; its value holds the modules
# and packages (with everything inside) that it may import besides its own.
ALLOWED: dict[str, set[str]] = {
    "_version": set(),
    "exceptions": set(),
    "types": set(),
    "_optional": {"exceptions"},
    "rows": {"exceptions", "types"},
    "anatomy": GROUND | {"backends.adoption"},
    "parameters": GROUND | {"running.devices"},
    "datasets": GROUND,
    "running": GROUND,
    "encoding": GROUND | {"running.seeding"},
    "backends": GROUND | {"running"},
    "results": GROUND | {"encoding.probabilities"},
    "tracking": GROUND,
    "scaling": GROUND | {"running"},
    "stages": GROUND | SERVICES,
    "storage": GROUND | SERVICES,
    "compatibility": STAGES,
    "recipe": STAGES | {"compatibility"},
    "retries": STAGES,
    "joining": STAGES,
    "flow": STAGES | {"joining", "recipe", "retries"},
    "cross_validation": STAGES | {"flow", "recipe"},
    "checkpointing": FLOW,
    "receipt": FLOW,
    "reporting": FLOW | {"receipt"},
    "tags": FLOW,
    "checking": FLOW,
    "telling": FLOW | {"reporting"},
    "training": FLOW | {"checking", "checkpointing", "receipt", "reporting", "telling"},
    "incremental": FLOW | {"checking", "receipt", "reporting", "telling", "training"},
    "verification": TRAINING,
    "answering": FLOW,
    "keeping": TRAINING | {"verification"},
    "trainer": TRAINING | {"answering", "keeping"},
    "model_store": TRAINING | {"trainer"},
    "functional": TRAINING | {"model_store", "trainer"},
    "config": TRAINING | {"functional", "trainer"},
    "cli": TRAINING | {"config", "functional", "trainer"},
    "testing": EVERYTHING,
    "__init__": EVERYTHING,
    "__main__": EVERYTHING,
}

# Packages that are imported only inside functions, and the modules that may import them.
FRAMEWORKS: dict[str, set[str]] = {
    "catboost": {"backends", "storage.natives"},
    "dask": {"scaling"},
    "distributed": {"scaling"},
    "imblearn": {"backends", "encoding", "results", "running", "stages", "storage", "testing"},
    "keras": {"backends", "storage.natives"},
    "lightgbm": {"backends", "storage.natives", "storage.onnx"},
    "matplotlib": {"results.plots"},
    "mlflow": {"tracking"},
    "onnx": {"storage.onnx"},
    "onnxmltools": {"storage.onnx"},
    "onnxruntime": {"storage.onnx"},
    "polars": set(),  # frames are read through narwhals
    "pyarrow": {"scaling"},
    "rich": {"running.bars", "running.progress"},
    "scikeras": {"backends"},
    "skl2onnx": {"storage.onnx"},
    "skops": {"storage"},
    "skorch": {"backends", "storage.natives"},
    "tensorflow": {"backends"},
    "torch": {"backends", "storage.natives"},
    "wandb": {"tracking"},
    "xgboost": {"backends", "storage.natives"},
}

# Stages are called by the flow only and do not import each other.
THE_STAGES = {
    f"stages.{name}" for name in "checks splitting preparing fitting evaluating".split()
}

# Functions that import the module named by their first argument.
BY_NAME = {"__import__", "import_module", "require"}

# Modules that may import a framework at module level; others import them inside functions only.
ON_DEMAND = {
    "backends._torch_batches",
    "backends._torch_devices",
    "backends._torch_completion",
    "backends._torch_lookups",
    "backends._torch_looks",
    "backends._torch_losses",
    "backends._torch_module_net",
    "backends._torch_nets",
    "backends._torch_pickle",
    "running.bars",
    "storage.natives._keras_models",
    "storage.natives._modules",
}


@dataclass(frozen=True)
class Import:
    """One import statement: its target, its line, and when it runs."""

    target: str
    line: int
    in_function: bool
    only_for_types: bool


def imports_in(tree: ast.AST, package: str) -> Iterator[Import]:
    """Yield all imports of a module in the package `package` ("sktrainer.stages")."""

    def walk(node: ast.AST, in_function: bool, only_for_types: bool) -> Iterator[Import]:
        for target in _targets(node, package):
            yield Import(target, node.lineno, in_function, only_for_types)  # type: ignore[attr-defined]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            in_function = True
        guarded = node.body if isinstance(node, ast.If) and _is_type_checking(node.test) else ()
        for child in ast.iter_child_nodes(node):
            yield from walk(child, in_function, only_for_types or child in guarded)

    return walk(tree, False, False)


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


def violations(module: str, source: str, modules: set[str]) -> list[str]:
    """Return the forbidden imports of `module` ("stages.checks"), given all known `modules`."""
    found = []
    for item in imports_in(ast.parse(source), _package_of(module, modules)):
        problem = (
            _wrong_direction(module, item, modules)
            if item.target.partition(".")[0] == "sktrainer"
            else _wrong_framework(module, item)
        )
        if problem:
            found.append(f"{module}, line {item.line}: {problem}")
    return found


def _package_of(module: str, modules: set[str]) -> str:
    if module in ("__init__", "__main__"):
        return "sktrainer"
    is_package = any(name.startswith(f"{module}.") for name in modules)
    return f"sktrainer.{module if is_package else module.rpartition('.')[0]}".rstrip(".")


def _wrong_direction(module: str, item: Import, modules: set[str]) -> str | None:
    target = item.target.removeprefix("sktrainer").lstrip(".")
    if "." in target and target not in modules:  # a name in a module
        target = target.rpartition(".")[0]
    if target not in modules:
        if "." in target or item.target.count(".") > 1:
            return f"imports {item.target}, which does not exist"
        target = "__init__"
    loads_anyway = module in ON_DEMAND or item.in_function or item.only_for_types
    if target in ON_DEMAND and not loads_anyway:
        return f"imports {target} at module level, which loads a framework"
    room, target_room = module.partition(".")[0], target.partition(".")[0]
    if room not in ALLOWED:
        return f"is not in ALLOWED: add {room}"
    if room == target_room:
        is_another_stage = target in THE_STAGES and target != module
        return f"imports another stage, {target}" if is_another_stage else None
    is_allowed = any(target == name or target.startswith(f"{name}.") for name in ALLOWED[room])
    return None if is_allowed else f"may not import {target}"


def _wrong_framework(module: str, item: Import) -> str | None:
    framework = item.target.partition(".")[0]
    if framework not in FRAMEWORKS:
        return None
    places = FRAMEWORKS[framework]
    if not any(module == place or module.startswith(f"{place}.") for place in places):
        return f"may not import {framework}"
    if not (item.in_function or item.only_for_types or module in ON_DEMAND):
        return f"imports {framework} outside a function"
    return None


def _sources() -> dict[str, Path]:
    def name(path: Path) -> str:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        is_inner_package = parts[-1] == "__init__" and len(parts) > 1
        return ".".join(parts[:-1] if is_inner_package else parts)

    return {name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


SOURCES = _sources()


@pytest.mark.parametrize("module", SOURCES)
def test_module_imports_only_lower_layers(module: str) -> None:
    source = SOURCES[module].read_text(encoding="utf-8")
    found = violations(module, source, set(SOURCES))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("types", "from sktrainer.trainer import ManagedTrainer", "may not import trainer"),
        ("types", "from .trainer import ManagedTrainer", "may not import trainer"),
        ("types", "import sktrainer.trainer", "may not import trainer"),
        ("types", "from sktrainer import trainer", "may not import trainer"),
        ("types", "from sktrainer import ManagedTrainer", "may not import __init__"),
        (
            "types",
            "def f():\n    import sktrainer.training.fit_and_score",
            "line 2: may not import flow",
        ),
        ("backends.xgboost", "from sktrainer.encoding import columns", "encoding.columns"),
        ("backends.xgboost", "from ..encoding.columns import Column", "encoding.columns"),
        ("encoding.columns", "from sktrainer.types import Scorer", "running.metrics"),
        ("stages.checks", "from sktrainer.training.run import fit_model", "another stage"),
        ("stages.checks", "from sktrainer.training.fit_model import fit", "another stage"),
        ("stages.targets", "from . import fitting", "another stage"),
        ("flow", "import_module('sktrainer.trainer')", "may not import trainer"),
        ("flow", "import xgboost", "may not import xgboost"),
        (
            "flow",
            "def f():\n    import importlib\n    importlib.import_module('torch')",
            "torch",
        ),
        ("flow", "def f():\n    require('matplotlib', 'report')", "may not import matplotlib"),
        ("backends.xgboost", "import xgboost", "outside a function"),
        ("backends.xgboost", "class A:\n    from xgboost import DMatrix", "outside a function"),
        (
            "running.progress",
            "from sktrainer.callbacks import progress_bars",
            "loads a framework",
        ),
        ("attic", "import sktrainer.types", "not in ALLOWED"),
    ],
)
def test_forbidden_import_is_detected(module: str, source: str, complaint: str) -> None:
    known = {"encoding.columns", "flow", "running.bars", "running.metrics", "stages.fitting"}
    packages = {"backends", "encoding", "running", "stages"}
    (message,) = violations(module, source, known | packages | {"trainer", "types"})
    assert complaint in message


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("backends.xgboost", "def f():\n    import xgboost"),
        ("backends.xgboost", "if TYPE_CHECKING:\n    from xgboost import Booster"),
        ("encoding.columns", "from sktrainer.runtime.seeds import derive_seed"),
        ("stages.checks", "from sktrainer.stages.targets import check_target"),
        (
            "running.progress",
            "def f():\n    from sktrainer.callbacks.progress_bars import Bars",
        ),
        ("__init__", "from sktrainer.trainer import ManagedTrainer"),
        ("flow", "import numpy, sklearn.base"),
    ],
)
def test_allowed_import_is_accepted(module: str, source: str) -> None:
    known = {"running.bars", "running.seeding", "stages.targets", "trainer", "types"}
    assert violations(module, source, known) == []


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

"""Analysis of the source code for `tests/test_architecture.py`."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sktrainer"

MAX_LINES = 350
MAX_LINES_OF = {"trainer.py": 500}

# Each module may import modules of lower layers and of its own package.
LAYERS = (
    ("_optional", "exceptions", "types", "datasets"),
    ("files", "runtime"),
    ("callbacks",),
    ("checkpoints", "data", "reporting", "tracking"),
    ("backends", "preprocessing", "resampling", "scoring", "splitting"),
    ("prediction", "serialization", "training"),
    ("analysis", "config"),
    ("serving",),
    ("model_store", "persistence"),
    ("trainer",),
    ("save_path",),
    ("comparison",),
    ("functional", "testing"),
    ("__init__",),
    ("cli",),
    ("__main__",),
)

# The order inside `backends`. The framework packages are the highest layer.
BACKEND_LAYERS = (
    ("spec", "support"),
    ("base",),
    ("registry",),
    ("estimators",),
    ("eval_metric",),
    ("_boosting", "_networks"),
)

# Packages that are not imported with sktrainer, and the modules that may import them.
FRAMEWORKS: dict[str, set[str]] = {
    "catboost": {"backends.catboost"},
    "click": {"cli"},
    "imblearn": {"backends", "resampling", "runtime", "serialization"},
    "jinja2": {"reporting"},
    "keras": {"backends.keras"},
    "lightgbm": {"backends.lightgbm"},
    "matplotlib": {"reporting"},
    "mlflow": {"tracking.mlflow"},
    "onnx": {"backends", "serialization.onnx"},
    "onnxmltools": {"backends", "serialization.onnx"},
    "onnxruntime": {"serialization.onnx"},
    "polars": set(),  # tables are read through narwhals
    "pyarrow": {"data.file_formats"},
    "rich": {"callbacks.notebook", "callbacks.progress", "callbacks.progress_bars", "cli"},
    "safetensors": {"backends.torch", "files.arrays"},
    "scikeras": {"backends.keras"},
    "skl2onnx": {"backends", "serialization.onnx"},
    "skops": {"serialization"},
    "skorch": {"backends.torch"},
    "tensorflow": {"backends.keras"},
    "torch": {"backends.torch"},
    "trackio": set(),  # imported by the name in the settings
    "wandb": set(),
    "xgboost": {"backends.xgboost"},
}

# Modules that import a framework at module level and are imported inside functions only.
ON_DEMAND = {
    "backends.catboost.nested",
    "backends.torch.build",
    "backends.torch.data",
    "backends.torch.devices",
    "backends.torch.estimator",
    "backends.torch.mixin",
    "backends.torch.network",
    "backends.torch.outputs",
    "callbacks.notebook",
    "callbacks.progress_bars",
}

# Functions that import the module named by their first argument.
BY_NAME = {"__import__", "import_module", "require"}

# Parameters that accept any object: rows, targets, and estimators of other packages.
MAY_BE_ANY = {"self", "cls", "X", "y", "X_val", "y_val", "estimator", "model"}


@dataclass(frozen=True)
class Import:
    """One import: the module that imports, its line and target.

    `is_lazy` states whether it runs late or never, and `is_typing` whether it is for type
    checkers only.
    """

    module: str
    line: int
    target: str
    is_lazy: bool
    is_typing: bool = False


def imports_in(module: str, source: str, package: str) -> Iterator[Import]:
    """Yield all imports of `module`, those in functions and for type checking included."""

    def walk(node: ast.AST, is_lazy: bool, is_typing: bool) -> Iterator[Import]:
        for target in _targets(node, package):
            line = node.lineno  # type: ignore[attr-defined]
            yield Import(module, line, target, is_lazy or is_typing, is_typing)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            is_lazy = True
        guarded = node.body if isinstance(node, ast.If) and _is_type_checking(node.test) else ()
        for child in ast.iter_child_nodes(node):
            yield from walk(child, is_lazy, is_typing or child in guarded)

    return walk(ast.parse(source), False, False)


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

# Nothing but the program `sktrainer` imports the command line, which is built with click.
ON_DEMAND |= {"__main__", *(name for name in SOURCES if name.partition(".")[0] == "cli")}


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def all_imports() -> tuple[Import, ...]:
    """Return the imports of all modules of the package."""
    found = []
    for module, path in SOURCES.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        name = "sktrainer" if module == "__init__" else f"sktrainer.{package}".rstrip(".")
        found += imports_in(module, text_of(path), name)
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


def import_graph(*, typing: bool) -> dict[str, set[str]]:
    """Return what each module of the package imports; with `typing`, also for type checkers."""
    graph: dict[str, set[str]] = {}
    for item in all_imports():
        target = target_module(item.target, set(SOURCES))
        if target and target != item.module and (typing or not item.is_typing):
            graph.setdefault(item.module, set()).add(target)
    return graph


def import_cycles() -> set[str]:
    """Return the modules that are in an import cycle."""
    return in_cycles(import_graph(typing=True))


def longest_chain(graph: dict[str, set[str]]) -> list[str]:
    """Return the longest chain of modules of which each imports the next one."""

    @cache
    def below(module: str) -> tuple[str, ...]:
        chains = [below(target) for target in sorted(graph.get(module, ()))]
        return (module, *max(chains, key=len, default=()))

    return list(max(map(below, graph), key=len))


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
        if text_of(path).count("\n") > MAX_LINES_OF.get(name, MAX_LINES)
    }


def unmatched_tests(cross_cutting: Collection[str]) -> set[str]:
    """Return the test files that are neither named after a source file nor cross-cutting."""
    tests = (path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py"))
    return {
        str(path)
        for path in tests
        if str(path) not in cross_cutting
        and not any(  # `_optional.py` is tested by `test_optional.py`
            (PACKAGE / path.with_name(path.name.removeprefix(prefix))).exists()
            for prefix in ("test_", "test")
        )
    }


def n_lines() -> int:
    """Return the number of lines of the package."""
    return sum(text_of(path).count("\n") for path in SOURCES.values())


def top_level_modules() -> list[str]:
    """Return the names of the modules directly in the package."""
    return [path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]


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

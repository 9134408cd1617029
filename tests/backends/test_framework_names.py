"""Frameworks are named in their own packages only, apart from docstrings and comments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sktrainer

ROOT = Path(sktrainer.__file__).parent

FRAMEWORKS = (
    "catboost",
    "keras",
    "lightgbm",
    "scikeras",
    "skorch",
    "tensorflow",
    "torch",
    "xgboost",
)

NAME = re.compile(rf"(?<![a-z])({'|'.join(FRAMEWORKS)})(?![a-z])", re.IGNORECASE)

# Import paths that skops must not import, extras to install, a generator from which a callback
# draws, and examples in help pages.
ALLOWED = {"_optional.py", "serialization/skops_io.py", "testing/callback_checks.py"}
HELP_PAGES = "cli/"


def framework_names(code: str) -> Iterator[str]:
    """Yield the strings, names and imports in which a framework is named."""
    tree = ast.parse(code)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) in docstrings:
            continue
        for _, value in ast.iter_fields(node):
            strings = value if isinstance(value, list) else [value]
            for text in strings:
                if isinstance(text, str) and NAME.search(text):
                    yield f"line {getattr(node, 'lineno', '?')}: {text!r}"


def shared_modules() -> list[str]:
    own = tuple(f"backends/{p.name}/" for p in (ROOT / "backends").iterdir() if p.is_dir())
    paths = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
    frameworks = tuple(p for p in own if not p.startswith("backends/_"))
    return [
        p for p in paths if not p.startswith((*frameworks, HELP_PAGES)) and p not in ALLOWED
    ]


@pytest.mark.parametrize("module", shared_modules())
def test_shared_module_names_no_framework(module):
    found = list(framework_names((ROOT / module).read_text("utf-8")))
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        "import torch",
        "from sktrainer.backends.keras.network import encode",
        "family = 'skorch'",
        "is_torch_module = 1",
        "def f():\n    'Docstring.'\n    return 'XGBoost sees no GPU'",
    ],
)
def test_framework_name_is_found(code):
    assert list(framework_names(code))


def test_framework_name_in_docstring_or_comment_is_allowed():
    assert not list(framework_names('"""For torch."""\n\n# As in Keras.\ntorchlike = 1\n'))

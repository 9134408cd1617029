"""Models by short name, by file and by import path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sklearn.linear_model import Ridge

from sktrainer import ParameterError
from sktrainer.backends.registry import backend_specs
from sktrainer.config.models import build_model, named_models
from sktrainer.config.reader import load_config

SHORT_NAMES = {"lightgbm", "xgboost", "catboost", "hgb", "forest", "linear", "sgd", "mlp"}


def test_short_names_are_unique_and_complete() -> None:
    names = [model.name for spec in backend_specs() for model in spec.models]
    assert len(names) == len(set(names))
    assert set(names) >= SHORT_NAMES


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("name", sorted(SHORT_NAMES))
def test_short_name_is_a_model_for_each_task(name: str, task: str) -> None:
    model = build_model(load_config({"model": name}), task)

    address = named_models()[name][0].address(task)
    assert type(model).__name__ == address.partition(":")[2]


def test_task_of_the_configuration_selects_the_model() -> None:
    config = load_config({"model": "linear", "task": "regression"})
    assert isinstance(build_model(config), Ridge)


def test_short_name_without_task_and_data_is_refused() -> None:
    with pytest.raises(ParameterError, match="Set task, or data.path and data.target"):
        build_model(load_config({"model": "linear"}))


def test_import_path_needs_no_task() -> None:
    config = load_config({"model": {"name": "sklearn.linear_model:Ridge", "alpha": 0.5}})
    assert build_model(config).get_params()["alpha"] == 0.5


def test_list_becomes_a_tuple_if_the_default_is_one() -> None:
    name = "sklearn.neural_network:MLPRegressor"
    config = load_config({"model": {"name": name, "hidden_layer_sizes": [5, 5]}})
    assert build_model(config).hidden_layer_sizes == (5, 5)


@pytest.fixture
def module(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path / "my_own_models.py"
    sys.modules.pop("my_own_models", None)


def test_python_file_defines_classes_and_instances(module: Path) -> None:
    module.write_text(
        "from sklearn.linear_model import Ridge\n"
        "class Own(Ridge):\n    pass\n"
        "strong = Ridge(alpha=100.0)\n"
    )
    path = module.parent / "run.yaml"
    path.write_text("model: {name: 'my_own_models.py:Own', alpha: 2.0}")
    own = build_model(load_config(path))
    assert (type(own).__name__, own.alpha) == ("Own", 2.0)
    strong = build_model(load_config({"model": {"name": f"{module}:strong", "tol": 0.1}}))
    assert (strong.alpha, strong.tol) == (100.0, 0.1)
    original = sys.modules["my_own_models"].strong
    assert original.tol != 0.1  # the instance in the file is unchanged


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("forst", "there is no model 'forst'. Did you mean 'forest'?"),
        ("dbscan", "there is no model 'dbscan'. Expected "),
        ("sklearn.svm:SVX", "'sklearn.svm' defines no 'SVX'. Did you mean 'SVR'?"),
        ("sklearn.svn:SVC", "there is no module 'sklearn.svn'"),
        ("nope.py:Model", "nope.py' does not exist"),
        ({"name": "forest", "n_estimator": 3}, "has no parameter 'n_estimator'. Did you mean"),
        (
            {"name": "lightgbm", "num_leave": 3},
            "no parameter 'num_leave'. Did you mean 'num_leaves'",
        ),
        ({"name": "xgboost", "n_estimator": 3}, "no parameter 'n_estimator'. Did you mean"),
        (
            {"name": "catboost", "iteration": 3},
            "no parameter 'iteration'. Did you mean 'iterations'",
        ),
    ],
)
def test_wrong_model_is_refused_with_a_suggestion(model: object, reason: str) -> None:
    with pytest.raises(ParameterError) as error:
        load_config({"model": model, "task": "classification"})
    assert reason in str(error.value)


def test_parameters_that_xgboost_only_passes_on_are_accepted() -> None:
    pytest.importorskip("xgboost")
    config = load_config({"model": {"name": "xgboost", "eta": 0.5}, "task": "regression"})
    assert build_model(config).get_params()["eta"] == 0.5


def test_python_file_in_the_working_directory_is_imported(module: Path, monkeypatch) -> None:
    module.write_text("from sklearn.linear_model import Ridge\nclass Own(Ridge):\n    pass\n")
    monkeypatch.chdir(module.parent)
    monkeypatch.syspath_prepend(module.parent)  # as `python -m` does
    own = build_model(load_config({"model": {"name": "my_own_models.py:Own", "alpha": 2.0}}))
    assert (type(own).__name__, own.alpha) == ("Own", 2.0)


def test_error_in_a_python_file_is_one_line(module: Path) -> None:
    module.write_text("1 / 0\n")
    with pytest.raises(ParameterError, match="cannot be imported: ZeroDivisionError") as error:
        load_config({"model": f"{module}:Own"})
    assert "my_own_models" not in sys.modules
    assert "\n" not in str(error.value)


def test_file_with_the_name_of_a_module_is_refused(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("x = 1")
    with pytest.raises(
        ParameterError, match="also the name of another module. Rename the file"
    ):
        load_config({"model": f"{tmp_path / 'json.py'}:x"})

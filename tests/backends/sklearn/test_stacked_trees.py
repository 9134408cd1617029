"""Ensembles of trees are saved as joined arrays, and rebuilt from them."""

from __future__ import annotations

import tracemalloc
import zipfile

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from sktrainer import FileFormatError, ManagedTrainer, load
from sktrainer.backends.sklearn.stacked_trees import (
    NODES,
    VALUES,
    stack_trees,
    unstack_trees,
    without_trees,
)
from sktrainer.testing import bit_identical, model_outputs

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5))
TWO = (X[:, 0] + RNG.normal(size=200) > 0).astype(int)
THREE = TWO + (X[:, 1] > 1)
NUMBERS = X[:, 0] + RNG.normal(size=200)
TARGETS = np.column_stack([NUMBERS, X[:, 1] + RNG.normal(size=200)])
PAIRS = np.column_stack([TWO, THREE])

MODELS = {
    "forest": (RandomForestClassifier(4, random_state=0), THREE),
    "forest of several targets": (RandomForestRegressor(4, random_state=0), TARGETS),
    "forest of several labels": (RandomForestClassifier(4, random_state=0), PAIRS),
    "extra trees": (ExtraTreesRegressor(4, random_state=0), NUMBERS),
    "boosting": (GradientBoostingRegressor(n_estimators=4, random_state=0), NUMBERS),
    "boosting of three classes": (
        GradientBoostingClassifier(n_estimators=4, random_state=0),
        THREE,
    ),
    "bagging of columns": (
        BaggingClassifier(DecisionTreeClassifier(), 4, max_features=0.6, random_state=0),
        TWO,
    ),
    "AdaBoost": (AdaBoostClassifier(n_estimators=4, random_state=0), TWO),
}


def rebuilt(model):
    description, files = stack_trees(model)
    copied = without_trees(model)
    unstack_trees(copied, description, {name: bytes(data) for name, data in files.items()})
    return copied


def trees_of(model):
    return np.asarray(model.estimators_, dtype=object).ravel().tolist()


@pytest.mark.parametrize("name", MODELS)
def test_rebuilt_ensemble_is_identical(name):
    model, y = MODELS[name]
    model = clone(model).fit(X, y)
    again = rebuilt(model)
    assert type(again.estimators_) is type(model.estimators_)
    assert np.shape(again.estimators_) == np.shape(model.estimators_)
    for one, two in zip(trees_of(model), trees_of(again), strict=True):
        assert vars(one).keys() == vars(two).keys()
        assert one.get_params() == two.get_params()
        assert one.get_depth() == two.get_depth()
        assert np.array_equal(one.tree_.value, two.tree_.value)
        assert np.array_equal(one.tree_.threshold, two.tree_.threshold)
    assert np.array_equal(model.predict(X), again.predict(X))


@pytest.mark.parametrize("name", ["forest", "boosting", "extra trees"])
def test_file_has_two_arrays_for_all_trees(name, tmp_path):
    model, y = MODELS[name]
    trainer = ManagedTrainer(clone(model), early_stopping=False, random_state=0).fit(X, y)
    path = trainer.save(tmp_path / "m.skt")
    with zipfile.ZipFile(path) as archive:
        assert {NODES, VALUES} <= set(archive.namelist())
    again = load(path)
    assert bit_identical(model_outputs(again, X), model_outputs(trainer, X))
    # The padding between the fields of a node is undefined, and must not be stored.
    second = again.save(tmp_path / "again.skt")
    with zipfile.ZipFile(path) as one, zipfile.ZipFile(second) as two:
        for name in (NODES, VALUES, "model.skops"):
            assert one.read(name) == two.read(name)


def test_saving_needs_no_more_memory_than_the_trees(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    rows, y = rng.normal(size=(5_000, 3)), rng.integers(0, 2, 5_000)
    forest = RandomForestClassifier(20, bootstrap=False, random_state=0)
    trainer = ManagedTrainer(forest, audit=False).fit(rows, y)
    trainer.save(tmp_path / "m.skt")  # imports skops
    states = [tree.tree_.__getstate__() for tree in trainer.model_.estimators_]
    size = sum(state["nodes"].nbytes + state["values"].nbytes for state in states)
    assert size > 5_000_000
    monkeypatch.chdir(tmp_path)  # there is no Git repository to read
    # Large members are not compressed, but a forest of that size would make the test slow.
    monkeypatch.setattr("sktrainer.files.archive.MOST_COMPRESSED_BYTES", 0)
    tracemalloc.start()
    try:
        trainer.save(tmp_path / "m.skt")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.25 * size


def test_trees_that_differ_are_not_joined():
    forest = RandomForestClassifier(3, random_state=0).fit(X, TWO)
    assert stack_trees(forest) is not None
    forest.estimators_[1].max_depth = 7
    assert stack_trees(forest) is None
    vote = VotingClassifier(
        [("a", DecisionTreeClassifier(random_state=0)), ("b", LogisticRegression())]
    )
    bagging = BaggingClassifier(LogisticRegression(), 3, random_state=0)
    for model in (vote, LogisticRegression(), bagging):
        assert stack_trees(model.fit(X, TWO)) is None
    assert stack_trees(RandomForestClassifier()) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_nodes", np.array([1, 1])),
        ("n_nodes", np.array([5, -5, 9])),
        ("n_nodes", np.array([1.0, 1.0, 1.0])),
        ("n_nodes", None),
        ("max_depths", np.array([1])),
        ("seeds", [1]),
        ("shape", [7]),
        ("member", LogisticRegression()),
        ("tree", [5, np.array([2]), 3]),
        ("tree", [5, np.array([[2]]), 1]),
        ("tree", [5, np.array([-2]), 1]),
        ("tree", [0, np.array([2]), 1]),
        ("tree", [5, np.array([2])]),
        ("tree", [5, np.array([3]), 1]),
        ("other", 1),
    ],
)
def test_changed_description_is_refused(field, value):
    forest = RandomForestClassifier(3, random_state=0).fit(X, TWO)
    description, files = stack_trees(forest)
    files = {name: bytes(data) for name, data in files.items()}
    with pytest.raises(FileFormatError):
        unstack_trees(without_trees(forest), {**description, field: value}, files)
    with pytest.raises(FileFormatError, match="is missing"):
        unstack_trees(without_trees(forest), description, {NODES: files[NODES]})
    with pytest.raises(FileFormatError, match="not an ensemble"):
        unstack_trees(LogisticRegression(), description, files)
